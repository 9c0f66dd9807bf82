import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphmem.graph.search import top
from graphmem.graph.vectors import Places


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.data())
def test_top_are_the_highest_then_the_earliest_then_by_id(
    values: list[int], data: st.DataObject
) -> None:
    size = len(values)
    ties = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    ids = data.draw(st.permutations([f"{n:02}" for n in range(size)]))
    limit = data.draw(st.integers(1, size))

    found = top(
        np.array(values, dtype=np.float64),
        limit,
        ties=np.array(ties),
        ids=lambda places: [ids[n] for n in places.tolist()],
    )

    expected = sorted(range(size), key=lambda n: (-values[n], ties[n], ids[n]))[:limit]
    assert sorted(found.tolist()) == sorted(expected)


def test_top_asks_for_no_id_that_decides_nothing() -> None:
    asked: list[int] = []

    def ids(places: Places) -> list[str]:
        asked.extend(places.tolist())
        return [str(n) for n in places.tolist()]

    found = top(np.ones(5), 3, ties=np.array([9, 3, 7, 1, 7]), ids=ids)

    assert sorted(found.tolist()) == [1, 2, 3]
    assert asked == [2, 4]

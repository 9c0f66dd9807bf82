import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphmem.graph.search import top


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.data())
def test_top_are_the_highest_then_the_lowest_numbers(
    values: list[int], data: st.DataObject
) -> None:
    numbers = data.draw(st.permutations(range(len(values))))
    limit = data.draw(st.integers(1, len(values)))

    found = top(np.array(values, dtype=np.float64), limit, ties=np.array(numbers))

    expected = sorted(range(len(values)), key=lambda n: (-values[n], numbers[n]))[:limit]
    assert sorted(found.tolist()) == sorted(expected)


def test_top_of_equal_values() -> None:
    found = top(np.ones(4), 2, ties=np.array([9, 3, 7, 1]))

    assert sorted(found.tolist()) == [1, 3]

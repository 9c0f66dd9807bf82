import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.graph import shelves, vectors
from graphmem.graph.postings import Text
from graphmem.graph.shelves import Chain, Part, Shelf, chain_of, items_of
from graphmem.graph.vectors import build

NOTHING = build([], 3)


def shelf(places: list[tuple[str, int]]) -> Shelf:
    """Return episodes at these (session, seq), sorted; their numbers fall as the rows rise."""
    places = sorted(places)
    n = np.arange(len(places), 0, -1) * 10
    return Shelf(
        n=n,
        ids=tuple(str(number) for number in n),
        text=Text([""] * len(places)),
        item=np.full(len(places), -1),
        order=np.argsort(n),
        recorded=np.zeros(len(places), dtype=np.int64),
        begins=np.zeros(len(places), dtype=np.int64),
        chain=chain_of([s for s, _ in places], [seq for _, seq in places]),
    )


def beside(places: list[tuple[str, int]], row: int, reach: int) -> list[int]:
    """Say it slowly: places of the session, those before and after, ties whole."""
    places = sorted(places)
    session, here = places[row]
    before = sorted((q for s, q in places if s == session and q < here), reverse=True)[:reach]
    after = sorted(q for s, q in places if s == session and q > here)[:reach]
    low, high = min([here, *before]), max([here, *after])
    return [n for n, (s, q) in enumerate(places) if s == session and low <= q <= high]


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 12)), min_size=1, max_size=12),
    st.integers(0, 4),
    st.data(),
)
def test_around_is_of_the_session(
    places: list[tuple[str, int]], reach: int, data: st.DataObject
) -> None:
    rows = data.draw(st.sets(st.integers(0, len(places) - 1), min_size=1))

    found = shelf(places).around(np.array(sorted(rows)), reach)

    assert found.tolist() == sorted({n for row in rows for n in beside(places, row, reach)})


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 12)), min_size=1, max_size=12),
    st.integers(0, 12),
    st.integers(0, 3),
)
def test_chain_may_grow_in_any_order(places: list[tuple[str, int]], split: int, reach: int) -> None:
    def chain(part: list[tuple[str, int]]) -> Chain:
        return chain_of([s for s, _ in part], [seq for _, seq in part])

    grown = chain(places[:split]).plus(chain(places[split:]))

    for row, (session, here) in enumerate(places):
        assert grown.around(np.array([row]), 0).tolist() == [
            n for n, place in enumerate(places) if place == (session, here)
        ]
        assert (
            grown.around(np.array([row]), reach).tolist()
            == chain(places).around(np.array([row]), reach).tolist()
        )


def test_around_nothing_is_nothing() -> None:
    assert shelf([("a", 1)]).around(np.zeros(0, dtype=np.intp), 2).tolist() == []


def test_rows_of_numbers_that_are_here() -> None:
    here = shelf([("a", 1), ("a", 2), ("a", 3)])  # numbers 30, 20, 10

    assert here.rows_of(np.array([5, 10, 20, 25, 99])).tolist() == [2, 1]
    assert shelf([]).rows_of(np.array([5])).tolist() == []


@pytest.mark.parametrize(
    ("as_of", "known_at", "ended", "expected"),
    [
        (5, 5, False, [True, False]),
        (5, 5, True, [True, True]),
        (1, 5, True, [False, True]),
        (5, 0, True, [False, False]),
        (5, 9, False, [False, False]),
    ],
)
def test_live_at_both_clocks(as_of: int, known_at: int, ended: bool, expected: list[bool]) -> None:
    two = Shelf(
        n=np.array([1, 2]),
        ids=("a", "b"),
        text=Text(["", ""]),
        item=np.array([-1, -1]),
        order=np.array([0, 1]),
        recorded=np.array([1, 1]),
        begins=np.array([2, 1]),
        retired=np.array([9, 9]),
        ends=np.array([9, 4]),
    )

    assert two.live(as_of=as_of, known_at=known_at, ended=ended).tolist() == expected


def test_until_is_when_something_changes_next() -> None:
    one = Shelf(
        n=np.array([1, 2]),
        ids=("a", "b"),
        text=Text(["", ""]),
        item=np.array([-1, -1]),
        order=np.array([0, 1]),
        recorded=np.array([1, 30]),
        begins=np.array([2, 20]),
        retired=np.array([9, 90]),
        ends=np.array([8, 80]),
    )

    assert one.until(as_of=0, known_at=0) == (2, 1)
    assert one.until(as_of=2, known_at=1) == (8, 9)
    assert one.until(as_of=8, known_at=9) == (20, 30)
    assert one.until(as_of=20, known_at=30) == (80, 90)
    assert min(one.until(as_of=80, known_at=90)) > 10**18, "never"


def test_remembered_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "_REMEMBERED", 3)
    here = shelf([("a", 1)])

    here.remember({1: ("one",), 2: ("two",)})
    assert set(here.known) == {1, 2}
    here.remember({3: ("three",), 4: ("four",)})
    assert set(here.known) == {3, 4}, "full: it starts afresh"
    here.remember(dict.fromkeys(range(9), ("many",)))
    assert set(here.known) == set(), "more than it may hold"


def test_items_of_ids_without_a_vector() -> None:
    matrix = vectors.build([(1, "b", bytes(12)), (2, "a", bytes(12))], 3)

    assert items_of(["a", "x", "b"], matrix).tolist() == [1, -1, 0]


def test_part_counts_all_it_holds() -> None:
    one = shelf([("a", 1)])
    part = Part(one, one, NOTHING)

    assert part.bytes == 2 * one.bytes + NOTHING.bytes

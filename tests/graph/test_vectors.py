from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.graph import vectors
from graphmem.graph.vectors import LARGE, Matrix, Nearness, build

D = 3
components = st.lists(st.floats(-1, 1, width=32), min_size=D, max_size=D)
windows = st.lists(components, min_size=1, max_size=4)
items = st.lists(windows, max_size=6)


def matrix_of(found: Sequence[Sequence[Sequence[float]]]) -> Matrix:
    rows = [(f"i{n:02}", v) for n, item in enumerate(found) for v in item]
    return build([(n, item, np.asarray(v, "<f4").tobytes()) for n, (item, v) in enumerate(rows)], D)


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    found = rng.standard_normal(shape).astype(np.float32)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


@given(items, components)
def test_cosines_are_of_the_best_window(
    found: list[list[list[float]]], question: list[float]
) -> None:
    query = np.asarray(question, dtype=np.float32)
    near = Nearness(matrix_of(found), query)

    expected = [max(float(np.asarray(w, np.float32) @ query) for w in item) for item in found]
    assert near.all.shape == (len(found),)
    np.testing.assert_allclose(near.all, expected, atol=1e-6)
    np.testing.assert_allclose(near.of(np.arange(len(found))[::2]), expected[::2], atol=1e-6)


@given(items, components, st.integers(1, 5))
def test_nearest_are_the_highest_and_what_ties(
    found: list[list[list[float]]], question: list[float], limit: int
) -> None:
    near = Nearness(matrix_of(found), np.asarray(question, dtype=np.float32))
    places = np.arange(len(found))

    best, cosines = near.nearest(places, limit)

    lowest = sorted(near.all.tolist(), reverse=True)[: max(1, limit)]
    expected = {n for n, v in enumerate(near.all.tolist()) if lowest and v >= lowest[-1]}
    assert set(best.tolist()) == expected
    assert cosines.tolist() == near.all[best].tolist()


def test_rows_of_an_item_may_come_apart() -> None:
    rows = [("a", [1, 0, 0]), ("b", [0, 1, 0]), ("a", [0, 0, 1])]
    matrix = build(
        [(n, item, np.asarray(v, "<f4").tobytes()) for n, (item, v) in enumerate(rows)], D
    )

    near = Nearness(matrix, np.array([0, 0, 1], dtype=np.float32))

    assert (len(matrix), matrix.places) == (2, {"a": 0, "b": 1})
    assert near.all.tolist() == [1, 0]


def test_matrix_of_nothing() -> None:
    near = Nearness(build([], D), np.zeros(D, dtype=np.float32))

    assert near.all.tolist() == []
    assert [found.tolist() for found in near.nearest(np.zeros(0, dtype=np.intp), 5)] == [[], []]


def large(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, n: int = 4000) -> Matrix:
    """Return vectors as embeddings are: near a few axes, with something of every other one."""
    monkeypatch.setattr(vectors, "LARGE", 1000)
    topics = unit(rng, 40, 384)
    found = topics[rng.integers(0, 40, n)] + 0.8 * unit(rng, n, 384)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return build([(n, f"i{n}", v.astype("<f4").tobytes()) for n, v in enumerate(found)], 384)


def test_large_matrix_finds_nearly_all_of_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    matrix = large(rng, monkeypatch)
    assert matrix.outline is not None
    places = np.arange(len(matrix))

    hits = 0
    for _ in range(20):
        query = matrix.rows[rng.integers(0, len(matrix))] + 0.5 * unit(rng, 384)
        best, cosines = Nearness(matrix, query).nearest(places, 20)
        exact = matrix.rows @ query
        hits += len(set(np.argsort(-exact)[:20].tolist()) & set(best.tolist()))
        np.testing.assert_allclose(cosines, exact[best], atol=1e-5)
        assert len(best) >= 20

    assert hits >= 0.98 * 20 * 20


def test_large_matrix_of_one_kind_of_vector_is_searched_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the axes tell nothing, too many would be picked: all cosines are taken instead."""
    rng = np.random.default_rng(7)
    monkeypatch.setattr(vectors, "LARGE", 1000)
    found = unit(rng, 3000, 384)
    matrix = build([(n, f"i{n}", v.tobytes()) for n, v in enumerate(found)], 384)
    query = unit(rng, 384)

    best, _ = Nearness(matrix, query).nearest(np.arange(3000), 10)

    assert set(best.tolist()) == set(np.argsort(-(found @ query))[:10].tolist())


def test_large_matrix_with_windows_takes_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    monkeypatch.setattr(vectors, "LARGE", 100)
    found = unit(rng, 400, 2, 96)
    matrix = build([(n, f"i{n}", w.tobytes()) for n, item in enumerate(found) for w in item], 96)
    query = found[17, 1]
    near = Nearness(matrix, query)

    exact = (found @ query).max(axis=1)

    asked = np.array([17, 3, 399])
    np.testing.assert_allclose(near.of(asked), exact[asked], atol=1e-5)
    best, _ = near.nearest(np.arange(400), 1)
    assert best.tolist() == [17]


def test_small_matrix_has_no_outline() -> None:
    assert LARGE > 10_000
    assert matrix_of([[[1, 0, 0]]]).outline is None


# growing ------------------------------------------------------------------------------------


def blob(*numbers: float) -> bytes:
    return np.asarray(numbers, "<f4").tobytes()


@given(items, items, components)
def test_grown_matrix_answers_as_one_built_whole(
    before: list[list[list[float]]], after: list[list[list[float]]], question: list[float]
) -> None:
    rows = [(f"i{n:02}", v) for n, item in enumerate([*before, *after]) for v in item]
    numbered = [(n, item, blob(*v)) for n, (item, v) in enumerate(rows)]
    split = sum(len(item) for item in before)

    grown = build(numbered[:split], D).plus(numbered[split:])

    whole = build(numbered, D)
    assert grown is not None
    assert (grown.places, grown.numbers.tolist()) == (whole.places, whole.numbers.tolist())
    query = np.asarray(question, dtype=np.float32)
    np.testing.assert_array_equal(Nearness(grown, query).all, Nearness(whole, query).all)


def test_two_that_grow_from_one_do_not_share_rows() -> None:
    first = [(n, f"i{n}", blob(n, 0, 0)) for n in range(16)]
    base = build(first, D).plus([(16, "x", blob(9, 9, 9))])
    assert base is not None

    one, other = base.plus([(17, "a", blob(1, 1, 1))]), base.plus([(17, "b", blob(2, 2, 2))])

    assert one is not None
    assert other is not None
    assert one.rows[-1].tolist() == [1, 1, 1]
    assert other.rows[-1].tolist() == [2, 2, 2]
    assert base.rows[-1].tolist() == [9, 9, 9]
    assert np.shares_memory(base.rows, one.rows), "the first to add pays for no copy"


def test_rows_that_go_take_their_item_along() -> None:
    matrix = build([(5, "a", blob(1, 0, 0)), (6, "a", blob(0, 1, 0)), (7, "b", blob(0, 0, 1))], D)

    left = matrix.without({5, 6})

    assert left is not None
    assert left.places == {"b": 1}
    assert left.numbers.tolist() == [-1, -1, 7]
    assert matrix.without({99}) is matrix
    assert matrix.without({5}) is None, "half an item is none"
    assert matrix.plus([(8, "b", blob(1, 1, 1))]) is None, "it has that item"


def test_outline_grows_with_its_rows() -> None:
    rng = np.random.default_rng(5)
    found = unit(rng, LARGE + 200, 96)
    rows = [(n, f"i{n}", v.astype("<f4").tobytes()) for n, v in enumerate(found)]

    late = build(rows[: LARGE - 100], 96).plus(rows[LARGE - 100 :])
    grown = build(rows[: LARGE + 100], 96).plus(rows[LARGE + 100 :])

    assert late is not None
    assert grown is not None
    assert late.outline is not None
    assert grown.outline is not None
    assert len(late.outline.rows.rows) == len(grown.outline.rest.rows) == LARGE + 200
    query = unit(rng, 96)
    best, _ = Nearness(grown, query).nearest(np.arange(LARGE + 200), 10)
    exact = np.argsort(-(found @ query))[:10]
    assert len(set(best.tolist()) & set(exact.tolist())) >= 9

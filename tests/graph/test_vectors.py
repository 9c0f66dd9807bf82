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
    return build([(item, np.asarray(v, "<f4").tobytes()) for item, v in rows], D)


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
    matrix = build([(item, np.asarray(v, "<f4").tobytes()) for item, v in rows], D)

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
    return build([(f"i{n}", v.astype("<f4").tobytes()) for n, v in enumerate(found)], 384)


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
    matrix = build([(f"i{n}", v.tobytes()) for n, v in enumerate(found)], 384)
    query = unit(rng, 384)

    best, _ = Nearness(matrix, query).nearest(np.arange(3000), 10)

    assert set(best.tolist()) == set(np.argsort(-(found @ query))[:10].tolist())


def test_large_matrix_with_windows_takes_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    monkeypatch.setattr(vectors, "LARGE", 100)
    found = unit(rng, 400, 2, 96)
    matrix = build([(f"i{n}", w.tobytes()) for n, item in enumerate(found) for w in item], 96)
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

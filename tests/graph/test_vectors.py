from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.graph import vectors
from graphmem.graph.vectors import Matrices, Matrix, best, build

D = 3
components = st.lists(st.floats(-1, 1, width=32), min_size=D, max_size=D)
windows = st.lists(components, min_size=1, max_size=4)
items = st.lists(windows, max_size=6)


def matrix_of(found: Sequence[Sequence[Sequence[float]]], prefix: str = "i") -> Matrix:
    return build(
        (
            (f"{prefix}{n:02}", "fact" if n % 2 else "episode", np.asarray(v, "<f4").tobytes())
            for n, item in enumerate(found)
            for v in item
        ),
        D,
    )


@given(items, components)
def test_cosines_are_of_the_best_window(
    found: list[list[list[float]]], question: list[float]
) -> None:
    query = np.asarray(question, dtype=np.float32)
    matrix = matrix_of(found)

    cosines = matrix.cosines(query)

    expected = [max(float(np.asarray(w, np.float32) @ query) for w in item) for item in found]
    assert cosines.shape == (len(found),)
    np.testing.assert_allclose(cosines, expected, atol=1e-6)
    assert matrix.kinds == tuple("fact" if n % 2 else "episode" for n in range(len(found)))


@given(items, items, components)
def test_best_is_sorted_and_whole(
    one: list[list[list[float]]], other: list[list[list[float]]], question: list[float]
) -> None:
    query = np.asarray(question, dtype=np.float32)

    ranked, cosine = best([matrix_of(one, "a"), matrix_of(other, "b")], query)

    assert len(ranked) == len(cosine) == len(one) + len(other)
    assert [(-value, item) for value, item, _ in ranked] == sorted(
        (-value, item) for item, value in cosine.items()
    )


def test_best_of_nothing() -> None:
    assert best([], np.zeros(D, dtype=np.float32)) == ([], {})
    assert best([matrix_of([])], np.zeros(D, dtype=np.float32)) == ([], {})


def test_matrix_is_kept_while_the_version_stands() -> None:
    kept, loads = Matrices(), 0

    def load() -> Matrix:
        nonlocal loads
        loads += 1
        return matrix_of([[[0, 0, loads]]])

    first = kept.get("s", 1, 1, load)
    assert kept.get("s", 1, 1, load) is first
    second = kept.get("s", 1, 2, load)
    assert second is not first
    assert kept.get("s", 2, 2, load) is not second, "another model is another matrix"
    assert kept.get("t", 1, 2, load) is not second, "another scope is another matrix"
    assert loads == 4


def test_matrices_beyond_the_bound_go_oldest_first() -> None:
    with pytest.MonkeyPatch.context() as patch:
        one = matrix_of([[[1, 0, 0]]])
        patch.setattr(vectors, "_CACHE_BYTES", 2 * one.bytes)
        kept, loaded = Matrices(), list[str]()

        def get(scope: str) -> None:
            def load() -> Matrix:
                loaded.append(scope)
                return matrix_of([[[1, 0, 0]]])

            kept.get(scope, 1, 1, load)

        for scope in ("a", "b", "a", "c", "a", "b"):
            get(scope)

    assert loaded == ["a", "b", "c", "b"], "b was used longest ago when c came"


def test_one_matrix_larger_than_the_bound_is_kept() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "_CACHE_BYTES", 1)
        kept = Matrices()
        first = kept.get("a", 1, 1, lambda: matrix_of([[[1, 0, 0]]]))

        assert kept.get("a", 1, 1, lambda: matrix_of([])) is first

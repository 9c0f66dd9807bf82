"""Boosted trees, asked many at once."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.retrieval.plausible import NAMES, forest
from graphmem.retrieval.trees import MOST_LEAVES, Forest, planted
from tests.retrieval.pools import some

WIDTH = 3
SPLIT = st.tuples(st.integers(0, WIDTH - 1), st.integers(-2, 2))
TREE = st.recursive(
    st.integers(-50, 50),
    lambda below: st.tuples(SPLIT, below, below).map(lambda t: [*t[0], t[1], t[2]]),
    max_leaves=MOST_LEAVES,
)
ROW = st.lists(st.integers(-3, 3), min_size=WIDTH, max_size=WIDTH)


def walked(tree: Any, row: list[int]) -> float:
    while isinstance(tree, list):
        name, bound, low, high = tree
        tree = high if row[name] > bound else low
    return float(tree)


@some
@given(st.lists(TREE, max_size=4), st.lists(ROW, min_size=1, max_size=4))
def test_forest_gives_what_a_walk_down_each_tree_gives(
    trees: list[Any], rows: list[list[int]]
) -> None:
    found = Forest.of(json.dumps(trees)).values(np.array(rows, dtype=np.float64))

    assert found.tolist() == [sum(walked(tree, row) for tree in trees) for row in rows]


def test_value_on_the_bound_goes_low() -> None:
    one = planted([(0, 1.5, -1.0, 1.0)])

    assert one.values(np.array([[1.5], [1.6]])).tolist() == [-1.0, 1.0]


def test_no_trees_say_nothing() -> None:
    assert planted([]).values(np.zeros((2, 4))).tolist() == [0.0, 0.0]


def test_more_leaves_than_fit_are_refused() -> None:
    tree: Any = 0.0
    for _ in range(MOST_LEAVES):
        tree = [0, 0.0, tree, 0.0]

    with pytest.raises(ValueError, match="17 leaves"):
        planted([tree])


def test_shipped_trees_ask_about_what_is_known() -> None:
    assert forest().feature.max() < len(NAMES)
    assert len(forest().leaves) > 0

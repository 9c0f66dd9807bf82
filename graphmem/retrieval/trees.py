"""Boosted regression trees, asked many at once.

Each tree asks of a row whether some values are above some bounds, and gives the value of the leaf
that the answers lead to; a forest gives the sum (Friedman, *Greedy function approximation: a
gradient boosting machine*, 2001). All splits of all trees are looked at at once, and each that
leads to the right strikes out the leaves left below it; the first that is left is the row's
(Lucchese et al., *QuickScorer*, SIGIR 2015): a few array operations instead of a walk per tree.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphmem.retrieval.columns import Floats

Tree = float | tuple[int, float, "Tree", "Tree"]
"""A leaf is its value, a split is (feature, bound, low, high)."""

MOST_LEAVES: Final = 16
_STRUCK: Final = np.arange(1 << MOST_LEAVES)
_FIRST: Final = np.log2(~_STRUCK & (_STRUCK + 1)).astype(np.intp)
"""Of each set of leaves that are struck out, as bits, the number of the first that is left."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees side by side, padded: shape (splits × trees,), but ``leaves`` (trees, leaves).

    ``feature`` is the number of the value that a split asks about, ``above`` its bound, ``struck``
    the bits of the leaves that are struck out where the value is above it, ``leaves`` their values
    from left to right.
    """

    feature: npt.NDArray[np.intp]
    above: Floats
    struck: npt.NDArray[np.uint16]
    leaves: Floats

    @staticmethod
    def of(text: str) -> "Forest":
        """Return the forest of a list of trees in JSON."""
        return planted(json.loads(text))

    def values(self, rows: Floats) -> Floats:
        """Return the sum of the trees for each row, shape (rows,). O(rows × splits)."""
        count = len(self.leaves)
        if not count:
            return np.zeros(len(rows))
        struck = (rows.take(self.feature, axis=1) > self.above) * self.struck
        # Splits before trees: what is reduced lies far apart, what is worked on at once together.
        out = np.bitwise_or.reduce(struck.reshape(len(rows), -1, count), axis=1)
        return self.leaves[np.arange(count), _FIRST[out]].sum(axis=1)


def planted(trees: Sequence[Tree]) -> Forest:
    """Return a forest of trees.

    A row goes to ``high`` where the feature is above the bound. A tree has ``MOST_LEAVES`` at most.
    """
    flat = [_flat(tree) for tree in trees]
    splits = max((len(one[0]) for one in flat), default=0) or 1
    width = max((len(one[1]) for one in flat), default=1)
    shape = (splits, len(flat))
    feature = np.zeros(shape, dtype=np.intp)
    above = np.full(shape, np.inf)
    struck = np.zeros(shape, dtype=np.uint16)
    leaves = np.zeros((len(flat), width))
    for number, (asked, values) in enumerate(flat):
        leaves[number, : len(values)] = values
        for place, (name, bound, bits) in enumerate(asked):
            feature[place, number], above[place, number] = name, bound
            struck[place, number] = bits
    return Forest(feature.ravel(), above.ravel(), struck.ravel(), leaves)


def _flat(tree: Tree) -> tuple[list[tuple[int, float, int]], list[float]]:
    """Return the splits of a tree, each with the bits of the leaves below it to the left."""
    splits: list[tuple[int, float, int]] = []
    values: list[float] = []

    def walk(node: Tree) -> None:
        if isinstance(node, (int, float)):
            values.append(float(node))
            return
        name, bound, low, high = node
        begin = len(values)
        walk(low)
        splits.append((int(name), float(bound), (1 << len(values)) - (1 << begin)))
        walk(high)

    walk(tree)
    if len(values) > MOST_LEAVES:
        raise ValueError(f"a tree has {len(values)} leaves, more than {MOST_LEAVES}")
    return splits, values

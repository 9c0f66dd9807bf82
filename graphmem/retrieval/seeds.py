"""Which of the episodes that the arms found are widened along NEXT: the best of both together.

A neighbour is worth looking at beside what is likely to be a hit, and nobody knows yet what will
be: the scores are not to be had before the pool is there. Ranks are. Knows no store.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

RANK_OFFSET: Final = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""


def seeds(arms: Iterable[Sequence[T]], limit: int, *, tie: Callable[[T], str]) -> list[T]:
    """Return the ``limit`` best of what the arms found, each given from its best to its last.

    By the sum of 1 / (60 + rank) over the arms, ranks from 1; equal ones by ``tie``, the lower
    first. Stores that do this by themselves do it alike.
    """
    worth: dict[T, float] = {}
    for arm in arms:
        for rank, item in enumerate(arm, 1):
            worth[item] = worth.get(item, 0.0) + 1 / (RANK_OFFSET + rank)
    return sorted(worth, key=lambda item: (-worth[item], tie(item)))[:limit]

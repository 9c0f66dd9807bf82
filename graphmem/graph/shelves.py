"""What recall needs of all memories of one scope, in columns.

A shelf holds the episodes of a scope, or its fact versions; a part is both, with their vectors.
What only the final candidates need is read when they are found, by the store's own row numbers.
Does not know SQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final, TypeAlias

import numpy as np

from graphmem.graph.postings import Text
from graphmem.graph.vectors import Matrix, Places
from graphmem.retrieval.rank import Flags, Integers

Row: TypeAlias = tuple[Any, ...]

_REMEMBERED: Final = 1024  # rows that a shelf keeps of those read for candidates
_ROW_BYTES: Final = 1000
_PLACE_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class Shelf:
    """Memories of one kind and scope. All columns are of shape (rows,); times in microseconds.

    A row is believed from ``recorded`` until ``retired`` and holds from ``begins`` until ``ends``;
    None is no end. ``item`` is its place in the matrix, -1 without a vector. ``chain`` orders the
    rows of episodes along NEXT and is ascending: the session's number, then the place in it.
    ``order`` are the rows by their number.
    ``known`` are rows as they were read for candidates, by number.
    """

    n: Integers
    ids: tuple[str, ...]
    text: Text
    item: Places
    order: Places
    recorded: Integers
    begins: Integers
    retired: Integers | None = None
    ends: Integers | None = None
    chain: Integers | None = None
    known: dict[int, Row] = field(default_factory=dict[int, Row])

    @property
    def bytes(self) -> int:
        remembered = min(len(self.n), _REMEMBERED) * _ROW_BYTES
        return self.text.bytes + 150 * len(self.n) + remembered

    def live(self, *, as_of: int, known_at: int, ended: bool) -> Flags:
        """Return which rows are believed at ``known_at`` and hold, or have held, at ``as_of``."""
        live = (self.recorded <= known_at) & (self.begins <= as_of)
        if self.retired is not None:
            live &= self.retired > known_at
        if self.ends is not None and not ended:
            live &= self.ends > as_of
        return live

    def rows_of(self, ns: Integers) -> Places:
        """Return the rows of these numbers; those that are not here are left out."""
        if not len(self.n) or not len(ns):
            return np.zeros(0, dtype=np.intp)
        ordered = self.n[self.order]
        places = np.minimum(np.searchsorted(ordered, ns), len(ordered) - 1)
        return self.order[places[ordered[places] == ns]]

    def around(self, rows: Places, reach: int) -> Places:
        """Return these rows and those up to ``reach`` places away in their session, ascending.

        Rows at one place count as so many places, and come together or not at all.
        """
        if self.chain is None or not len(rows):
            return rows
        chain = self.chain
        here = chain[rows]
        session = here >> _PLACE_BITS << _PLACE_BITS
        first = np.searchsorted(chain, session)
        end = np.searchsorted(chain, session + (1 << _PLACE_BITS))
        low = np.maximum(np.searchsorted(chain, here) - reach, first)
        high = np.minimum(np.searchsorted(chain, here, side="right") + reach, end) - 1
        low = np.searchsorted(chain, chain[low])
        high = np.searchsorted(chain, chain[high], side="right")
        beside: set[int] = set()
        for start, stop in zip(low.tolist(), high.tolist(), strict=True):
            beside.update(range(start, stop))
        return np.array(sorted(beside), dtype=np.intp)

    def remember(self, found: Mapping[int, Row]) -> None:
        """Keep rows for the next question; a shelf that is full starts afresh."""
        if len(self.known) + len(found) > _REMEMBERED:
            self.known.clear()
        if len(found) <= _REMEMBERED:
            self.known.update(found)


def chain_of(sessions: Sequence[str], seqs: Sequence[int]) -> Integers:
    """Return the places along NEXT of rows that come ordered by session and seq."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(sessions))}
    session = np.fromiter(map(numbers.__getitem__, sessions), dtype=np.int64, count=len(sessions))
    return (session << _PLACE_BITS) + np.array(seqs, dtype=np.int64)


def items_of(ids: Sequence[str], matrix: Matrix) -> Places:
    return np.fromiter(map(matrix.places.get, ids, repeat(-1)), dtype=np.intp, count=len(ids))


@dataclass(frozen=True, slots=True)
class Part:
    """Everything of one scope."""

    episodes: Shelf
    facts: Shelf
    matrix: Matrix

    @property
    def bytes(self) -> int:
        return self.episodes.bytes + self.facts.bytes + self.matrix.bytes

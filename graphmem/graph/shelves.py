"""What recall needs of all memories of one scope, in columns.

A shelf holds the episodes of a scope, or its fact versions; a part is both, with their vectors.
What only the final candidates need is read when they are found, by the store's own row numbers.
Does not know SQL.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any, Final, TypeAlias

import numpy as np

from graphmem.graph.postings import Text
from graphmem.graph.vectors import Matrix, Places
from graphmem.retrieval.columns import Flags, Integers

Row: TypeAlias = tuple[Any, ...]

_REMEMBERED: Final = 16384  # rows that a shelf keeps of those read for candidates
_NEVER: Final = int(np.iinfo(np.int64).max)
_ROW_BYTES: Final = 1000
_PLACE_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class Chain:
    """Where rows stand along NEXT: ``places`` are the session's number, then the place in it.

    ``along`` are the rows in that order, ``chain`` their places.
    """

    sessions: Mapping[str, int]
    places: Integers
    along: Places
    chain: Integers

    @classmethod
    def of(cls, sessions: Mapping[str, int], places: Integers) -> "Chain":
        along = np.argsort(places, kind="stable")
        return cls(sessions, places, along, places[along])

    def around(self, rows: Places, reach: int) -> Places:
        """Return these rows and those up to ``reach`` places away in their session, ascending.

        Rows at one place count as so many places, and come together or not at all.
        """
        chain, here = self.chain, self.places[rows]
        session = here >> _PLACE_BITS << _PLACE_BITS
        first = np.searchsorted(chain, session)
        end = np.searchsorted(chain, session + (1 << _PLACE_BITS))
        low = np.maximum(np.searchsorted(chain, here) - reach, first)
        high = np.minimum(np.searchsorted(chain, here, side="right") + reach, end) - 1
        low = np.searchsorted(chain, chain[low])
        high = np.searchsorted(chain, chain[high], side="right")
        counts = high - low
        starts = np.cumsum(counts) - counts
        runs = np.arange(int(counts.sum())) + np.repeat(low - starts, counts)
        return np.unique(self.along[runs])

    def plus(self, more: "Chain") -> "Chain":
        """Return the places of these rows and, behind them, of more."""
        if not len(more.places):
            return self
        sessions = dict(self.sessions)
        numbers = np.array(
            [sessions.setdefault(name, len(sessions)) for name in more.sessions], dtype=np.int64
        )
        session, place = more.places >> _PLACE_BITS, more.places & ((1 << _PLACE_BITS) - 1)
        places = np.concatenate([self.places, (numbers[session] << _PLACE_BITS) + place])
        return Chain.of(sessions, places)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Memories of one kind and scope. All columns are of shape (rows,); times in microseconds.

    A row is believed from ``recorded`` until ``retired`` and holds from ``begins`` until ``ends``;
    None is no end. ``item`` is its place in the matrix, -1 without a vector. ``chain`` tells where
    along NEXT episodes stand; facts have none. A row that has gone has the number -1 and is never
    believed. ``order`` are the rows by their number.
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
    chain: "Chain | None" = None
    known: dict[int, Row] = field(default_factory=dict[int, Row])

    @property
    def bytes(self) -> int:
        remembered = min(len(self.n), _REMEMBERED) * _ROW_BYTES
        return self.text.bytes + 180 * len(self.n) + remembered

    def live(self, *, as_of: int, known_at: int, ended: bool) -> Flags:
        """Return which rows are believed at ``known_at`` and hold, or have held, at ``as_of``."""
        live = (self.recorded <= known_at) & (self.begins <= as_of)
        if self.retired is not None:
            live &= self.retired > known_at
        if self.ends is not None and not ended:
            live &= self.ends > as_of
        return live

    def until(self, *, as_of: int, known_at: int) -> tuple[int, int]:
        """Return the next times after these two at which other rows may be live."""
        return (
            min(_after(self.begins, as_of), _after(self.ends, as_of)),
            min(_after(self.recorded, known_at), _after(self.retired, known_at)),
        )

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
        return rows if self.chain is None or not len(rows) else self.chain.around(rows, reach)

    def grown(self, more: "Shelf", gone: Collection[int]) -> "Shelf":
        """Return this shelf with more rows, and without those of some numbers."""
        n, recorded = self.n, self.recorded
        if gone:
            dead = np.isin(n, np.fromiter(gone, dtype=np.int64, count=len(gone)))
            n, recorded = np.where(dead, -1, n), np.where(dead, _NEVER, recorded)
        n = np.concatenate([n, more.n])
        return Shelf(
            n=n,
            ids=(*self.ids, *more.ids),
            text=self.text.grown(more.text.documents),
            item=np.concatenate([self.item, more.item]),
            order=np.argsort(n, kind="stable"),
            recorded=np.concatenate([recorded, more.recorded]),
            begins=np.concatenate([self.begins, more.begins]),
            retired=_plus(self.retired, more.retired),
            ends=_plus(self.ends, more.ends),
            chain=None if self.chain is None or more.chain is None else self.chain.plus(more.chain),
        )

    def remember(self, found: Mapping[int, Row]) -> None:
        """Keep rows for the next question; a shelf that is full starts afresh."""
        if len(self.known) + len(found) > _REMEMBERED:
            self.known.clear()
        if len(found) <= _REMEMBERED:
            self.known.update(found)


def chain_of(sessions: Sequence[str], seqs: Sequence[int]) -> Chain:
    """Return the places along NEXT of rows in any order."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(sessions))}
    session = np.fromiter(map(numbers.__getitem__, sessions), dtype=np.int64, count=len(sessions))
    places = (session << _PLACE_BITS) + np.array(seqs, dtype=np.int64)
    return Chain.of(numbers, places)


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

    def grown(
        self, episodes: Shelf, facts: Shelf, matrix: Matrix, *, gone: Collection[int], moved: bool
    ) -> "Part":
        """Return this part with more rows, placed in the matrix that takes the place of this one.

        ``gone`` are the numbers of the facts that went; ``moved`` says that vectors of what is here
        went or came anew.
        """
        old = [self.episodes, self.facts]
        if moved or any((shelf.item < 0).any() for shelf in old):
            old = [replace(shelf, item=items_of(shelf.ids, matrix)) for shelf in old]
        return Part(old[0].grown(episodes, ()), old[1].grown(facts, gone), matrix)


def _plus(column: Integers | None, more: Integers | None) -> Integers | None:
    return None if column is None or more is None else np.concatenate([column, more])


def _after(times: Integers | None, clock: int) -> int:
    if times is None or not len(times) or times.max() <= clock:
        return _NEVER  # most have begun: one look at all, and no copy
    return int(times[times > clock].min())

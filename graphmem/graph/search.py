"""One question to the memories of one kind: which match, which are near, which stand beside.

Searches the shelves of several scopes as one. What is not believed or does not hold at the clocks
asked for is never found. Does not know SQL: what a filter asks is put to a function.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from graphmem.graph.postings import Match, joined
from graphmem.graph.shelves import Part, Shelf
from graphmem.graph.vectors import Nearness, Places
from graphmem.models import CandidateQuery, MemoryKind, Vector
from graphmem.retrieval.bm25 import bm25
from graphmem.retrieval.columns import Floats, Integers
from graphmem.retrieval.seeds import seeds
from graphmem.times import to_us

Passing: TypeAlias = Callable[[Integers], Integers]
"""Returns those of the given row numbers that pass the question's filter."""


class Search:
    """The memories of one kind in some scopes, and which of them one question has found."""

    def __init__(
        self,
        kind: MemoryKind,
        parts: Sequence[Part],
        near: Sequence[Nearness],
        query: CandidateQuery,
        passing: Passing | None,
    ) -> None:
        self.shelves: list[Shelf] = [p.episodes if kind == "episode" else p.facts for p in parts]
        as_of, known_at = to_us(query.as_of), to_us(query.known_at)
        self._live = [
            shelf.live(as_of=as_of, known_at=known_at, ended=query.ended) for shelf in self.shelves
        ]
        self._found = [np.zeros(len(shelf.n), dtype=np.bool_) for shelf in self.shelves]
        self._near = near
        self._passing = passing
        self._text_limit, self._vector_limit = query.limits(kind)
        self._spreads = kind == "episode" and query.neighbours > 0 and query.seeds > 0
        self._arms: list[list[tuple[int, int]]] = []  # (shelf, row) of what each found, best first

    # the arms: each adds to what is found ---------------------------------------------------

    def take_matches(self, terms: Sequence[str], matched: Integers | None) -> None:
        """Take the best matches by BM25 over all that pass; ties to the earlier recorded.

        ``matched`` are the numbers of all that hold a term, where the store's own index was asked;
        None where the shelves are to find them.
        """
        limit = self._text_limit
        if not self.shelves or not terms or limit < 1:
            return
        n = joined([shelf.n for shelf in self.shelves])
        if matched is None:
            match = Match([shelf.text.postings for shelf in self.shelves], terms)
            rows, best = match.rows(joined(self._live)), match.best
        else:
            starts = np.cumsum([0, *(len(shelf.n) for shelf in self.shelves)])
            parts = zip(self.shelves, starts[:-1].tolist(), strict=True)
            held = np.sort(joined([shelf.rows_of(matched) + start for shelf, start in parts]))
            rows, best = held[joined(self._live)[held]], partial(self._scored, terms)
        if self._passing is not None:
            rows = rows[np.isin(n[rows], self._passing(n[rows]))]
        if len(rows) > limit or self._spreads:
            rows, scores = best(rows, limit)
            # Rounded: what is equal but for the order of a sum is a tie, in every store.
            scores = np.round(scores, 9)
            recorded = joined([shelf.recorded for shelf in self.shelves])[rows]
            kept = np.arange(len(rows))
            if len(rows) > limit:
                kept = top(scores, limit, ties=recorded, ids=self._ids_at(rows))
            if self._spreads:
                ids = np.array(self._ids_at(rows)(kept))
                kept = kept[np.lexsort((ids, recorded[kept], -scores[kept]))]
            rows = rows[kept]
        self._take(self._located(rows))

    def _take(self, places: list[tuple[int, int]]) -> None:
        """Add what an arm found, as (shelf, row), its best first where that is asked for."""
        self._arms.append(places)
        for at, row in places:
            self._found[at][row] = True

    def _located(self, rows: Places) -> list[tuple[int, int]]:
        """Return the (shelf, row) of rows that are numbered through."""
        ends = np.cumsum([len(shelf.n) for shelf in self.shelves])
        at: list[int] = np.searchsorted(ends, rows, side="right").tolist()
        return [
            (shelf, row - int(ends[shelf]) + len(self.shelves[shelf].n))
            for shelf, row in zip(at, rows.tolist(), strict=True)
        ]

    def _ids_at(self, rows: Places) -> Callable[[Places], list[str]]:
        """Return what gives the ids at places of some rows, numbered through."""
        return lambda places: [self.shelves[at].ids[row] for at, row in self._located(rows[places])]

    def _scored(self, terms: Sequence[str], rows: Places, limit: int) -> tuple[Places, Floats]:
        """Return these rows, numbered through, and their BM25 from their texts alone."""
        texts: list[str] = []
        for shelf in self.shelves:
            texts += shelf.text.documents
        places: list[int] = rows.tolist()
        return rows, bm25(terms, [texts[place] for place in places])

    def take_nearest(self) -> None:
        """Take the nearest that pass, by cosine; ties to the lower id."""
        limit = self._vector_limit
        if not self._near or limit < 1:
            return
        held = [
            np.flatnonzero(live & (shelf.item >= 0))
            for shelf, live in zip(self.shelves, self._live, strict=True)
        ]
        asked = limit
        while True:
            ranked = sorted(self._nearest(held, asked))[:asked]
            passed = self._passed([(at, row) for _, _, at, row in ranked])
            if len(passed) >= limit or len(ranked) < asked:
                break
            asked *= 4  # a filter lets few pass: look farther
        self._take(passed[:limit])

    def take_neighbours(self, reach: int, limit: int) -> None:
        """Take what stands up to ``reach`` places from the ``limit`` best, if it passes."""
        if not self._spreads:
            return
        best = seeds(self._arms, limit, tie=lambda place: self.shelves[place[0]].ids[place[1]])
        for at, (shelf, live, found) in enumerate(
            zip(self.shelves, self._live, self._found, strict=True)
        ):
            rows = sorted(row for held, row in best if held == at)
            beside = shelf.around(np.array(rows, dtype=np.intp), reach)
            beside = beside[live[beside] & ~found[beside]]
            for _, row in self._passed([(at, row) for row in beside.tolist()]):
                found[row] = True

    # what was found -------------------------------------------------------------------------

    def found(self) -> Iterator[tuple[Shelf, Places, list[float | None]]]:
        """Yield, per shelf, the rows of what was found and their cosines, None without a vector."""
        for at, (shelf, found) in enumerate(zip(self.shelves, self._found, strict=True)):
            rows = np.flatnonzero(found)
            if not len(rows):
                continue
            cosines: list[float | None] = [None] * len(rows)
            if self._near:
                items = shelf.item[rows]
                held = np.flatnonzero(items >= 0)
                exact = self._near[at].of(items[held]).tolist()
                if len(held) == len(rows):
                    cosines = exact
                else:
                    for place, value in zip(held.tolist(), exact, strict=True):
                        cosines[place] = value
            yield shelf, rows, cosines

    def _nearest(self, held: Sequence[Places], limit: int) -> Iterator[tuple[float, str, int, int]]:
        """Yield (-cosine, id, shelf, row) of the nearest of each shelf, ``limit`` and more each."""
        for at, (shelf, rows) in enumerate(zip(self.shelves, held, strict=True)):
            best, cosines = self._near[at].nearest(shelf.item[rows], limit)
            for row, cosine in zip(rows[best].tolist(), cosines.tolist(), strict=True):
                yield -cosine, shelf.ids[row], at, row

    def _passed(self, rows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return those of (shelf, row) that pass the filter, in the same order."""
        if self._passing is None or not rows:
            return list(rows)
        ns = [int(self.shelves[at].n[row]) for at, row in rows]
        passing = set(self._passing(np.array(ns, dtype=np.int64)).tolist())
        return [row for row, n in zip(rows, ns, strict=True) if n in passing]


def nearness(parts: Sequence[Part], query: "Vector | None") -> list[Nearness]:
    """Return how near each part's items are; nothing where there is no vector to compare with."""
    return [] if query is None else [Nearness(part.matrix, query) for part in parts]


def top(
    values: Floats, limit: int, *, ties: Integers, ids: Callable[[Places], Sequence[str]]
) -> Places:
    """Return the places of the ``limit`` highest values, equal ones by the lower of ``ties``.

    Where these are equal too, by id, which is asked for of no others.
    """
    bound = np.partition(values, len(values) - limit)[len(values) - limit]
    over, even = np.flatnonzero(values > bound), np.flatnonzero(values == bound)
    left = limit - len(over)
    edge = np.partition(ties[even], left - 1)[left - 1]
    before, last = even[ties[even] < edge], even[ties[even] == edge]
    left -= len(before)
    if len(last) > left:
        last = last[np.argsort(np.array(ids(last)), kind="stable")[:left]]
    return np.r_[over, before, last]

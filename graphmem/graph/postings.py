"""Full text of one scope in memory: which texts hold a term, and how often.

Finds the texts that share a term with a question and cuts them to the best by BM25, over all
matches of the scopes asked and nobody else's: the texts that the store's own index would find.
Does not know SQL, clocks or what a text is of.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from graphmem.retrieval.bm25 import bm25_best
from graphmem.retrieval.columns import Flags, Floats

S = TypeVar("S", bound=np.generic)
Places: TypeAlias = npt.NDArray[np.intp]
Rows: TypeAlias = npt.NDArray[np.int32]
Counts: TypeAlias = npt.NDArray[np.float32]

_FEW: Final = 4096
_TAIL: Final = 256  # so many texts are indexed apart before they, too, are worth one index
_NONE: Final = (np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class Postings:
    """An inverted index: term number t is held by ``rows[starts[t]:starts[t + 1]]``, in order.

    ``counts`` runs in parallel to ``rows``; ``lengths`` are the texts' in terms, shape (texts,).
    ``tail`` indexes the last of the texts where they came later, by rows of its own from 0.
    """

    terms: Mapping[str, int]
    starts: npt.NDArray[np.int64]
    rows: Rows
    counts: Counts
    lengths: Floats
    tail: "Postings | None" = None

    @property
    def bytes(self) -> int:
        arrays = self.starts.nbytes + self.rows.nbytes + self.counts.nbytes + self.lengths.nbytes
        return arrays + 130 * len(self.terms) + (0 if self.tail is None else self.tail.bytes)

    @property
    def first(self) -> int:
        """The number of texts before the tail."""
        return len(self.lengths) - (0 if self.tail is None else len(self.tail.lengths))

    def find(self, term: str) -> tuple[Rows, Counts]:
        """Return the texts that hold a term, in order, and how often each does."""
        number = self.terms.get(term)
        rows, counts = _NONE
        if number is not None:
            held = slice(int(self.starts[number]), int(self.starts[number + 1]))
            rows, counts = self.rows[held], self.counts[held]
        if self.tail is None:
            return rows, counts
        more, times = self.tail.find(term)
        if not len(more):
            return rows, counts
        after = more + np.int32(self.first)
        return np.concatenate([rows, after]), np.concatenate([counts, times])

    def grown(self, documents: Sequence[str]) -> "Postings":
        """Return the index of these texts, of which the first are those indexed here.

        The later ones are indexed apart; once they are a quarter of all, all are indexed anew. So
        a text is indexed a few times in all, whatever the number of texts.
        """
        first = self.first
        if len(documents) - first > max(_TAIL, len(documents) // 4):
            return build(documents)
        tail = build(documents[first:])
        lengths = np.concatenate([self.lengths[:first], tail.lengths])
        return replace(self, lengths=lengths, tail=tail)

    def count(self, terms: Sequence[str], texts: Places) -> Floats:
        """Return how often terms occur in these texts, (terms, texts)."""
        counts = np.zeros((len(terms), len(texts)))
        asked = texts.astype(np.int32)  # as the rows are: else each search would convert them
        for number, term in enumerate(terms):
            rows, times = self.find(term)
            if len(rows):
                at = np.minimum(np.searchsorted(rows, asked), len(rows) - 1)
                counts[number] = np.where(rows[at] == asked, times[at], 0)
        return counts


def build(documents: Sequence[str]) -> Postings:
    """Index texts given as their blank-separated terms. O(words log words)."""
    lengths = np.array([d.count(" ") + 1 if d else 0 for d in documents], dtype=np.int64)
    words = " ".join([d for d in documents if d]).split(" ") if lengths.any() else []
    terms: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    numbers = np.fromiter(map(terms.__getitem__, words), dtype=np.int64, count=len(words))
    # One sort of (term, text) brings equal pairs together: their number is the count.
    pairs = numbers * len(documents) + np.repeat(np.arange(len(documents)), lengths)
    pairs.sort()
    firsts = np.flatnonzero(np.r_[True, pairs[1:] != pairs[:-1]]) if len(pairs) else pairs
    held = pairs[firsts]
    return Postings(
        terms=dict(terms),
        starts=np.searchsorted(held, np.arange(len(terms) + 1) * len(documents)),
        rows=(held % max(len(documents), 1)).astype(np.int32),
        counts=np.diff(np.r_[firsts, len(pairs)]).astype(np.float32),
        lengths=lengths.astype(np.float64),
    )


class Text:
    """The texts of one scope; many of them are indexed once they are asked a second time.

    Many scopes are asked once and not again for long, and an index of many texts costs more than
    one question to the store's; of few it costs less.
    """

    def __init__(self, documents: Sequence[str]) -> None:
        self.documents = tuple(documents)
        self._asked = 0
        self._postings: Postings | None = None
        self._characters = sum(map(len, self.documents))

    @property
    def bytes(self) -> int:
        """Bytes held, once indexed: some twelve for each term of each text."""
        return 3 * self._characters

    def grown(self, documents: Sequence[str]) -> "Text":
        """Return these texts and more; indexed if these are."""
        if not documents:
            return self
        found = Text(())
        found.documents = (*self.documents, *documents)
        found._asked = self._asked
        found._characters = self._characters + sum(map(len, documents))
        if self._postings is not None:
            found._postings = self._postings.grown(found.documents)
        return found

    def wanted(self) -> bool:
        """Count a question; return whether it is worth an index by now."""
        self._asked += 1
        return self._asked > 1 or len(self.documents) <= _FEW

    @property
    def indexed(self) -> bool:
        return self._postings is not None

    @property
    def postings(self) -> Postings:
        """The index, built when it is first looked at."""
        if self._postings is None:
            self._postings = build(self.documents)
        return self._postings


class Match:
    """The texts of several indexes that hold a term of a question, rows numbered through."""

    def __init__(self, indexes: Sequence[Postings], terms: Sequence[str]) -> None:
        self._lengths = joined([index.lengths for index in indexes])
        offsets = np.cumsum([0, *(len(index.lengths) for index in indexes)])
        self._found: list[tuple[Rows, Counts]] = []
        for term in dict.fromkeys(terms):
            parts = [index.find(term) for index in indexes]
            rows = joined(
                [
                    rows + offset if offset else rows
                    for (rows, _), offset in zip(parts, offsets[:-1].astype(np.int32), strict=True)
                ]
            )
            if len(rows):
                self._found.append((rows, joined([counts for _, counts in parts])))

    def rows(self, among: Flags) -> Places:
        """Return the rows that hold any term, in order, of those marked."""
        if any(len(rows) == len(among) for rows, _ in self._found):
            return np.flatnonzero(among)
        held = np.zeros(len(among), dtype=np.bool_)
        for rows, _ in self._found:
            held[rows] = True
        held &= among
        return np.flatnonzero(held)

    def best(self, rows: Places, limit: int) -> tuple[Places, Floats]:
        """Return, of these rows, some that hold the ``limit`` best by BM25, and their scores.

        The rows given are all that take part.
        """
        among = np.zeros(len(self._lengths), dtype=np.bool_)
        among[rows] = True
        return bm25_best(self._found, self._lengths, among, limit)


def joined(parts: Sequence[npt.NDArray[S]]) -> npt.NDArray[S]:
    """Return arrays one after the other, without a copy where there is one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)

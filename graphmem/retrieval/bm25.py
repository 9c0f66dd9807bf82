"""BM25 over the documents given: idf and average length are theirs, not those of a whole index.

Within what a question has in common with a memory, a term counts by how well it tells the members
apart (Robertson and Zaragoza, 2009, equation 3.15). Stores cut their text matches by it, ranking
scores a pool by it. Knows only analysed terms.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from graphmem.retrieval.columns import Flags, Floats, Words, words_of

Places: TypeAlias = npt.NDArray[np.intp]
Counts: TypeAlias = npt.NDArray[np.floating]


def bm25(
    terms: Sequence[str], documents: Sequence[str], *, k1: float = 1.2, b: float = 0.75
) -> Floats:
    """Score documents, given as their blank-separated terms, for a question's terms.

    Idf is ln(1 + (N - n + 0.5) / (n + 0.5)) with N the number of documents given, so it is never
    negative; the average length is theirs too. Returns float64 of shape (len(documents),), all 0
    where no term occurs. Stores use it to cut their text matches. O(total terms).
    """
    if not terms or not documents:
        return np.zeros(len(documents))
    words = words_of(terms, documents)
    return weighted(words, words.counts, k1=k1, b=b)


def weighted(words: Words, weights: Floats, *, k1: float, b: float) -> Floats:
    """Score by weighted counts, per term and document; how rare a term is, ``words`` decide."""
    counts, lengths = words.counts, words.lengths
    holding = (counts > 0).sum(axis=1)
    idf = np.log1p((len(lengths) - holding + 0.5) / (holding + 0.5))
    norm = k1 * (1 - b + b * lengths / max(float(lengths.mean()), 1.0))
    return np.asarray(idf @ (weights * (k1 + 1) / (weights + norm)), dtype=np.float64)


Posting: TypeAlias = tuple[npt.NDArray[np.integer], npt.NDArray[np.floating]]
"""The documents that hold a term, ascending, each once, and how often each does."""

_MANY: Final = 2048  # documents of which it is worth to ask who may still be among the best
_MARGIN: Final = 1e-7  # far above what the order of a sum may change


def bm25_best(
    postings: Iterable[Posting],
    lengths: Floats,
    among: Flags,
    limit: int,
    *,
    k1: float = 1.2,
    b: float = 0.75,
) -> tuple[Places, Floats]:
    """Return documents that are certain to hold the ``limit`` best, ascending, and their scores.

    Scores are as ``bm25`` gives them for the documents marked in ``among``; all of the best are
    there, ties too. ``postings`` are of distinct terms, ``lengths`` and ``among`` of all documents.

    The rarest terms come first, and no further document is taken in once those that are left could
    not lift one that has none of the terms so far to the ``limit`` best (Turtle and Flood, "Query
    evaluation: strategies and optimizations", 1995): a word that most texts hold costs a look at
    those that may still be among the best.
    """
    own = lengths[among]
    if not len(own):
        return np.zeros(0, dtype=np.intp), np.zeros(0)
    whole = len(own) == len(lengths)
    floor, slope = k1 * (1 - b), k1 * b / max(float(own.mean()), 1.0)
    least = floor + slope * float(own.min())
    terms: list[tuple[float, float, Posting]] = []
    for rows, counts in postings:
        if not whole:
            taking = among[rows]
            if not taking.all():
                rows, counts = rows[taking], counts[taking]
        if len(rows):
            idf = float(np.log1p((len(own) - len(rows) + 0.5) / (len(rows) + 0.5)))
            most = float(counts.max())
            terms.append((idf * (k1 + 1) * most / (most + least), idf * (k1 + 1), (rows, counts)))
    terms.sort(key=lambda term: -term[0])
    bounds = np.array([bound for bound, *_ in terms])
    left = np.append(np.cumsum(bounds[::-1])[::-1], 0.0)  # what the terms from here on may add

    def parts(idf: float, rows: Places | npt.NDArray[np.integer], counts: Counts) -> Floats:
        norm = lengths[rows]
        norm *= slope
        norm += floor
        norm += counts
        np.divide(counts, norm, out=norm)
        norm *= idf
        return norm

    scores = np.zeros(len(lengths))
    done = 0
    for _, idf, (rows, counts) in terms:
        scores[rows] += parts(idf, rows, counts)
        done += 1
        if len(own) > _MANY and left[0] - left[done] > left[done]:
            found = np.flatnonzero(scores)
            if _at(scores[found], limit) > left[done] + _MARGIN:
                break
    found = np.flatnonzero(scores)
    best = scores[found]
    for _, idf, (rows, counts) in terms[done:]:
        kept = best >= _at(best, limit) - left[done] - _MARGIN
        found, best = found[kept], best[kept]
        at = np.searchsorted(rows, found.astype(rows.dtype))
        at[at == len(rows)] = 0
        held = np.flatnonzero(rows[at] == found)
        best[held] += parts(idf, found[held], counts[at[held]])
        done += 1
    return found, best


def _at(values: Floats, limit: int) -> float:
    """Return the value at a place, counted from the highest, 1-based; nothing is -inf."""
    if len(values) < limit:
        return float("-inf")
    return float(np.partition(values, len(values) - limit)[len(values) - limit])

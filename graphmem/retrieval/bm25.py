"""BM25 over the documents given: idf and average length are theirs, not those of a whole index.

Within what a question has in common with a memory, a term counts by how well it tells the members
apart (Robertson and Zaragoza, 2009, equation 3.15). Stores cut their text matches by it, ranking
scores a pool by it. Knows only analysed terms.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from graphmem.retrieval.columns import Flags, Floats, Words, words_of


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


def bm25_postings(
    postings: Iterable[tuple[npt.NDArray[np.integer], npt.NDArray[np.floating]]],
    lengths: Floats,
    among: Flags,
    *,
    k1: float = 1.2,
    b: float = 0.75,
) -> Floats:
    """Score as ``bm25`` does the documents marked in ``among``, from an inverted index.

    ``postings`` are, per distinct term, the documents that hold it, each once, and how often.
    ``lengths`` and ``among`` are of all documents, and so is what is returned; what is not marked
    scores 0. O(documents + postings).
    """
    scores = np.zeros(len(lengths))
    total = int(np.count_nonzero(among))
    if not total:
        return scores
    norm = k1 * (1 - b + b * lengths / max(float(lengths[among].mean()), 1.0))
    for rows, counts in postings:
        taking = among[rows]
        holding = int(np.count_nonzero(taking))
        if holding < len(rows):
            rows, counts = rows[taking], counts[taking]
        part = norm[rows]
        part += counts
        np.divide(counts, part, out=part)
        part *= (k1 + 1) * np.log1p((total - holding + 0.5) / (holding + 0.5))
        scores[rows] += part
    return scores

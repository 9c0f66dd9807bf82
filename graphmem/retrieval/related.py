"""Terms that are about the same thing: "instrument" and "violin", "pet" and "puppy".

A question seldom has the words of its answer. A text that lacks a term of the question and has a
related one counts as having a part of it, in BM25's own terms: a fraction of an occurrence, by how
close the two are (a translation model with fractional counts, Berger and Lafferty, "Information
retrieval as statistical translation", SIGIR 1999; with embeddings: Ganguly et al., SIGIR 2015).

The table is English and comes from the bundled encoder (``tools/build_related_terms.py``); in other
languages nothing is related to anything. Does not know stores, nor which terms are worth relating.
"""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

from graphmem.retrieval.columns import Floats, bag

_FULL: Final = 255.0


@dataclass(frozen=True, slots=True)
class Related:
    """Terms by number, and for each the others it is related to, the closest first."""

    terms: tuple[str, ...]
    numbers: Mapping[str, int]
    starts: npt.NDArray[np.uint32]
    others: npt.NDArray[np.uint16]
    closeness: npt.NDArray[np.uint8]

    def of(self, term: str) -> tuple[tuple[str, float], ...]:
        """Return (term, closeness from 0 to 1) of what a term is related to, the closest first."""
        number = self.numbers.get(term)
        if number is None:
            return ()
        span = slice(int(self.starts[number]), int(self.starts[number + 1]))
        others: list[int] = self.others[span].tolist()
        closeness: list[int] = self.closeness[span].tolist()
        pairs = zip(others, closeness, strict=True)
        return tuple((self.terms[other], close / _FULL) for other, close in pairs)


@lru_cache(maxsize=1)
def related_terms() -> Related:
    """Return the table that ships with the package."""
    data = (files("graphmem") / "assets" / "related" / "english.npz").read_bytes()
    with np.load(io.BytesIO(data)) as held:
        terms = tuple(held["stems"].tobytes().decode().split())
        return Related(
            terms=terms,
            numbers={term: number for number, term in enumerate(terms)},
            starts=held["starts"],
            others=held["others"],
            closeness=held["closeness"],
        )


def related_counts(
    terms: Sequence[str], documents: Sequence[str], table: Related, *, without: Collection[str] = ()
) -> Floats:
    """Return, per distinct term and document, the closeness of the closest related word in it.

    Shape (terms, documents), in the order of the terms; from 0 to 1. ``without`` are terms that are
    names and relate to nothing. O(words of the documents).
    """
    distinct = tuple(dict.fromkeys(terms))
    found = np.zeros((len(distinct), len(documents)))
    meant: dict[str, list[tuple[int, float]]] = {}
    for row, term in enumerate(distinct):
        if term not in without:
            for other, closeness in table.of(term):
                meant.setdefault(other, []).append((row, closeness))
    if not meant:
        return found
    held = frozenset(meant)
    at: list[tuple[int, int]] = []
    close: list[float] = []
    for place, document in enumerate(documents):
        for word in held & bag(document):
            for row, closeness in meant[word]:
                at.append((row, place))
                close.append(closeness)
    if at:
        np.maximum.at(found, tuple(np.array(at).T), close)
    return found

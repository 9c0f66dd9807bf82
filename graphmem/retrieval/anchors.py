"""A time that a question gives by what happened then: "before the wedding", "after my trip".

Knows no memory: it says by which words the time is to be found, and ``moment_of`` takes it from
what was found by them. Noun phrases only ("before I moved" names nothing to look for), in English.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from graphmem.models import Candidate
from graphmem.retrieval.bm25 import bm25
from graphmem.retrieval.text import ASKS, STOP, analyse_query

Side = Literal["before", "after"]

_SIDES: Final[dict[str, Side]] = {
    "before": "before", "until": "before", "till": "before", "prior to": "before",
    "after": "after", "since": "after", "following": "after",
}  # fmt: skip
_ANCHOR: Final = re.compile(
    rf"\b(?P<side>{'|'.join(_SIDES)}) "
    r"(?P<words>(?:the|my|our|your|his|her|their|[^\W\d_]+['\u2019]s) [^\W_][^,;?!.]{0,50})"
    r"(?:[?!.,;]|$)",
    re.IGNORECASE,
)
_MOST: Final = 5  # words; what is longer says more than what happened


def anchored(question: str) -> tuple[Side, tuple[str, ...], str] | None:
    """Return the side of the time, the terms to find it by, and the question without them."""
    match = _ANCHOR.search(question)
    if match is None or len(match["words"].split()) > _MOST + 1:
        return None
    terms = tuple(term for term in analyse_query(match["words"]) if term not in STOP)
    if not terms:
        return None
    rest = f"{question[: match.start()]} {question[match.end() :]}"
    return _SIDES[match["side"].lower()], terms, rest


def moment_of(terms: tuple[str, ...], found: Iterable[Candidate]) -> datetime | None:
    """Return when the episode was that says all these terms best; None where none says all.

    Who asks about it does not tell it. Of like good ones the earliest counts.
    """
    told = [
        c
        for c in found
        if c.kind == "episode"
        and not c.terms.endswith(ASKS)
        and frozenset(terms) <= frozenset(c.terms.split())
    ]
    if not told:
        return None
    scores = bm25(terms, [c.terms for c in told]).round(6).tolist()
    _, best = min(
        zip(scores, told, strict=True), key=lambda pair: (-pair[0], pair[1].occurred_at, pair[1].id)
    )
    return best.occurred_at

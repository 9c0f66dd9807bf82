"""How much a hit looks like an answer to the question, and the first hits in that order.

The fused score says how much a memory has to do with what a question says. Its best match is often
the question itself, said by somebody ("whose glasses are these?"), or the message that the
description is taken from, and the answer stands beside it. Here a dozen hits are compared by what
they tell, in features that each have a plain meaning (``features``), weighed by a conditional logit
model (McFadden, *Conditional logit analysis of qualitative choice behavior*, 1974): which one of
these answers? As in reranking for question answering (Moldovan et al., *Performance issues and
error analysis in an open-domain question answering system*, TOIS 2003), but for no model of
language. To that comes what features, ``circumstances`` and ``likeness`` say only together, in
boosted trees.

The weights are plain numbers in ``plausible.toml``, the trees in ``plausible.json``;
``tools/fit_plausible.py`` finds them. Where they leave a doubt, whoever can read may add what it
makes of the best ones (``Weighed``). Knows no store and no model of language.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from graphmem.errors import InvalidInput
from graphmem.models import Passage, Vector
from graphmem.retrieval.circumstances import CIRCUMSTANCES, circumstances
from graphmem.retrieval.columns import Floats
from graphmem.retrieval.compared import compare
from graphmem.retrieval.features import FEATURES, features
from graphmem.retrieval.likeness import LIKENESS, likeness
from graphmem.retrieval.links import links
from graphmem.retrieval.query import Query
from graphmem.retrieval.rank import Ranked
from graphmem.retrieval.reorder import reorder
from graphmem.retrieval.trees import Forest

NAMES: Final = FEATURES + CIRCUMSTANCES + LIKENESS
"""What is known of a hit, in the order of a row."""

ARM: Final = "plausible"

_SOURCES: Final = 3


@cache
def weights() -> Floats:
    """Return the weights that ship with the package, in the order of ``FEATURES``."""
    text = files("graphmem.retrieval").joinpath("plausible.toml").read_text("utf-8")
    table: dict[str, float] = tomllib.loads(text)["weights"]
    return np.array([table.get(name, 0.0) for name in FEATURES])


@cache
def forest() -> Forest:
    """Return the trees that ship with the package, over ``NAMES``."""
    return Forest.of(files("graphmem.retrieval").joinpath("plausible.json").read_text("utf-8"))


def rows_of(hits: Sequence[Ranked], query: Query, texts: Mapping[str, str], *, pool: int) -> Floats:
    """Return what is known of hits for a question, shape (hits, ``NAMES``).

    ``texts`` are by id, ``pool`` is how many candidates the hits were chosen from.
    """
    seen = compare(hits, query, texts, pool)
    ties = links(seen)
    return np.hstack([features(seen, ties), circumstances(seen, ties), likeness(seen)])


def odds_of(rows: Floats) -> Floats:
    """Return what speaks for each hit as the answer, log-odds, from what is known of them."""
    return rows[:, : len(FEATURES)] @ weights() + forest().values(rows)


@dataclass(frozen=True, slots=True)
class Weighed:
    """First hits, with their places, and what speaks for each as the answer: log-odds, (hits,)."""

    hits: tuple[tuple[int, Ranked], ...]
    values: Floats

    @property
    def odds(self) -> Mapping[str, float]:
        """What speaks for each as the answer, by id."""
        pairs = zip(self.hits, self.values.tolist(), strict=True)
        return {hit.candidate.id: value for (_, hit), value in pairs}

    def doubtful(self, most: int, sure: float) -> tuple[int, ...]:
        """Return which hits are to be read beside each other, in the order they were told.

        The ``most`` best of them; none if the best alone has the share ``sure`` of all odds.
        """
        if len(self.values) < 2 or most < 2:
            return ()
        odds = np.exp(self.values - self.values.max())
        if odds.max() >= sure * odds.sum():
            return ()
        best: list[int] = np.argsort(-self.values, kind="stable")[:most].tolist()
        return tuple(sorted(best, key=self._told))

    def _told(self, row: int) -> tuple[datetime, int]:
        found = self.hits[row][1].candidate
        return found.occurred_at, found.seq or 0

    def read(self, rows: Sequence[int], scores: Vector, weight: float) -> "Weighed":
        """Return what speaks for each, now that some have been read; those stay before all others.

        ``scores`` are log-odds, too, one for each of ``rows``. InvalidInput unless they are finite.
        """
        if scores.shape != (len(rows),) or not np.isfinite(scores).all():
            raise InvalidInput(
                f"scores of shape {scores.shape} for {len(rows)} hits: expected a finite one each"
            )
        values = self.values.copy()
        where = list(rows)
        lowest = values[where].min()
        values[where] += weight * scores.astype(np.float64)
        values[where] += max(0.0, lowest - values[where].min())
        return Weighed(self.hits, values)


def passage(hit: Ranked, text: str) -> Passage:
    """Return what is read of a hit: who said it, when, and its words."""
    found = hit.candidate
    return Passage(
        speaker=found.author or found.role or "note", text=text, occurred_at=found.occurred_at
    )


def weigh(head: Sequence[Ranked], query: Query, texts: Mapping[str, str], *, pool: int) -> Weighed:
    """Return what speaks for each of the first hits, and for the episodes that facts are from.

    ``texts`` are by id, ``pool`` is how many candidates the hits were chosen from. O(words of the
    hits).
    """
    if not head or not query.terms:
        return Weighed((), np.empty(0))
    kept = tuple((place, hit) for place, hit in wordings(head) if hit.candidate.id in texts)
    rows = rows_of([hit for _, hit in kept], query, texts, pool=pool)
    return Weighed(kept, odds_of(rows))


def by_plausibility(ranked: Sequence[Ranked], query: Query, weighed: Weighed) -> tuple[Ranked, ...]:
    """Return hits with those that were weighed in the order of how plausible each is as the answer.

    A fact that the graph does not give as the answer may tell less than the episode it was read
    from ("Ida is a relative of Kwame"): the more plausible of the two stands for the hit. What the
    graph does give as the answer is passed by nothing that it does not, nor what holds by what has
    ended, as in ``reorder``. A hit that has moved says so in its arms.
    """
    best: dict[int, tuple[float, Ranked]] = {}
    for (place, hit), value in zip(weighed.hits, weighed.values.tolist(), strict=True):
        if place not in best or value > best[place][0]:
            best[place] = (value, hit)
    if not best:
        return tuple(ranked)
    lowest = math.inf
    judged: list[float] = []
    for value, hit in best.values():
        if hit.arms.get("answer"):
            lowest = min(lowest, value)
        judged.append(value if hit.arms.get("answer") else min(value, lowest))
    moved = reorder(
        [hit for _, hit in best.values()],
        np.array(judged, dtype=np.float32),
        asks_ended=query.asks_ended,
        arm=ARM,
    )
    return (*moved, *ranked[len(moved) :])


def wordings(head: Sequence[Ranked]) -> tuple[tuple[int, Ranked], ...]:
    """Return each hit with its place from 0, and after it its source, if that may stand for it.

    Only the first few have one looked at: it costs as much as another hit.
    """
    kept: list[tuple[int, Ranked]] = []
    for place, hit in enumerate(head):
        kept.append((place, hit))
        if place < _SOURCES and hit.source is not None and not hit.arms.get("answer"):
            kept.append((place, hit.source))
    return tuple(kept)

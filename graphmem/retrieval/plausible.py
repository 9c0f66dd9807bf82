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
``tools/fit_plausible.py`` finds them. Knows no store.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

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


def by_plausibility(
    ranked: Sequence[Ranked], query: Query, texts: Mapping[str, str], *, first: int, pool: int
) -> tuple[Ranked, ...]:
    """Return hits with the ``first`` of them in the order of how plausible each is as the answer.

    A fact that the graph does not give as the answer may tell less than the episode it was read
    from ("Ida is a relative of Kwame"): the more plausible of the two stands for the hit. What the
    graph does give as the answer is passed by nothing that it does not, nor what holds by what has
    ended, as in ``reorder``. ``texts`` are by id, ``pool`` is how many candidates the hits were
    chosen from. A hit that has moved says so in its arms. O(words of the first hits).
    """
    head = ranked[:first]
    if not head or not query.terms:
        return tuple(ranked)
    kept = [(place, hit) for place, hit in wordings(head) if hit.candidate.id in texts]
    rows = rows_of([hit for _, hit in kept], query, texts, pool=pool)
    values = rows[:, : len(FEATURES)] @ weights() + forest().values(rows)
    best: dict[int, tuple[float, Ranked]] = {}
    for (place, hit), value in zip(kept, values.tolist(), strict=True):
        if place not in best or value > best[place][0]:
            best[place] = (value, hit)
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
    return (*moved, *ranked[first:])


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

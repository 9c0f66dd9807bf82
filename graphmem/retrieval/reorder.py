"""Put the first hits into the order of other scores than the fused: a reranker's, for one.

Knows no reranker and no text. A reranker sees words and no clock, so what it may not undo is kept
here: where the present is asked for, nothing that has ended passes what has not; where another
time is, no fact that did not hold then.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from graphmem.errors import InvalidInput
from graphmem.models import Vector
from graphmem.retrieval.rank import Ranked

MOST_JUDGED: Final = 40
ARM: Final = "rerank"


def reorder(
    ranked: Sequence[Ranked],
    scores: Vector,
    *,
    asks_ended: bool = False,
    arm: str = ARM,
) -> tuple[Ranked, ...]:
    """Return hits with the first ``len(scores)`` of them, at most 40, by score, the best first.

    Ties keep the fused order, and so does all that follows. Unless ``asks_ended``, a hit that has
    ended stays behind every hit that has not and stood before it; so does one that is untimely,
    always, behind those that are not. A hit in another place than before has the score of its new
    place, and ``arm`` names the one that says how much more, or less, that is. InvalidInput unless
    the scores are finite, one for each hit judged. O(n log n).
    """
    first = ranked[:MOST_JUDGED]
    if scores.shape != (len(first),) or not np.isfinite(scores).all():
        raise InvalidInput(
            f"scores of shape {scores.shape} for {len(first)} hits: expected a finite one for each"
        )
    judged = scores.astype(np.float64)
    lowest = np.inf
    for place, item in enumerate(first):
        if item.untimely or (item.ended and not asks_ended):
            judged[place] = min(judged[place], lowest)
        else:
            lowest = min(lowest, judged[place])
    order: list[int] = np.argsort(-judged, kind="stable").tolist()
    moved = [
        first[came] if came == place else _placed(first[came], first[place].score, arm)
        for place, came in enumerate(order)
    ]
    return (*moved, *ranked[MOST_JUDGED:])


def _placed(item: Ranked, score: float, arm: str) -> Ranked:
    arms = MappingProxyType({**item.arms, arm: score - item.score})
    return replace(item, score=score, arms=arms)

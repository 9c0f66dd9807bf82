"""What a ranking is worth: recall of gold events, and whether a difference is more than chance.

Knows no data set and no store. A ranking is a list of hits, each with the events it stands for;
k counts distinct events in the order of the hits, so a hit that merges several pays for them all.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

CUTS: Final = (5, 10, 20)
WORDS: Final = (250, 500, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One hit as the metrics see it: its events, in order, and how many words its text has."""

    event_ids: tuple[str, ...]
    words: int


def judge(hits: Sequence[Answer], gold: AbstractSet[str]) -> dict[str, float]:
    """Return the metrics of one question, each from 0 to 1; ``gold`` is not empty.

    ``r@k`` is the share of gold among the first k distinct events, ``mrr`` one over the place of
    the first gold event, ``ndcg@10`` with binary gains (Järvelin and Kekäläinen, 2002), ``r@nw``
    the share of gold in those hits that fit, whole and in order, into n words of text.
    """
    places: dict[str, int] = {}
    spent: dict[str, int] = {}
    total = 0
    for hit in hits:
        total += hit.words
        for event in hit.event_ids:
            places.setdefault(event, len(places) + 1)
            spent.setdefault(event, total)
    found = sorted(places[event] for event in gold if event in places)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(len(gold), 10) + 1))
    result = {f"r@{k}": sum(place <= k for place in found) / len(gold) for k in CUTS}
    result["mrr"] = 1 / found[0] if found else 0.0
    result["ndcg@10"] = sum(1 / math.log2(place + 1) for place in found if place <= 10) / ideal
    for budget in WORDS:
        within = sum(spent.get(event, budget + 1) <= budget for event in gold)
        result[f"r@{budget}w"] = within / len(gold)
    return result


def mean(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the macro average of each metric over questions, and their number as ``n``."""
    listed = list(rows)
    if not listed:
        return {"n": 0}
    return {"n": len(listed)} | {
        name: sum(row[name] for row in listed) / len(listed) for name in listed[0]
    }


def group(
    rows: Sequence[Mapping[str, float]], key: Callable[[int], str]
) -> dict[str, dict[str, float]]:
    """Return the means per group, by name; ``key`` names the group of a row's index."""
    groups: dict[str, list[Mapping[str, float]]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(key(number), []).append(row)
    return {name: mean(groups[name]) for name in sorted(groups)}


def paired_bootstrap(
    ours: Sequence[float], theirs: Sequence[float], *, seed: int, rounds: int = 2000
) -> dict[str, float]:
    """Return the mean of ours - theirs and the bounds of its central 95 %, as resampled.

    The two are paired by question (Efron and Tibshirani, 1993, chapter 13). The same seed gives
    the same bounds.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} and {len(theirs)} questions cannot be paired")
    if not ours:
        return {"mean": 0.0, "low": 0.0, "high": 0.0}
    gaps: npt.NDArray[np.float64] = np.asarray(ours, float) - np.asarray(theirs, float)
    random = np.random.default_rng(seed)
    means = np.array([gaps[random.integers(0, len(gaps), len(gaps))].mean() for _ in range(rounds)])
    low, high = np.quantile(means, (0.025, 0.975))
    return {"mean": float(gaps.mean()), "low": float(low), "high": float(high)}

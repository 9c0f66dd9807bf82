"""Can a floor tell questions that have an answer from those that have none?

Two sorts have none: LoCoMo's *adversarial* questions, about what was never said (mostly what one
speaker did of the other), and *foreign* ones, the answerable questions of the next conversation,
about people who do not occur here. Three signs that recall itself gives are measured: the fused
score of the first hit, the highest cosine of any episode, and the share of the question's terms
that the first hit's text has. For each, how well it separates (area under the ROC curve) and what
the best floor refuses rightly and wrongly. The floor is set on the conversations that recipes are
tuned on and reported on the others; foreign questions come from the same half. Changes nothing in
recall.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graphmem.eval import agreement, tables
from graphmem.eval.datasets import Dataset
from graphmem.eval.harness import OpenManager, Progress, Visit, visits
from graphmem.retrieval.rank import Ranked
from graphmem.retrieval.retriever import Found

ANSWERABLE: Final = "answerable"
ADVERSARIAL: Final = "adversarial"
FOREIGN: Final = "foreign"
SIGNS: Final = ("top score", "top cosine", "terms matched")
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    tuned: bool
    sort: str
    signs: dict[str, float]


async def run(
    dataset: Dataset,
    open_manager: OpenManager,
    *,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return distributions, separation and floors by sign, as a JSON object."""
    rows: list[_Row] = []
    async with open_manager() as manager:
        async for visit in visits(manager, dataset, clock=clock, progress=progress):
            now = visit.conversation.events[-1].occurred_at
            for sort, question in _questions(dataset, visit):
                found = await visit.asking.find(question, at=now)
                signs = signs_of(found, visit.asking.rank(found, top_k=1))
                rows.append(_Row(tuned=visit.tuned, sort=sort, signs=signs))
        model = manager.consolidator.embedder.model_id
    return {
        "dataset": dataset.name,
        "conversations": len(dataset.conversations),
        "model": model,
        "against": {
            sort: {sign: _separation(rows, sort, sign) for sign in SIGNS}
            for sort in (ADVERSARIAL, FOREIGN)
        },
    }


def _questions(dataset: Dataset, visit: Visit) -> Iterator[tuple[str, str]]:
    """Yield what one conversation is asked: its own questions, then those of the next in its half.

    A conversation that is alone in its half is asked nothing foreign.
    """
    for question in visit.conversation.questions:
        yield (ADVERSARIAL if question.category == ADVERSARIAL else ANSWERABLE), question.text
    all_of, cut = dataset.conversations, dataset.tuned_on
    half = all_of[:cut] if visit.tuned else all_of[cut:]
    other = half[(half.index(visit.conversation) + 1) % len(half)]
    if other is not visit.conversation:
        yield from ((FOREIGN, q.text) for q in other.questions if q.category != ADVERSARIAL)


def signs_of(found: Found, ranked: Sequence[Ranked]) -> dict[str, float]:
    """Return the signs of one question; all 0 where nothing was found."""
    if not ranked:
        return dict.fromkeys(SIGNS, 0.0)
    cosines = [c.cosine for c in found.pool.candidates if c.kind == "episode"]
    held = frozenset(ranked[0].candidate.terms.split())
    asked = found.query.terms
    return {
        "top score": ranked[0].score,
        "top cosine": max((c for c in cosines if c is not None), default=0.0),
        "terms matched": sum(term in held for term in asked) / len(asked) if asked else 0.0,
    }


def _separation(rows: Sequence[_Row], sort: str, sign: str) -> dict[str, Any]:
    def values(wanted: str, *, tuned: bool) -> list[float]:
        return sorted(row.signs[sign] for row in rows if (row.tuned, row.sort) == (tuned, wanted))

    floor = agreement.best_floor(values(ANSWERABLE, tuned=True), values(sort, tuned=True))
    found: dict[str, Any] = {"floor": None if floor == float("-inf") else floor}
    for half, tuned in (("tuned on", True), ("unseen", False)):
        good, bad = values(ANSWERABLE, tuned=tuned), values(sort, tuned=tuned)
        found[half] = {
            "answerable": len(good),
            "unanswerable": len(bad),
            "auc": agreement.roc_auc(good, bad),
            "refused rightly": _below(bad, floor),
            "refused wrongly": _below(good, floor),
            "quantiles": {"answerable": _quantiles(good), "unanswerable": _quantiles(bad)},
        }
    return found


def _below(values: Sequence[float], floor: float) -> float:
    return sum(value < floor for value in values) / len(values) if values else 0.0


def _quantiles(ordered: Sequence[float]) -> dict[str, float]:
    """Return the value at each quantile, the nearest from below; none where there are none."""
    if not ordered:
        return {}
    return {f"{q:.0%}": ordered[int(q * (len(ordered) - 1))] for q in _QUANTILES}


def render(figures: Mapping[str, Any]) -> str:
    """Return the figures as text tables."""
    lines = [
        f"{figures['dataset']}: {figures['conversations']} conversations, model {figures['model']}"
    ]
    columns = ("floor", "auc", "answerable", "unanswerable", "refused rightly", "refused wrongly")
    for sort, signs in figures["against"].items():
        rows: dict[str, dict[str, Any]] = {}
        spread: dict[str, dict[str, Any]] = {}
        for sign, found in signs.items():
            for half in ("tuned on", "unseen"):
                rows[f"  {sign}, {half}"] = {"floor": found["floor"], **found[half]}
                for side, quantiles in found[half]["quantiles"].items():
                    spread[f"  {sign}, {half}, {side}"] = quantiles
        lines += ["", f"answerable against {sort}", *tables.table(columns, rows)]
        lines += ["  quantiles", *tables.table([f"{q:.0%}" for q in _QUANTILES], spread)]
    return "\n".join(lines)

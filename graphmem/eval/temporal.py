"""Questions about times: how many of their events are among the first ten, and why others are not.

Per kind of question and per group of kinds. Questions about nothing but a time have twenty to
seventy gold events, so that recall at ten cannot exceed ten of them: beside ``r@10``, the share of
all gold, stands ``capped@10``, found among the first ten over min(10, gold), the capped recall of
BEIR (Thakur et al., NeurIPS 2021, appendix F), and ``ceiling``, the most that ``r@10`` could be.

A question that is not answered whole is counted under the reason that its own reading shows, see
``failure``; nothing is tuned here. Does not know how a question is understood.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graphmem.eval import metrics, tables
from graphmem.eval.datasets import Dataset, Question
from graphmem.eval.harness import Asking, OpenManager, Progress, places_of, visits
from graphmem.retrieval.query import Query

TOP_K: Final = 10
GROUPS: Final[Mapping[str, str]] = {
    "content+date": "content+date",
    "date": "pure date",
    "last named day": "pure date",
    "earlier today": "pure date",
    "days ago": "pure date",
    "from date to date": "span",
    "last days": "span",
    "month": "span",
    "months ago": "span",
    "session by number": "session",
    "sessions ago": "session",
    "sessions from to": "session",
}
"""What a kind of question is about: a topic on a date, a day, a longer time, or a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    question: Question
    found: dict[str, float]
    failure: str | None


async def run(
    dataset: Dataset,
    open_manager: OpenManager,
    *,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return recall by kind and by group, and the failures by kind, as a JSON object."""
    rows: list[_Row] = []
    async with open_manager() as manager:
        async for visit in visits(manager, dataset, clock=clock, progress=progress):
            times = {event.id: event.occurred_at for event in visit.conversation.events}
            rows += [
                await _ask(visit.asking, question, times)
                for question in visit.conversation.questions
            ]
        model = manager.consolidator.embedder.model_id
    found = {"conversations": len(dataset.conversations), "model": model}
    return {"dataset": dataset.name} | found | _figures(rows)


async def _ask(asking: Asking, question: Question, times: Mapping[str, datetime]) -> _Row:
    found = await asking.find(question.text, at=question.asked_at)
    places = places_of(await asking.hits(found, top_k=TOP_K))
    judged = judge(places, question)
    whole = judged["capped@10"] == 1
    gold = [times[event] for event in question.gold]
    return _Row(
        question=question,
        found=judged,
        failure=None if whole else failure(found.query, gold),
    )


def judge(places: Mapping[str, int], question: Question) -> dict[str, float]:
    """Return the metrics of one question, from the place of each event that was found."""
    gold = question.gold
    right = sum(places.get(event, TOP_K + 1) <= TOP_K for event in gold)
    reachable = min(TOP_K, len(gold))
    return {
        "r@10": right / len(gold),
        "capped@10": right / reachable,
        "ceiling": reachable / len(gold),
    }


def failure(query: Query, gold: Sequence[datetime]) -> str:
    """Return why the events of a question, of which ``gold`` are the times, were not all found.

    What was read from the question decides: no time at all, another time than that of its events,
    a time that holds only some of them; or the right one, which was a filter (the question seemed
    to be about nothing else) or one arm among others.
    """
    if query.span is None:
        return "no time read"
    inside = sum(query.span.holds(moment) for moment in gold)
    if inside == 0:
        return "another time read"
    if inside < len(gold):
        return "part of the time read"
    return "right time, as the filter" if query.only_time else "right time, among other arms"


def _figures(rows: Sequence[_Row]) -> dict[str, Any]:
    def by(name: Callable[[_Row], str]) -> dict[str, dict[str, float]]:
        return metrics.group([row.found for row in rows], lambda i: name(rows[i]))

    missed = Counter(
        (row.question.category, row.failure) for row in rows if row.failure is not None
    )
    failures: dict[str, dict[str, int]] = {}
    for (kind, why), count in sorted(missed.items()):
        failures.setdefault(kind, {})[why] = count
    return {
        "all": metrics.mean([row.found for row in rows]),
        "by_group": by(lambda row: GROUPS[row.question.category]),
        "by_kind": by(lambda row: row.question.category),
        "failures": failures,
    }


def render(figures: Mapping[str, Any]) -> str:
    """Return the figures as text tables."""
    columns = ("n", "r@10", "capped@10", "ceiling")
    reasons = sorted({why for found in figures["failures"].values() for why in found})
    rows = {"all": figures["all"], **figures["by_group"]}
    rows |= {f"  {kind}": row for kind, row in figures["by_kind"].items()}
    return "\n".join(
        [
            f"{figures['dataset']}: {figures['conversations']} conversations, "
            f"model {figures['model']}",
            "",
            *tables.table(columns, rows),
            "",
            "not answered whole, by what was read from the question",
            *tables.table(reasons, {f"  {k}": row for k, row in figures["failures"].items()}),
        ]
    )

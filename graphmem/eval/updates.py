"""Truth after a change: is the new statement found, and does it stand before the old one?

A question about an update is right when an event that states what holds now is among the first ten
and stands above every event that only states what held before, or each of those above it is marked
as ended. Asked twice: of the hits as they are, and of the episodes alone, without a fact and
without knowing what has ended.

**Facts ended wrongly** are counted on the same chats. There is no gold for them, so a fact that
has ended is judged by the words that ended it, and what shows no reason counts as wrong:

- *said to have ended*: an assertion of its own says so ("no longer", "used to"); right;
- *told as past*: it was never said to hold now; right;
- *replaced, change said*: the sentence of the newer value has a word of change; right;
- *replaced, one at a time*: nobody has two of it (home, age, birthday, name, spouse); right;
- *replaced, same in other words*: the content words of one value are among the other's; wrong;
- *replaced, not in the words*: the newer value is not in the sentence it was read from; wrong;
- *replaced, no sign of change*: two values of a slot that may well hold together; wrong.

The proxy sees only what was read: that a reading itself is false it cannot tell, beyond the value
being there. Facts taken back as never true are counted beside it. Knows no ranking.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from graphmem.eval import metrics, tables
from graphmem.eval.datasets import Conversation, Dataset, Question
from graphmem.eval.harness import (
    OpenManager,
    Progress,
    everything,
    facts_of,
    names_of,
    places_of,
    visits,
    without_facts,
)
from graphmem.manager import MemoryManager
from graphmem.models import Fact, Hit, Scope
from graphmem.retrieval.rank import Ranked
from graphmem.retrieval.text import analyse

CATEGORY: Final = "knowledge_update"
TOP_K: Final = 10
DEPTH: Final = 100  # how far down the old statement is looked for

ONE_AT_A_TIME: Final = frozenset(
    {"lives_in", "born_in", "birthday", "age", "has_name", "married_to", "engaged_to"}
)
CHANGE: Final = re.compile(
    r"\b(?:now|nowadays|currently|no longer|any ?more|used to|instead|moved|switched|changed?|"
    r"became|become|becoming|left|quit|resigned|retired|promoted|started|began|joined|recently|"
    r"lately|latest|these days|as of|since|just|new|newly|updated?|bumped|increased|decreased|"
    r"grew|grown|dropped|rose|risen|upgraded)\b"
)
_STOP: Final = re.compile(r"[.!?]+\s|\n")  # a dot within a number is none
WRONG: Final = (
    "replaced, same in other words",
    "replaced, not in the words",
    "replaced, no sign of change",
)


async def run(
    dataset: Dataset,
    open_manager: OpenManager,
    *,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the figures of both, with every ending that was judged, as a JSON object."""
    hits: list[dict[str, float]] = []
    alone: list[dict[str, float]] = []
    endings: list[dict[str, str]] = []
    facts = taken_back = unasked = 0
    async with open_manager() as manager:
        async for visit in visits(manager, dataset, clock=clock, progress=progress):
            chat, asking = visit.conversation, visit.asking
            updates = [q for q in chat.questions if q.category == CATEGORY]
            for question in updates:
                if not question.gold - question.outdated:
                    unasked += 1  # its gold names no event that states what holds now
                    continue
                found = await asking.find(question.text, at=question.asked_at)
                hits.append(judge(await asking.hits(found, top_k=DEPTH), question))
                alone.append(judge(await asking.hits(without_facts(found), top_k=DEPTH), question))
            believed, ended, gone = await _endings(manager, visit.home, chat)
            facts += believed
            taken_back += gone
            endings += ended
        model = manager.consolidator.embedder.model_id
    return {
        "dataset": dataset.name,
        "conversations": len(dataset.conversations),
        "model": model,
        "hits": metrics.mean(hits),
        "episodes_alone": metrics.mean(alone),
        "without_new_statement": unasked,
        "facts": _share(facts, taken_back, endings),
        "endings": endings,
    }


# --------------------------------------------------------------------------- questions


def judge(hits: Sequence[Hit] | Sequence[Ranked], question: Question) -> dict[str, float]:
    """Return the metrics of one question about an update, each 0 or 1.

    ``above`` is also 1 where the old statement is not found at all; ``ended`` is 1 where all old
    statements above the new one are marked.
    """
    places = places_of(hits)
    new = question.gold - question.outdated
    first = min((places[e] for e in new if e in places), default=DEPTH + 1)
    before = [e for e in question.outdated if places.get(e, DEPTH + 1) < first]
    marked = {event for hit in hits if hit.ended for event in hit.event_ids}
    found = first <= TOP_K
    above = found and not before
    ended = found and bool(before) and marked.issuperset(before)
    return {
        "new in top 10": float(found),
        "above": float(above),
        "ended": float(ended),
        "right": float(above or ended),
    }


# --------------------------------------------------------------------------- endings


async def _endings(
    manager: MemoryManager, home: Scope, chat: Conversation
) -> tuple[int, list[dict[str, str]], int]:
    """Return how many facts are believed, those that have ended, judged, and how many are not."""
    now = max(event.occurred_at for event in chat.events)
    texts = {event.id: event.text for event in chat.events}
    facts = await facts_of(manager, home)
    names = await names_of(manager, home)
    successors = {f.supersedes: f for f in facts if f.supersedes is not None}
    found: list[dict[str, str]] = []
    for fact in facts:
        if fact.standing(now) != "ended":
            continue
        newer = successors.get(fact.id)
        verdict = judge_ending(fact, newer, names, texts)
        found.append(
            {
                "conversation": chat.id,
                "verdict": verdict,
                "predicate": fact.predicate,
                "old": fact.text,
                "new": newer.text if newer is not None else "",
                "quote": sentence_of(newer or fact, texts),
            }
        )
    believed = {fact.id for fact in facts}
    ever = {
        fact.id
        async for page in everything(manager, home, "fact", versions=True)
        for fact in page.facts
    }
    return len(believed), found, len(ever - believed)


def judge_ending(
    fact: Fact,
    newer: Fact | None,
    names: Mapping[str, tuple[str, ...]],
    texts: Mapping[str, str],
) -> str:
    """Return why a fact has ended, as the head of the module lists it.

    ``newer`` is the fact that took its place, if one did; ``names`` are those of the entities,
    ``texts`` the words of the events.
    """
    if any(support.polarity == "end" for support in fact.support):
        return "said to have ended"
    if newer is None:
        return "told as past"
    old, new = (_words(_object(f, names)) for f in (fact, newer))
    if old and new and (old <= new or new <= old):
        return "replaced, same in other words"
    sentence = sentence_of(newer, texts)
    if not new <= _words(sentence):
        return "replaced, not in the words"
    if CHANGE.search(sentence.casefold()):
        return "replaced, change said"
    if fact.predicate in ONE_AT_A_TIME:
        return "replaced, one at a time"
    return "replaced, no sign of change"


def sentence_of(fact: Fact, texts: Mapping[str, str]) -> str:
    """Return the sentence that a fact was first read from; its quote where that is not found."""
    first = fact.support[0]
    text = texts.get(first.event_id, "")
    start = text.find(first.quote)
    if not first.quote or start < 0:
        return first.quote
    begin = max((m.end() for m in _STOP.finditer(text, 0, start)), default=0)
    stop = _STOP.search(text, start + len(first.quote))
    return text[begin : stop.start() if stop else len(text)].strip()


def _object(fact: Fact, names: Mapping[str, tuple[str, ...]]) -> str:
    if fact.object_id is None:
        return fact.value or ""
    return names.get(fact.object_id, ("",))[0]


def _words(text: str) -> frozenset[str]:
    return frozenset(analyse(text))


def _share(facts: int, taken_back: int, endings: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    verdicts = Counter(ending["verdict"] for ending in endings)
    wrong = sum(verdicts[verdict] for verdict in WRONG)
    replaced = sum(n for verdict, n in verdicts.items() if verdict.startswith("replaced"))
    return {
        "believed": facts,
        "taken_back": taken_back,
        "ended": len(endings),
        "replaced": replaced,
        "verdicts": dict(sorted(verdicts.items())),
        "wrong": wrong,
        "wrong_of_believed": wrong / facts if facts else 0.0,
        "wrong_of_ended": wrong / len(endings) if endings else 0.0,
    }


def render(figures: Mapping[str, Any]) -> str:
    """Return the figures as text tables, without the list of endings."""
    facts = dict(figures["facts"])
    verdicts = facts.pop("verdicts")
    return "\n".join(
        [
            f"{figures['dataset']}, {CATEGORY}: {figures['conversations']} chats, "
            f"model {figures['model']}",
            "",
            *tables.table(
                ("n", "new in top 10", "above", "ended", "right"),
                {"hits": figures["hits"], "episodes alone": figures["episodes_alone"]},
            ),
            f"not asked, for want of a new statement: {figures['without_new_statement']}",
            "",
            "facts",
            *tables.counts({f"  {name.replace('_', ' ')}": value for name, value in facts.items()}),
            "",
            "facts that have ended",
            *tables.counts({f"  {name}": count for name, count in verdicts.items()}),
        ]
    )

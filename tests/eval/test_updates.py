from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from graphmem.eval.datasets import Conversation, Dataset, Question
from graphmem.eval.updates import judge, judge_ending, render, run, sentence_of
from graphmem.models import (
    Candidate,
    Event,
    Fact,
    Polarity,
    Scope,
    SourceClass,
    Support,
    TextPart,
)
from graphmem.retrieval.rank import Ranked
from tests.eval.conftest import OpenManager, clock

START = datetime(2024, 1, 1, 9, tzinfo=UTC)
SCOPE = Scope(app="small", user="a")


def ranked(*events: str) -> list[Ranked]:
    """One hit per event; a trailing ``!`` marks it as ended."""
    found: list[Ranked] = []
    for name in events:
        event, ended = name.rstrip("!"), name.endswith("!")
        candidate = Candidate(
            id=event,
            kind="episode",
            scope_key="s",
            terms="",
            cosine=None,
            seq=1,
            session_id="s",
            author=None,
            role="user",
            occurred_at=START,
            recorded_at=START,
            confidence=1,
            importance=0.5,
            source_class=SourceClass.USER_DIRECT,
            type="episodic",
        )
        found.append(
            Ranked(
                candidate=candidate,
                score=1,
                arms=MappingProxyType({}),
                event_ids=(event,),
                members=(event,),
                ended=ended,
            )
        )
    return found


QUESTION = Question(
    id="q",
    text="How many commits?",
    category="knowledge_update",
    gold=frozenset({"old", "older", "new"}),
    asked_at=START,
    outdated=frozenset({"old", "older"}),
)


@pytest.mark.parametrize(
    ("order", "found", "above", "ended", "right"),
    [
        (("new", "old"), 1, 1, 0, 1),
        (("new",), 1, 1, 0, 1),
        (("old", "new"), 1, 0, 0, 0),
        (("old!", "new"), 1, 0, 1, 1),
        (("old!", "older", "new"), 1, 0, 0, 0),
        (("old!", "older!", "new"), 1, 0, 1, 1),
        (("old", "x"), 0, 0, 0, 0),
        ((*"abcdefghij", "new"), 0, 0, 0, 0),
        ((*"abcdefghi", "new"), 1, 1, 0, 1),
    ],
)
def test_question_is_right_when_new_is_above_or_old_is_marked(
    order: tuple[str, ...], found: float, above: float, ended: float, right: float
) -> None:
    assert judge(ranked(*order), QUESTION) == {
        "new in top 10": found,
        "above": above,
        "ended": ended,
        "right": right,
    }


def fact(value: str, *, predicate: str = "has_job", quote: str, polarity: Polarity = "affirm",
         event: str = "e") -> Fact:  # fmt: skip
    return Fact(
        id=value,
        scope=SCOPE,
        slot="slot",
        subject_id="ada",
        predicate=predicate,
        object_id=None,
        value=value,
        text=f"Ada {value}",
        terms="",
        confidence=0.8,
        importance=0.5,
        source_class=SourceClass.USER_DIRECT,
        origin="implicit",
        valid_from=START,
        valid_to=None,
        recorded_at=START,
        support=(
            Support(
                assertion_id="a", event_id=event, episode_id="p", quote=quote, polarity=polarity
            ),
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "predicate", "sentence", "verdict"),
    [
        ("baker", "sailor", "has_job", "I work as a sailor now", "replaced, change said"),
        ("baker", "sailor", "has_job", "I work as a sailor", "replaced, no sign of change"),
        ("baker", "head baker", "has_job", "now I am head baker", "replaced, same in other words"),
        ("baker", "sailor", "has_job", "now he sings", "replaced, not in the words"),
        ("30", "31", "age", "I am 31", "replaced, one at a time"),
    ],
)
def test_endings_are_judged_by_the_words_that_ended_them(
    old: str, new: str, predicate: str, sentence: str, verdict: str
) -> None:
    before = fact(old, predicate=predicate, quote="then")
    after = fact(new, predicate=predicate, quote=sentence)

    assert judge_ending(before, after, {}, {}) == verdict


def test_ending_that_was_said_is_right() -> None:
    said = fact("baker", quote="I no longer bake", polarity="end")

    assert judge_ending(said, None, {}, {}) == "said to have ended"
    assert judge_ending(fact("baker", quote="I baked"), None, {}, {}) == "told as past"


def test_sentence_around_a_quote() -> None:
    text = "It took 2.5 years. Now, after all, I work as a sailor!\nThe end."

    assert (
        sentence_of(fact("sailor", quote="I work as a sailor"), {"e": text})
        == "Now, after all, I work as a sailor"
    )
    assert sentence_of(fact("x", quote="2.5"), {"e": text}) == "It took 2.5 years"
    assert sentence_of(fact("x", quote="elsewhere"), {"e": text}) == "elsewhere"


CHAT = (
    "I|has_job|'baker'",
    "the oven is warm",
    "I|lives_in|Lisbon",
    "I|has_job|'sailor'",
    "!I|lives_in|Lisbon",
)


def dataset(*texts: str) -> Dataset:
    events = tuple(
        Event(
            id=f"e{number}",
            parts=(TextPart(text=text),),
            occurred_at=START + timedelta(hours=number),
            session_id="s",
            author="Ada",
        )
        for number, text in enumerate(texts)
    )

    def asked(number: int, new: set[str], category: str) -> Question:
        return Question(
            id=str(number),
            text="What is Ada's job?",
            category=category,
            gold=frozenset({"e0", *new}),
            asked_at=events[-1].occurred_at,
            outdated=frozenset({"e0"}),
        )

    questions = (
        asked(0, {"e3"}, "knowledge_update"),
        asked(1, set(), "knowledge_update"),
        asked(2, {"e3"}, "summarization"),
    )
    talk = Conversation(id="a", events=events, questions=questions)
    return Dataset(name="small", conversations=(talk,), tuned_on=0)


async def test_run_reports_questions_and_endings(open_lines: OpenManager) -> None:
    figures: dict[str, Any] = await run(dataset(*CHAT), open_lines, clock=clock)

    assert figures["hits"] == {"n": 1, "new in top 10": 1, "above": 1, "ended": 0, "right": 1}
    assert figures["episodes_alone"]["n"] == 1
    assert figures["without_new_statement"] == 1
    facts = figures["facts"]
    assert (facts["believed"], facts["ended"], facts["replaced"]) == (3, 2, 1)
    assert facts["verdicts"] == {"replaced, no sign of change": 1, "said to have ended": 1}
    assert facts["wrong"] == 1
    assert facts["wrong_of_believed"] == pytest.approx(1 / 3)
    assert facts["wrong_of_ended"] == pytest.approx(1 / 2)
    assert {ending["new"] for ending in figures["endings"]} == {"Ada works as sailor", ""}
    assert "replaced, no sign of change" in render(figures)


async def test_chat_without_facts_ends_none(open_lines: OpenManager) -> None:
    figures = await run(dataset(*["the oven is warm"] * 4), open_lines, clock=clock)

    assert figures["facts"]["believed"] == figures["facts"]["wrong_of_ended"] == 0

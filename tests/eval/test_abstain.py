from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from graphmem.eval.abstain import SIGNS, render, run, signs_of
from graphmem.eval.datasets import Conversation, Dataset, Question
from graphmem.models import CandidatePool, Event, TextPart
from graphmem.retrieval.query import understand
from graphmem.retrieval.retriever import Found
from tests.eval.conftest import OpenManager, clock

START = datetime(2024, 1, 1, 9, tzinfo=UTC)
TEXTS = ("the boat has a new engine", "we baked bread", "the violin is out of tune")
ASKED = (
    ("What has the boat?", "single-hop"),
    ("Which violin is out of tune?", "single-hop"),
    ("Whose elephant won the race?", "adversarial"),
)


OTHERS = (("Why did the glacier retreat?", "single-hop"),)


def conversation(name: str, asked: Sequence[tuple[str, str]] = ASKED) -> Conversation:
    events = tuple(
        Event(
            id=f"{name}{number}",
            parts=(TextPart(text=text),),
            occurred_at=START + timedelta(hours=number),
            session_id="s",
            author="Ada",
        )
        for number, text in enumerate(TEXTS)
    )
    questions = tuple(
        Question(
            id=f"{name}/{number}",
            text=text,
            category=category,
            gold=frozenset({f"{name}0"}),
            asked_at=events[-1].occurred_at,
        )
        for number, (text, category) in enumerate(asked)
    )
    return Conversation(id=name, events=events, questions=questions)


SMALL = Dataset(name="small", conversations=tuple(conversation(name) for name in "ab"), tuned_on=1)


async def test_signs_part_what_was_said_from_what_was_not(open_lines: OpenManager) -> None:
    figures = await run(SMALL, open_lines, clock=clock)

    assert set(figures["against"]["adversarial"]) == set(SIGNS)
    matched = figures["against"]["adversarial"]["terms matched"]
    for half in ("tuned on", "unseen"):
        assert (matched[half]["answerable"], matched[half]["unanswerable"]) == (2, 1)
        assert matched[half]["auc"] == 1
        assert matched[half]["refused rightly"] == 1
        assert matched[half]["refused wrongly"] == 0
        assert matched[half]["quantiles"]["unanswerable"]["50%"] == 0
    table = render(figures)
    assert "terms matched, unseen" in table
    assert "90%" in table


async def test_foreign_questions_are_the_next_conversation_s(open_lines: OpenManager) -> None:
    pair = Dataset(
        name="pair", conversations=(conversation("a"), conversation("b", OTHERS)), tuned_on=2
    )

    foreign = (await run(pair, open_lines, clock=clock))["against"]["foreign"]["terms matched"]

    assert (foreign["tuned on"]["answerable"], foreign["tuned on"]["unanswerable"]) == (3, 3)
    assert foreign["tuned on"]["quantiles"]["unanswerable"]["10%"] == 0


async def test_conversation_alone_in_its_half_is_asked_nothing_foreign(
    open_lines: OpenManager,
) -> None:
    foreign = (await run(SMALL, open_lines, clock=clock))["against"]["foreign"]["top score"]

    assert [foreign[half]["unanswerable"] for half in ("tuned on", "unseen")] == [0, 0]


async def test_half_without_questions_is_left_blank(open_lines: OpenManager) -> None:
    figures = await run(SMALL.head(1), open_lines, clock=clock)

    unseen = figures["against"]["adversarial"]["top score"]["unseen"]
    assert (unseen["answerable"], unseen["auc"], unseen["refused wrongly"]) == (0, 0.5, 0)
    assert unseen["quantiles"]["answerable"] == {}
    assert "top score, unseen" in render(figures)


@pytest.mark.parametrize("question", ["Which boat?", ""])
def test_nothing_found_has_no_signs(question: str) -> None:
    nothing = Found(
        query=understand(question, now=START), pool=CandidatePool(), now=START, as_of=START
    )

    assert signs_of(nothing, ()) == dict.fromkeys(SIGNS, 0.0)

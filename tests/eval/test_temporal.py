import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from graphmem.errors import NotFound
from graphmem.eval.datasets import AFTER, TEMPORAL_KINDS, Conversation, Dataset, Question, load
from graphmem.eval.temporal import GROUPS, failure, judge, render, run
from graphmem.models import Event, TextPart
from graphmem.retrieval.query import understand
from tests.eval.conftest import OpenManager, clock

MAY = datetime(2023, 5, 8, 9, tzinfo=UTC)


def write_temporal(folder: Path) -> None:
    home = folder / "temporal_locomo"
    talk: dict[str, Any] = {
        "speaker_a": "Ines",
        "session_2": [
            {"speaker": "Karl", "dia_id": "D2:1", "text": "Mended.", "response_number": "2",
             "date_time": "10:00:00 AM on Friday 09 June, 2023"}
        ],
        "session_1": [
            {"speaker": "Ines", "dia_id": "D1:1", "text": "My boat leaks.",
             "response_number": "0", "date_time": "09:00:07 AM on Monday 08 May, 2023"},
            {"speaker": "Karl", "dia_id": "D1:2", "text": "Look.", "response_number": "1",
             "blip_caption": "a boat", "date_time": "09:00:19 AM on Monday 08 May, 2023"},
        ],
    }  # fmt: skip
    (home / "ConversationData").mkdir(parents=True)
    (home / "ConversationData" / "7.json").write_text(json.dumps(talk))
    for name in TEMPORAL_KINDS:
        path = home / "TestData" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        asked: dict[str, Any] = {"file_indexes": [7], "file_7": []}
        if name.endswith("test_dates"):
            asked["file_7"] = [
                {"questions": ["What was said on May 8th?", "And on 8 May?"],
                 "relevant_docs": [0, 1]},
                {"questions": ["What was said on May 9th?"], "relevant_docs": [55]},
            ]  # fmt: skip
        path.write_text(json.dumps(asked))


def test_talks_are_read_with_the_time_of_each_turn(tmp_path: Path) -> None:
    write_temporal(tmp_path)

    (talk,) = load("temporal", tmp_path).conversations

    assert [event.id for event in talk.events] == ["0", "1", "2"]
    assert talk.events[0].occurred_at == datetime(2023, 5, 8, 9, 0, 7, tzinfo=UTC)
    assert (talk.events[2].author, talk.events[2].session_id) == ("Karl", "session_2")
    assert talk.events[1].text == "Look.\n[image: a boat]"


def test_first_phrasing_is_asked_at_the_last_turn(tmp_path: Path) -> None:
    write_temporal(tmp_path)

    (talk,) = load("temporal", tmp_path).conversations

    (question,) = talk.questions
    assert (question.text, question.category) == ("What was said on May 8th?", "date")
    assert question.gold == {"0", "1"}
    assert question.asked_at == talk.events[-1].occurred_at + AFTER
    assert talk.no_gold == 1


def test_absent_talks_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"TemporalMemoryDataset.*--data"):
        load("temporal", tmp_path)


def test_every_kind_has_a_group() -> None:
    assert set(GROUPS) == set(TEMPORAL_KINDS.values())


def asked(text: str, *gold: str, kind: str = "date") -> Question:
    return Question(
        id=text,
        text=text,
        category=kind,
        gold=frozenset(gold),
        asked_at=MAY + timedelta(days=40),
    )


def test_capped_recall_counts_what_ten_can_hold() -> None:
    gold = [f"e{n}" for n in range(20)]
    places = {f"e{n}": n + 1 for n in range(5)} | {"x": 6, "e19": 11}

    found = judge(places, asked("?", *gold))

    assert found == {"r@10": 0.25, "capped@10": 0.5, "ceiling": 0.5}
    assert judge({"a": 10}, asked("?", "a")) == {"r@10": 1, "capped@10": 1, "ceiling": 1}


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("What did we discuss?", "no time read"),
        ("What did we discuss in March 2020?", "another time read"),
        ("What did we discuss on May 8th, 2023?", "part of the time read"),
        ("What did we discuss in May 2023?", "right time, as the filter"),
        ("Which violin was sold in May 2023?", "right time, among other arms"),
    ],
)
def test_failures_are_told_apart_by_the_reading(question: str, why: str) -> None:
    gold = [MAY, MAY + timedelta(days=1)]

    assert failure(understand(question, now=MAY + timedelta(days=40)), gold) == why


async def test_run_reports_kinds_and_failures(open_lines: OpenManager) -> None:
    texts = ("the boat leaks", "we baked bread", "the violin is sold")
    events = tuple(
        Event(
            id=str(number),
            parts=(TextPart(text=text),),
            occurred_at=MAY + timedelta(days=20 * number),
            session_id=f"s{number}",
            author="Ines",
        )
        for number, text in enumerate(texts)
    )
    questions = (
        asked("What did we talk about on May 8th?", "0"),
        asked("What leaked on May 8th?", "0", kind="content+date"),
        asked("What did we talk about 3000 days ago?", "0", kind="days ago"),
        asked("What did we talk about in May?", "0", "1", kind="month"),
    )
    dataset = Dataset(
        name="small",
        conversations=(Conversation(id="a", events=events, questions=questions),),
        tuned_on=0,
    )

    figures = await run(dataset, open_lines, clock=clock)

    assert figures["all"]["n"] == 4
    assert figures["by_kind"]["date"]["r@10"] == 1
    assert figures["by_kind"]["content+date"]["r@10"] == 1
    assert figures["by_group"]["pure date"]["n"] == 2
    assert figures["by_group"]["span"]["r@10"] == 1
    assert set(figures["failures"]) <= {"days ago"}
    table = render(figures)
    for name in ("pure date", "days ago", "month", "content+date"):
        assert name in table

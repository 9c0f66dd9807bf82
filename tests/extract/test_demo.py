"""The demo conversation that ships with the package: what it states, each with its exact words."""

import json
from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from itertools import pairwise
from typing import Any, Final

import pytest

from graphmem.extract.rules import RulesExtractor
from graphmem.models import Event, Extraction, SourceClass, Statement, TextPart

LINES: Final[list[dict[str, Any]]] = [
    json.loads(line)
    for line in (resources.files("graphmem") / "assets" / "demo.jsonl")
    .read_text("utf-8")
    .splitlines()
]

# (event, statement, quote); the notation is that of cases.toml, without dates' clock times.
EXPECTED: Final = (
    ("demo-01", "ME lives_in Lisbon", "I live in Lisbon"),
    ("demo-01", "ME works_at Halden Robotics", "I work at Halden Robotics"),
    ("demo-01", "ME has_job test engineer", "I work at Halden Robotics as a test engineer"),
    ("demo-03", "Anna sister_of ME", "My sister Anna"),
    ("demo-05", "ME allergic_to peanuts", "I'm allergic to peanuts"),
    ("demo-05", "Anna diet vegetarian", "Anna is vegetarian"),
    ("demo-07", "Rex pet_of ME", "my dog Rex"),
    ("demo-07", "Rex is_a dog", "my dog Rex"),
    ("demo-09", "ME owns <boat> from 2023-08-28", "we bought a boat last week"),
    ("demo-11", "ME owns Inez", "My boat is called the Inez"),
    ("demo-11", "Inez is_a boat", "My boat is called the Inez"),
    ("demo-13", "correct ME owns Ines instead of Inez", "the boat is the Ines, not the Inez"),
    ("demo-13", "Ines is_a boat", "the boat is the Ines, not the Inez"),
    ("demo-13", "deny Inez is_a boat", "the boat is the Ines, not the Inez"),
    ("demo-15", "ME hobby pottery from 2023-06-01", "I took up pottery in June"),
    ("demo-17", "ME lives_in Porto from 2024-02-13", "I moved to Porto last Tuesday"),
    ("demo-21", "Anna colleague_of ME", "My colleague Anna"),
    (
        "demo-21",
        "Anna lives_in Madrid from 2024-01-01",
        "My colleague Anna moved to Madrid in January",
    ),
    ("demo-23", "Anna colleague_of ME", "Anna from work"),
    ("demo-23", "Anna hobby cello", "Anna from work plays the cello"),
    ("demo-25", "end ME works_at Halden Robotics to 2024-07-01", "I left Halden Robotics in July"),
    ("demo-27", "ME works_at Nordlys Labs from 2024-09-02", "I started at Nordlys Labs last week"),
    ("demo-27", "ME has_job data engineer", "I'm a data engineer"),
    ("demo-30", "end ME hobby pottery to 2024-09-10", "I gave up pottery"),
    ("demo-31", "ME engaged_to Tiago", "I'm engaged to Tiago"),
    ("demo-33", "Tiago has_job baker", "He is a baker"),
    ("demo-35", "Anna sister_of ME", "My sister Anna"),
    (
        "demo-35",
        "Anna works_at University of Coimbra",
        "My sister Anna works at the University of Coimbra",
    ),
    ("demo-36", "Tiago birthday May 14", "Tiago's birthday is May 14"),
    ("demo-36", "correct Tiago birthday May 4 instead of May 14", "Sorry, I meant May 4"),
    ("demo-37", "ME lives_in Aveiro from 2025-09-10", "We moved to Aveiro three weeks ago"),
    ("demo-37", "end ME lives_in Porto to 2025-10-01", "I no longer live in Porto"),
    ("demo-39", "end ME owns Ines to 2025-10-01", "I sold the Ines"),
    ("demo-40", "ME favorite Pão da Ria (bakery)", "My favourite bakery is Pão da Ria"),
    ("demo-41", "ME wants_to learn the accordion", "I want to learn the accordion"),
    ("demo-42", "Tiago allergic_to cats", "Tiago is allergic to cats"),
)


def event_of(line: dict[str, Any]) -> Event:
    user = line["role"] == "user"
    return Event(
        id=line["id"],
        type="user_message" if user else "model_message",
        role=line["role"],
        parts=(TextPart(text=line["content"]),),
        occurred_at=datetime.fromisoformat(line["created_at"].replace("Z", "+00:00")),
        session_id=line["session"],
        author=line["name"],
        source_class=SourceClass.USER_DIRECT if user else SourceClass.ASSISTANT,
    )


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return [event_of(line) for line in LINES]


@pytest.fixture
async def extractions(events: list[Event]) -> Sequence[Extraction]:
    return await RulesExtractor().extract(events)


def shown(s: Statement) -> str:
    """Write a statement in one line: polarity, subject, predicate, object, wrong name, dates."""
    ends = [s.subject, s.object]
    subject, thing = (
        "" if m is None else "ME" if m.speaker else m.name or f"<{m.descriptor}>" for m in ends
    )
    words = [] if s.polarity == "affirm" else [s.polarity]
    words += [subject, s.predicate, thing or s.value or ""]
    words += ["instead of", s.replaces] if s.replaces else []
    words += ["from", f"{s.valid_from:%Y-%m-%d}"] if s.valid_from else []
    words += ["to", f"{s.valid_to:%Y-%m-%d}"] if s.valid_to else []
    return " ".join(words)


def test_demo_has_the_event_form() -> None:
    for line in LINES:
        assert set(line) == {"session", "role", "content", "name", "created_at", "id"}
    assert 35 <= len(LINES) <= 45
    assert len({line["id"] for line in LINES}) == len(LINES)


def test_demo_spans_sessions_and_years(events: list[Event]) -> None:
    assert 5 <= len({e.session_id for e in events}) <= 6
    assert (events[-1].occurred_at - events[0].occurred_at).days > 900
    assert all(a.occurred_at < b.occurred_at for a, b in pairwise(events))


async def test_demo_states_what_it_should(extractions: Sequence[Extraction]) -> None:
    found = [(x.event_id, shown(s), s.quote.text) for x in extractions for s in x.statements]

    assert found == list(EXPECTED)


async def test_demo_quotes_are_exact(
    events: list[Event], extractions: Sequence[Extraction]
) -> None:
    for event, extraction in zip(events, extractions, strict=True):
        for s in extraction.statements:
            assert event.text[s.quote.start : s.quote.end] == s.quote.text


async def test_demo_keeps_what_no_rule_reads(extractions: Sequence[Extraction]) -> None:
    unread = {x.event_id for x in extractions if not x.statements}

    assert {"demo-16", "demo-19", "demo-29"} <= unread


async def test_demo_tells_the_two_annas_apart(extractions: Sequence[Extraction]) -> None:
    annas = {
        m.descriptor for x in extractions for m in x.mentions if m.name == "Anna" and m.descriptor
    }

    assert annas == {"sister", "colleague"}


async def test_demo_assistant_states_nothing(
    events: list[Event], extractions: Sequence[Extraction]
) -> None:
    spoken = [x for e, x in zip(events, extractions, strict=True) if e.role == "assistant"]

    assert spoken
    assert not any(x.statements for x in spoken)

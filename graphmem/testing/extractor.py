"""What every extractor must do, whatever it reads with: subclass it with one fixture.

Does not know rules or models. Subclass ``ExtractorConformance`` in a test module and define the
fixture ``extractor``; the tests judge the contract, not how much is read.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from graphmem.models import (
    Event,
    Extraction,
    JsonPart,
    Mention,
    Role,
    SourceClass,
    Statement,
    TextPart,
)
from graphmem.ports import Extractor

NOON: Final = datetime(2023, 5, 10, 12, 0, tzinfo=UTC)

TEXTS: Final = (
    "I live in Lisbon with my sister Anna and our dog Rex.",
    "Olá! Estou em Lisboa 🎉 naïve café — “curly” quotes ’til dawn",
    "I moved to Porto last week, and I work at Halden Robotics.",
    "",
    "   \n\t ",
    "```\nI live in code\n```",
    "\u202eright to left\u202c and \u0301 combining",
    "👩‍🚀" * 50,
    "no words: 12:30, 3.14, a/b, x@y.org, https://example.org/?q=1",
)
"""Texts that an extractor must survive; what it reads in them is its own affair."""


def said(
    text: str,
    *,
    id: str = "e1",
    role: Role = "user",
    author: str | None = None,
    after_s: int = 0,
) -> Event:
    """Return an event that says ``text``."""
    return Event(
        id=id,
        type="user_message" if role == "user" else "model_message",
        role=role,
        parts=(TextPart(text=text),),
        occurred_at=NOON + timedelta(seconds=after_s),
        session_id="s1",
        author=author,
        source_class=SourceClass.USER_DIRECT if role == "user" else SourceClass.ASSISTANT,
    )


def mentions_in(statements: Sequence[Statement]) -> list[Mention]:
    """Return every mention that statements hold."""
    return [m for s in statements for m in (s.subject, s.object) if m is not None]


class ExtractorConformance:
    """The contract of ``ports.Extractor``."""

    def test_version_names_itself(self, extractor: Extractor) -> None:
        name, _, number = extractor.version.partition("/")
        assert name
        assert number

    async def test_extract_answers_each_event_in_order(self, extractor: Extractor) -> None:
        events = [said(text, id=f"e{n}", after_s=n) for n, text in enumerate(TEXTS)]

        found = await extractor.extract(events)

        assert [x.event_id for x in found] == [e.id for e in events]
        assert {x.extractor for x in found} == {extractor.version}

    async def test_extract_of_nothing_is_nothing(self, extractor: Extractor) -> None:
        assert list(await extractor.extract([])) == []

    async def test_quotes_are_exact_spans(self, extractor: Extractor) -> None:
        events = [said(text, id=f"e{n}", after_s=n) for n, text in enumerate(TEXTS)]

        found = await extractor.extract(events)

        for event, extraction in zip(events, found, strict=True):
            for s in extraction.statements:
                assert 0 <= s.quote.start < s.quote.end <= len(event.text)
                assert event.text[s.quote.start : s.quote.end] == s.quote.text

    async def test_statements_are_whole(self, extractor: Extractor) -> None:
        events = [said(text, id=f"e{n}", after_s=n) for n, text in enumerate(TEXTS)]

        found = await extractor.extract(events)

        for s in (s for x in found for s in x.statements):
            assert s.predicate
            assert s.object is None or s.value is None
            assert s.object is not None or s.value or s.polarity == "end"
            assert (s.replaces is not None) <= (s.polarity == "correct")
            assert 0 <= s.confidence <= 1
            assert 0 <= s.importance <= 1
            for time in (s.valid_from, s.valid_to):
                assert time is None or time.utcoffset() == timedelta(0)
            if s.valid_from is not None and s.valid_to is not None:
                assert s.valid_from <= s.valid_to

    async def test_mentions_hold_whom_statements_name(self, extractor: Extractor) -> None:
        found = await extractor.extract([said(TEXTS[0])])

        for extraction in found:
            assert set(mentions_in(extraction.statements)) <= set(extraction.mentions)

    async def test_first_person_is_the_author(self, extractor: Extractor) -> None:
        (found,) = await extractor.extract([said("I live in Lisbon.", author="Nora")])

        speakers = {m for m in found.mentions if m.speaker}
        assert {m.name for m in speakers} <= {"Nora"}
        assert {m.kind for m in speakers} <= {"person"}

    async def test_assistants_and_tools_state_nothing(self, extractor: Extractor) -> None:
        result = Event(
            id="t", type="tool_result", role="tool", occurred_at=NOON, session_id="s1",
            parts=(JsonPart(value={"said": "I live in Oslo."}), TextPart(text="I live in Oslo.")),
            source_class=SourceClass.TOOL,
        )  # fmt: skip

        found = await extractor.extract([said("I live in Lisbon.", role="assistant"), result])

        assert [x.statements for x in found] == [(), ()]

    async def test_same_events_give_the_same_answer(self, extractor: Extractor) -> None:
        events = [said(text, id=f"e{n}", after_s=n) for n, text in enumerate(TEXTS)]

        first: Sequence[Extraction] = await extractor.extract(events[1:], context=events[:1])
        again: Sequence[Extraction] = await extractor.extract(events[1:], context=events[:1])

        assert list(first) == list(again)

    async def test_batching_changes_nothing(self, extractor: Extractor) -> None:
        events = [said(text, id=f"e{n}", after_s=n) for n, text in enumerate(TEXTS)]

        together = list(await extractor.extract(events))
        apart = [
            (await extractor.extract([event], context=events[:n]))[0]
            for n, event in enumerate(events)
        ]

        assert together == apart

    async def test_a_huge_text_is_survived(self, extractor: Extractor) -> None:
        event = said("word " * 13_000)

        (found,) = await extractor.extract([event])

        assert found.event_id == event.id

"""Recall over the real store: what may be seen, when, and how it is told."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from graphmem import ids
from graphmem.bootstrap import open_memory
from graphmem.manager import MemoryManager
from graphmem.models import Event, Filter, Hit, Scope, TextPart
from graphmem.retrieval.query import Span
from graphmem.retrieval.retriever import Retriever, within
from graphmem.testing.fakes import HashEmbedder, LineExtractor

START = datetime(2024, 1, 1, 9, tzinfo=UTC)
NOW = datetime(2024, 12, 31, tzinfo=UTC)
ADA = Scope(user="ada", session="s1")


class World:
    """A memory with a clock that stands at the day of the last event."""

    def __init__(self) -> None:
        self.now = START
        self.memory: MemoryManager
        self._said = 0

    async def hear(self, text: str, *, day: int, scope: Scope = ADA, author: str = "Ada") -> str:
        """Append an event of that day, recorded on that day, and return its episode's id."""
        self._said += 1
        self.now = START + timedelta(days=day)
        event = Event(
            id=f"v{self._said}",
            parts=(TextPart(text=text),),
            occurred_at=self.now,
            session_id=scope.session or "",
            author=author,
        )
        await self.memory.append(scope, [event])
        await self.memory.generate_memories(scope)
        return ids.episode(scope.app, scope.user, event.session_id, event.id)

    async def ask(
        self,
        question: str,
        *,
        scope: Scope = ADA,
        as_of: datetime = NOW,
        known_at: datetime = NOW,
        top_k: int = 10,
        filter: Filter | None = None,
        hidden: Sequence[str] = (),
    ) -> tuple[Hit, ...]:
        core = self.memory.consolidator
        return await Retriever(core.graph, core.embedder).retrieve(
            question,
            scope.levels(),
            now=NOW,
            as_of=as_of,
            known_at=known_at,
            top_k=top_k,
            filter=filter,
            hidden=hidden,
        )


@asynccontextmanager
async def world(folder: Path) -> AsyncGenerator[World]:
    made = World()
    async with open_memory(
        f"sqlite:///{folder / 'memory.db'}",
        worker="off",
        embedder=HashEmbedder(),
        extractor=LineExtractor(),
        clock=lambda: made.now,
    ) as memory:
        made.memory = memory
        yield made


def texts(hits: Sequence[Hit]) -> list[str]:
    return [hit.text for hit in hits]


async def test_words_find_their_episode(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("the engine of the boat is broken", day=1)
        await w.hear("we baked bread", day=2)

        hits = await w.ask("What is wrong with the boat's engine?")

        assert hits[0].text == "the engine of the boat is broken"
        assert hits[0].event_ids == ("v1",)
        assert (hits[0].kind, hits[0].session_id, hits[0].author) == ("episode", "s1", "Ada")
        assert "text match (boat, engin)" in hits[0].reason
        assert sum(hits[0].arms.values()) == pytest.approx(hits[0].score)


async def test_present_question_gets_no_ended_fact(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("I|lives_in|Lisbon", day=1)
        await w.hear("I|lives_in|Porto", day=100)

        hits = await w.ask("Where does Ada live?")
        facts = [hit for hit in hits if hit.kind == "fact"]

        assert all("Lisbon" not in hit.text for hit in facts)
        old = next(n for n, hit in enumerate(hits) if "v1" in hit.event_ids)
        new = next(n for n, hit in enumerate(hits) if "v2" in hit.event_ids)
        assert new < old
        assert hits[old].ended
        assert not hits[new].ended
        assert "has ended" in hits[old].reason


async def test_past_question_gets_the_ended_fact(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("I|lives_in|Lisbon", day=1)
        await w.hear("I|lives_in|Porto", day=100)

        hits = await w.ask("Where did Ada live before, in Lisbon?")

        lisbon = next(hit for hit in hits if "v1" in hit.event_ids)
        assert "Lisbon" in lisbon.text
        assert lisbon.ended


async def test_relations_of_the_question_are_followed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("Oda|sister_of|I", day=1)
        await w.hear("Luca|partner_of|Oda", day=2)
        await w.hear("Luca|drives|'a red Skoda'\nOda|drives|'a van'", day=3)
        await w.hear("Tom|drives|'a tram'", day=4)

        hits = await w.ask("What does the boyfriend of Ada's sister drive?")

        assert hits[0].text == "Luca drives a red Skoda"
        assert "answer" in hits[0].arms
        assert "whom the question means" in hits[0].reason


async def test_namesakes_are_told_apart_by_their_relation(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("Anna(sister)|sister_of|I\nAnna(sister)|lives_in|Porto", day=1)
        await w.hear("Anna(colleague)|colleague_of|I\nAnna(colleague)|lives_in|Gdynia", day=2)

        sister = await w.ask("Where does Ada's sister Anna live?")
        colleague = await w.ask("Where does Ada's colleague Anna live?")

        assert (sister[0].text, colleague[0].text) == (
            "Anna lives in Porto",
            "Anna lives in Gdynia",
        )


async def test_an_answer_follows_what_has_changed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("Oda|sister_of|I\nOda|works_at|Aquarium", day=1)
        await w.hear("Oda|works_at|Fjordlaks", day=50)

        now = await w.ask("Where does Ada's sister work?")
        then = await w.ask("Where does Ada's sister work?", as_of=START + timedelta(days=20))

        assert now[0].text == "Oda works at Fjordlaks"
        assert then[0].text == "Oda worked at Aquarium"


async def test_nobody_elses_relations_are_followed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        other = Scope(user="eve", session="s1")
        await w.hear("Oda|sister_of|I\nOda|works_at|Aquarium", day=1, scope=other)
        await w.hear("the sister of a friend works a lot", day=2)

        hits = await w.ask("Where does Ada's sister work?")

        assert "Aquarium" not in str(hits)
        assert all("answer" not in hit.arms for hit in hits)


async def test_who_was_met_later_is_not_known_before(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("the sister works a lot", day=1)
        await w.hear("Oda|sister_of|I\nOda|works_at|Aquarium", day=50)

        hits = await w.ask("Where does Ada's sister work?", known_at=START + timedelta(days=20))

        assert texts(hits) == ["the sister works a lot"]


async def test_as_of_hides_what_came_later(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("the boat is red", day=1)
        await w.hear("the boat is blue", day=100)

        hits = await w.ask("Which colour has the boat?", as_of=START + timedelta(days=50))

        assert texts(hits) == ["the boat is red"]


async def test_known_at_hides_what_was_recorded_later(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("I|lives_in|Lisbon", day=1)
        await w.hear("I|lives_in|Porto", day=100)

        hits = await w.ask("Where does Ada live?", known_at=START + timedelta(days=50))

        assert {event for hit in hits for event in hit.event_ids} == {"v1"}
        assert not hits[0].ended


async def test_before_the_first_event_nothing_is_known(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("the boat is red", day=1)

        assert await w.ask("boat", as_of=START - timedelta(days=1)) == ()
        assert await w.ask("boat", known_at=START - timedelta(days=1)) == ()


async def test_no_scope_sees_another_user(tmp_path: Path) -> None:
    karl = Scope(user="karl", session="s1")
    async with world(tmp_path) as w:
        await w.hear("the boat is red", day=1)
        await w.hear("the boat is blue", day=2, scope=karl, author="Karl")

        assert texts(await w.ask("boat")) == ["the boat is red"]
        assert texts(await w.ask("boat", scope=karl)) == ["the boat is blue"]


async def test_hidden_episode_and_its_facts_are_no_hits(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        gone = await w.hear("I|lives_in|Lisbon", day=1)
        await w.hear("the boat is red", day=2)

        hits = await w.ask("Where does Ada live? The boat?", hidden=[gone])

        assert texts(hits) == ["the boat is red"]


async def test_time_alone_is_answered_from_that_time(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("the boat is red", day=1)
        await w.hear("we baked bread", day=40)

        assert texts(await w.ask("What did we talk about in February 2024?")) == ["we baked bread"]
        assert len(await w.ask("What did we talk about in June 2023?")) == 2


async def test_filter_and_time_asked_for_both_hold(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("the boat is red", day=1)
        await w.hear("we baked bread", day=40)

        january = Filter(occurred_to=START + timedelta(days=10))
        hits = await w.ask("What did we talk about in February 2024?", filter=january)

        assert texts(hits) == ["the boat is red"]


@pytest.mark.parametrize(
    "question",
    ['"boat', "boat AND NOT red", "col:boat*", "(((", "NEAR(boat red)", "^boat ~red+", "🛥"],
)
async def test_syntax_in_a_question_is_text(tmp_path: Path, question: str) -> None:
    async with world(tmp_path) as w:
        await w.hear("the boat is red", day=1)

        assert texts(await w.ask(question)) == ["the boat is red"]


async def test_same_question_same_hits(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for day in range(12):
            await w.hear("the boat is red", day=day)

        first = await w.ask("Which boat?", top_k=5)

        assert len(first) == 5
        assert await w.ask("Which boat?", top_k=5) == first
        assert [hit.score for hit in first] == sorted((h.score for h in first), reverse=True)


async def test_empty_memory_has_no_hits(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert await w.ask("boat") == ()


def test_within_narrows_and_never_widens() -> None:
    given = Filter(occurred_from=START, occurred_to=START + timedelta(days=9), session="s1")
    span = Span(start=START + timedelta(days=3), end=START + timedelta(days=20))

    assert within(given, span) == replace(given, occurred_from=span.start)
    assert within(given, Span()) == given
    assert within(given, Span(end=START)) is None

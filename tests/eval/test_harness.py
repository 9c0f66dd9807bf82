from datetime import UTC, datetime, timedelta

from graphmem.eval.harness import (
    Asking,
    facts_of,
    fill,
    names_of,
    places_of,
    scope_of,
    without_facts,
)
from graphmem.models import Event, TextPart
from tests.eval.conftest import NOW, OpenManager

START = datetime(2024, 1, 1, 9, tzinfo=UTC)
HOME = scope_of("study", "ada")
SAID = ("I|lives_in|Lisbon", "the boat has a new engine", "I|lives_in|Porto", "I|owns|'a boat'")


def events(*texts: str) -> list[Event]:
    return [
        Event(
            id=f"e{number}",
            parts=(TextPart(text=text),),
            occurred_at=START + timedelta(hours=number),
            session_id=f"s{number // 2}",
            author="Ada",
        )
        for number, text in enumerate(texts)
    ]


async def test_filling_twice_is_filling_once(open_lines: OpenManager) -> None:
    async with open_lines() as manager:
        await fill(manager, HOME, events(*SAID))
        once = await facts_of(manager, HOME)
        await fill(manager, HOME, events(*SAID))

        assert await facts_of(manager, HOME) == once
        stats = await manager.stats(HOME)
        assert (stats["episodes"], stats["events_pending"]) == (4, 0)


async def test_facts_are_listed_with_those_that_ended(open_lines: OpenManager) -> None:
    async with open_lines() as manager:
        await fill(manager, HOME, events(*SAID))

        texts = {fact.text for fact in await facts_of(manager, HOME)}
        names = await names_of(manager, HOME)

    assert texts == {"Ada lived in Lisbon", "Ada lives in Porto", "Ada owns a boat"}
    assert {name for known in names.values() for name in known} == {"Ada", "Lisbon", "Porto"}


async def test_question_is_asked_at_its_own_time(open_lines: OpenManager) -> None:
    async with open_lines() as manager:
        await fill(manager, HOME, events(*SAID))
        asking = Asking.of(manager, HOME, known_at=NOW)

        before = await asking.ask("Where does Ada live?", at=START + timedelta(hours=1), top_k=1)
        after = await asking.ask("Where does Ada live?", at=START + timedelta(hours=5), top_k=1)

    assert "Lisbon" in before[0].text
    assert "Porto" in after[0].text


async def test_without_facts_only_episodes_are_left(open_lines: OpenManager) -> None:
    async with open_lines() as manager:
        await fill(manager, HOME, events(*SAID))
        asking = Asking.of(manager, HOME, known_at=NOW)
        found = await asking.find("Where does Ada live?", at=NOW)

    alone = without_facts(found).pool.candidates
    assert {c.kind for c in found.pool.candidates} == {"fact", "episode"}
    assert {c.kind for c in alone} == {"episode"}
    assert any(c.ended for c in found.pool.candidates)
    assert not any(c.ended for c in alone)


async def test_places_count_distinct_events(open_lines: OpenManager) -> None:
    async with open_lines() as manager:
        await fill(manager, HOME, events(*SAID))
        asking = Asking.of(manager, HOME, known_at=NOW)
        hits = await asking.ask("the boat and its engine", at=NOW, top_k=10)

    assert sorted(places_of(hits).values()) == list(range(1, len(places_of(hits)) + 1))
    assert places_of(hits)["e1"] == 1

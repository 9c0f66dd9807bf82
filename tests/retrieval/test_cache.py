"""Answers that are kept: what ends them, and that nobody is served another's or an erased one."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphmem import ids
from graphmem.bootstrap import open_memory as open_configured
from graphmem.consolidator import Limits
from graphmem.errors import ModelUnavailable
from graphmem.manager import MemoryManager
from graphmem.models import CandidatePool, Event, Filter, Hit, Scope, SourceClass, TextPart, Vector
from graphmem.retrieval import cache as caching
from graphmem.retrieval.cache import DRIFT, Asked, RecallCache
from graphmem.retrieval.query import understand
from graphmem.retrieval.recipes import DEFAULT
from graphmem.retrieval.retriever import Retriever
from graphmem.sqlite.connection import Database
from graphmem.testing.fakes import LineExtractor, WordReranker
from tests.memory import NOW, Encoder, Memory, later
from tests.memory import open_memory as open_at

ADA = Scope(user="ada")
GOATS = "What does Ada like?"


# the cache alone ----------------------------------------------------------------------------


def make_asked(question: str = GOATS, **given: Any) -> Asked:
    fields: dict[str, Any] = {
        "scopes": ("ada",),
        "query": understand(question, now=given.get("as_of", NOW)),
        "filter": Filter(),
        "top_k": 10,
        "hidden": frozenset(),
        "model_id": "model",
        "recipe": DEFAULT,
        "now": NOW,
        "as_of": given.get("now", NOW),
        "known_at": given.get("now", NOW),
        "version": 1,
        **given,
    }
    return Asked(**fields)


def make_pool(**given: Any) -> CandidatePool:
    far = datetime(9999, 1, 1, tzinfo=UTC)
    fields: dict[str, Any] = {"version": 1, "holds_until": far, "known_until": far, **given}
    return CandidatePool(**fields)


def make_hit(text: str) -> Hit:
    return Hit(
        id=text,
        kind="episode",
        text=text,
        score=1.0,
        confidence=1.0,
        valid_from=None,
        valid_to=None,
        occurred_at=NOW,
        recorded_at=NOW,
        event_ids=(text,),
        session_id="s",
        author=None,
        source_class=SourceClass.USER_DIRECT,
        type="episodic",
        ended=False,
        status="active",
        arms={},
        reason="",
    )


HITS = (make_hit("goats"),)


def kept(asked: Asked, *, after: Asked | None = None, **pool: Any) -> bool:
    """Return whether an answer to ``after`` is one to ``asked``."""
    cache = RecallCache(10)
    cache.put(after or make_asked(), [make_pool(**pool)], HITS)
    return cache.get(asked) == HITS


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, True),
        ({"now": later(60)}, True),
        ({"now": NOW + DRIFT}, False),
        ({"now": later(-1)}, False),
        ({"version": 2}, False),
        ({"version": 0}, False),
        ({"scopes": ("bob",)}, False),
        ({"scopes": ("ada", "everybody")}, False),
        ({"top_k": 9}, False),
        ({"filter": Filter(session="s1")}, False),
        ({"hidden": frozenset({"e1"})}, False),
        ({"model_id": "other"}, False),
        ({"recipe": replace(DEFAULT, recency=0.0)}, False),
        ({"as_of": later(-5)}, False),
        ({"known_at": later(-5)}, False),
        ({"question": "What does Ada like"}, False),
    ],
)
def test_answer_is_of_all_that_was_asked(given: dict[str, Any], expected: bool) -> None:
    assert kept(make_asked(**given)) is expected


def test_relative_dates_end_with_their_day() -> None:
    question = "What did Ada do yesterday?"
    asked = make_asked(question)

    assert kept(make_asked(question, now=later(60), as_of=later(60)), after=asked)
    night = datetime(2026, 3, 1, 23, 50, tzinfo=UTC)
    before = make_asked(question, now=night, as_of=night)
    past = night + timedelta(minutes=20)
    assert not kept(make_asked(question, now=past, as_of=past), after=before)


@pytest.mark.parametrize("boundary", ["holds_until", "known_until"])
def test_answer_ends_where_the_store_says(boundary: str) -> None:
    until: dict[str, Any] = {boundary: later(60)}

    assert kept(make_asked(now=later(59)), **until)
    assert not kept(make_asked(now=later(60)), **until)


def test_time_asked_for_stands_while_the_clock_goes_on() -> None:
    """What ended meanwhile changes nothing about how it stood then."""
    then: dict[str, Any] = {"as_of": later(-900), "known_at": later(-800)}

    later_on = make_asked(now=later(120), **then)

    assert kept(later_on, after=make_asked(**then), holds_until=later(-890))
    assert not kept(replace(later_on, as_of=later(-891)), after=make_asked(**then))


@pytest.mark.parametrize("pool", [{"version": 2}, {"holds_until": None}, {"known_until": None}])
def test_what_may_change_unseen_is_not_kept(pool: dict[str, Any]) -> None:
    assert not kept(make_asked(), **pool)


def test_what_was_used_longest_ago_goes_first() -> None:
    cache = RecallCache(2)
    one, two, three = (make_asked(q) for q in ("one", "two", "three"))

    for asked in (one, two):
        cache.put(asked, [make_pool()], HITS)
    assert cache.get(one) == HITS
    cache.put(three, [make_pool()], HITS)

    assert [cache.get(asked) is not None for asked in (one, two, three)] == [True, False, True]
    assert len(cache) == 2


def test_text_that_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "MOST_CHARACTERS", 10)
    cache = RecallCache(100)

    for question in ("one", "two", "three"):
        cache.put(make_asked(question), [make_pool()], (make_hit("four"),))
    cache.put(make_asked("three"), [make_pool()], (make_hit("four"),))
    assert len(cache) == 2
    cache.put(make_asked("long"), [make_pool()], (make_hit("more than ten"),))

    assert len(cache) == 0, "nor is what is too long alone"


def test_older_answers_of_a_scope_leave_memory() -> None:
    cache = RecallCache(10)
    for question in ("one", "two"):
        cache.put(make_asked(question), [make_pool()], HITS)
    cache.put(make_asked(scopes=("bob",)), [make_pool()], HITS)

    assert cache.get(make_asked("three", version=2)) is None

    assert len(cache) == 1
    assert cache.get(make_asked(scopes=("bob",))) == HITS


# over a real store --------------------------------------------------------------------------


class Asking:
    """A memory with a cache; knows of an answer whether it was worked out anew."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.cache = RecallCache(50)
        self.manager = MemoryManager(
            memory.consolidator,
            Retriever(memory.graph, memory.encoder, cache=self.cache),
            clock=lambda: memory.now,
            counter=len,
        )

    async def ask(self, question: str = GOATS, user: str = "ada", **given: Any) -> list[str]:
        hits = await self.manager.retrieve_memories(question, Scope(user=user), **given)
        return [hit.text for hit in hits]

    async def is_kept(self, question: str = GOATS, user: str = "ada", **given: Any) -> bool:
        """Ask, and return whether no encoder was needed."""
        before = self.memory.encoder.calls
        await self.ask(question, user, **given)
        return self.memory.encoder.calls == before

    async def say(self, *texts: str, user: str = "ada", **given: Any) -> None:
        """Append an event per text, and wait until all are memory."""
        scope = Scope(user=user, session="s1")
        events = [
            Event(
                id=ids.digest(text, self.memory.now.isoformat())[:12],
                parts=(TextPart(text=text),),
                occurred_at=self.memory.now,
                session_id="s1",
                **given,
            )
            for text in texts
        ]
        await self.manager.append(scope, events)
        await self.manager.generate_memories(scope)


@asynccontextmanager
async def asking_at(path: Path) -> AsyncGenerator[Asking]:
    async with open_at(str(path)) as memory:
        yield Asking(memory)


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncGenerator[Asking]:
    async with asking_at(tmp_path / "memory.db") as made:
        await made.say("Ada|likes|'goats'", "Ada|likes|'rum'")
        yield made


@asynccontextmanager
async def another_process(path: str) -> AsyncGenerator[Asking]:
    """Open the file a second time, with connections and memory of its own, as processes do."""
    memory = Memory(Database(path).share(), Limits())
    try:
        yield Asking(memory)
    finally:
        await memory.graph.close()
        await memory.log.close()


async def test_same_question_is_answered_from_the_cache(asking: Asking) -> None:
    first = await asking.ask()

    assert await asking.is_kept()
    assert await asking.ask() == first
    assert any("goats" in text for text in first)


class Failing(WordReranker):
    async def score(self, query: str, texts: Sequence[str]) -> Vector:
        raise ModelUnavailable("away")


async def test_what_a_reranker_failed_to_judge_is_not_kept(asking: Asking) -> None:
    def recall(reranker: WordReranker) -> Retriever:
        return Retriever(
            asking.memory.graph, asking.memory.encoder, cache=asking.cache, reranker=reranker
        )

    scope, now = Scope(user="ada"), asking.memory.now

    async def ask(retriever: Retriever) -> None:
        await retriever.retrieve(GOATS, scope.levels(), now=now, as_of=now, known_at=now)

    await ask(recall(Failing()))
    assert len(asking.cache) == 0
    await ask(recall(WordReranker()))
    assert len(asking.cache) == 1


async def test_write_ends_it(asking: Asking) -> None:
    await asking.ask()

    await asking.say("Ada|likes|'oslo'")

    assert not await asking.is_kept()
    assert "Ada likes oslo" in await asking.ask()


async def test_deletion_ends_it(asking: Asking) -> None:
    assert any("goats" in text for text in await asking.ask())
    (fact,) = [f for f in (await asking.manager.list(ADA)).facts if f.value == "goats"]

    await asking.manager.delete_memories(ADA, memory_ids=[fact.id])

    assert not any("goats" in text for text in await asking.ask())
    kept = [
        text for entry in asking.cache._kept.values() for hit in entry.hits for text in hit.text
    ]
    assert "goats" not in "".join(kept), "nor does the text stay in memory"


async def test_release_ends_it(asking: Asking) -> None:
    await asking.say("Ada|likes|'https://shop.example'")
    held = await asking.manager.review.quarantined(ADA)
    assert "Ada likes https://shop.example" not in await asking.ask()

    await asking.manager.review.release(ADA, [fact.id for fact in held])

    assert held
    assert "Ada likes https://shop.example" in await asking.ask()


async def test_passing_date_ends_it(asking: Asking) -> None:
    soon = (NOW + timedelta(days=1)).date().isoformat()
    await asking.say(f"Ada|lives_in|Oslo|to={soon}")
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    question = "Where does Ada live?"
    asking.memory.now = midnight - timedelta(minutes=20)
    assert "Ada lives in Oslo" in await asking.ask(question)
    assert await asking.is_kept(question)

    asking.memory.now = midnight + timedelta(minutes=20)

    assert not await asking.is_kept(question)
    assert "Ada lives in Oslo" not in await asking.ask(question)


async def test_recency_stands_still_for_an_hour_at_most(asking: Asking) -> None:
    await asking.ask()

    asking.memory.now = later(3599)
    assert await asking.is_kept()
    asking.memory.now = later(3600)

    assert not await asking.is_kept()


async def test_write_of_another_process_ends_it(asking: Asking) -> None:
    await asking.ask()

    async with another_process(asking.memory.database.path) as other:
        await other.say("Ada|likes|'oslo'")

    assert "Ada likes oslo" in await asking.ask()


async def test_erasure_begun_by_another_process_is_honoured(asking: Asking) -> None:
    """Its mark is in the log and the graph is as it was: the answer of before is not served."""
    first = await asking.ask()
    page = await asking.manager.list(ADA, "episode")
    (episode,) = [e for e in page.episodes if "goats" in e.text]
    version = await asking.memory.graph.version(ADA.levels())

    async with another_process(asking.memory.database.path) as other:
        await other.memory.log.tombstone(ADA, [episode.id], lease_s=60, now=NOW)

    assert any("goats" in text for text in first)
    assert await asking.memory.graph.version(ADA.levels()) == version
    assert not any("goats" in text for text in await asking.ask())
    assert not any("goats" in text for text in await asking.ask())


async def test_two_users_never_share(asking: Asking) -> None:
    await asking.say("Ada|likes|'sheep'", user="bob")

    ada, bob = await asking.ask(), await asking.ask(user="bob")

    assert not any("sheep" in text for text in ada)
    assert not any("goats" in text for text in bob)
    assert (await asking.ask(), await asking.ask(user="bob")) == (ada, bob)
    await asking.say("Ada|likes|'oslo'", user="bob")
    assert await asking.is_kept(), "another user's write is none of hers"


async def test_filters_with_metadata_are_told_apart(asking: Asking) -> None:
    await asking.ask(filter=Filter(metadata={"room": ["blue"]}))

    assert await asking.is_kept(filter=Filter(metadata={"room": ["blue"]}))
    assert not await asking.is_kept(filter=Filter(metadata={"room": ["red"]}))


@pytest.mark.parametrize("seed", range(3))
async def test_cached_answers_are_those_worked_out(asking: Asking, seed: int) -> None:
    """Whatever is said, deleted, or passes between two questions; recency apart, to the digit."""
    rng = np.random.default_rng(seed)
    memory, cache = asking.memory, RecallCache(8)
    recipe = replace(DEFAULT, recency=0.0)
    cached = Retriever(memory.graph, memory.encoder, recipe, cache=cache)
    plain = Retriever(memory.graph, memory.encoder, recipe)
    questions = [GOATS, "Where does Ada live?", "What did we talk about yesterday?", "Who is Bob?"]
    served = 0
    for n in range(80):
        match rng.choice(["ask", "ask", "ask", "say", "end", "delete", "pass", "night"]):
            case "say":
                await asking.say(f"Ada|likes|'thing {n}'")
            case "end":
                end = (memory.now + timedelta(days=1)).date().isoformat()
                await asking.say(f"Ada|lives_in|Town{n}|to={end}")
            case "delete":
                facts = (await asking.manager.list(ADA)).facts
                if facts:
                    await asking.manager.delete_memories(
                        ADA, memory_ids=[facts[rng.integers(len(facts))].id]
                    )
            case "pass":
                memory.now += timedelta(minutes=7)
            case "night":
                memory.now += timedelta(hours=9)
            case _:
                question = str(rng.choice(questions))
                at: dict[str, Any] = {
                    "now": memory.now,
                    "as_of": memory.now,
                    "known_at": memory.now,
                }
                calls = memory.encoder.calls
                hits = await cached.retrieve(question, ADA.levels(), **at)
                served += memory.encoder.calls == calls
                assert hits == await plain.retrieve(question, ADA.levels(), **at)
    assert served > 0


# the setting --------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "expected"), [(None, True), ("7", True), ("0", False)])
async def test_setting_turns_it_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str | None, expected: bool
) -> None:
    if setting is not None:
        monkeypatch.setenv("GRAPHMEM_RECALL_CACHE", setting)
    encoder = Encoder(32)
    async with open_configured(
        f"sqlite:///{tmp_path / 'm.db'}",
        worker="off",
        embedder=encoder,
        extractor=LineExtractor(),
        clock=lambda: NOW,
    ) as memory:
        await memory.retrieve_memories(GOATS, ADA)
        calls = encoder.calls
        await memory.retrieve_memories(GOATS, ADA)

    assert (encoder.calls == calls) is expected

"""The verbs, on the real store with an extractor that reads a notation."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import graphmem
from graphmem import (
    Entity,
    Episode,
    Event,
    Extraction,
    Fact,
    Filter,
    JsonPart,
    MemoryManager,
    Mention,
    Policy,
    Quote,
    Scope,
    SourceClass,
    Statement,
    TextPart,
)
from graphmem.errors import (
    BudgetTooSmall,
    Conflict,
    EmbeddingMismatch,
    InvalidInput,
    NotFound,
    StreamParked,
    TooLarge,
)
from graphmem.testing.fakes import HashEmbedder, LineExtractor

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = Scope(user="ada", session="s1")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def memory(clock: Clock) -> AsyncIterator[MemoryManager]:
    async with graphmem.open(
        "sqlite:///:memory:",
        worker="off",
        extractor=LineExtractor(),
        embedder=HashEmbedder(),
        clock=clock,
    ) as opened:
        yield opened


def make_event(event_id: str, text: str, **given: Any) -> Event:
    fields: dict[str, Any] = {
        "id": event_id,
        "parts": (TextPart(text=text),),
        "occurred_at": NOW - timedelta(days=30),
        "session_id": "s1",
        "author": "Ada",
    }
    return Event(**{**fields, **given})


async def tell(
    memory: MemoryManager, *events: Event, scope: Scope = HERE
) -> graphmem.MemoryManager:
    for event in events:
        await memory.append(replace(scope, session=event.session_id), [event])
    await memory.generate_memories(scope)
    return memory


async def texts(memory: MemoryManager, scope: Scope = HERE, **given: Any) -> set[str]:
    return {f.text for f in (await memory.list(scope, **given)).facts}


# --------------------------------------------------------------------------- writing


async def test_append_needs_a_session(memory: MemoryManager) -> None:
    with pytest.raises(InvalidInput, match="session"):
        await memory.append(Scope(user="ada"), [make_event("a", "hi")])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"session_id": "other"}, InvalidInput),
        ({"id": ""}, InvalidInput),
        ({"id": "x" * 300}, InvalidInput),
        ({"parts": ()}, InvalidInput),
        ({"parts": (TextPart(text=" \n"),)}, InvalidInput),
        ({"parts": (TextPart(text="a\0b"),)}, InvalidInput),
        ({"parts": (TextPart(text="a\ud800"),)}, InvalidInput),
        ({"parts": (TextPart(text="ä" * 40_000),)}, TooLarge),
        ({"parts": (JsonPart(value=float("nan")),)}, InvalidInput),
        ({"role": "wizard"}, InvalidInput),
        ({"type": "wish"}, InvalidInput),
        ({"occurred_at": datetime(2026, 1, 1)}, InvalidInput),  # noqa: DTZ001  # the bad input
        ({"occurred_at": NOW + timedelta(days=2)}, InvalidInput),
        ({"occurred_at": datetime(1800, 1, 1, tzinfo=UTC)}, InvalidInput),
        ({"author": "a\nb"}, InvalidInput),
        ({"metadata": {"k": {1, 2}}}, InvalidInput),
    ],
)
async def test_append_refuses_what_cannot_be_kept(
    memory: MemoryManager, change: dict[str, Any], error: type[Exception]
) -> None:
    bad = Event(**{**_fields(make_event("b", "hi")), **change})

    with pytest.raises(error):
        await memory.append(HERE, [make_event("ok", "fine"), bad])

    assert await memory.sessions.list(Scope(user="ada")) == [], "all or none"


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__slots__}


async def test_json_parts_survive_even_null(memory: MemoryManager) -> None:
    parts = (JsonPart(value=None), JsonPart(value={"a": [1, None]}))
    await memory.append(HERE, [make_event("a", "x", parts=parts)])

    (event,) = await memory.sessions.events(HERE)

    assert event.parts == parts


async def test_our_own_sessions_are_reserved(memory: MemoryManager) -> None:
    here = Scope(user="ada", session="@decisions")
    with pytest.raises(InvalidInput, match="@"):
        await memory.append(here, [make_event("a", "x", session_id="@decisions")])


async def test_remember_same_text_is_same_memory(memory: MemoryManager) -> None:
    first = await memory.remember("I|likes|'tea'", Scope(user="ada"))

    assert await memory.remember("I|likes|'tea'", Scope(user="ada")) == first
    await memory.generate_memories(Scope(user="ada"))
    found = await memory.get(Scope(user="ada"), first)
    assert isinstance(found, Episode)
    assert found.origin == "explicit"
    with pytest.raises(InvalidInput):
        await memory.remember("  ", Scope(user="ada"))


async def test_given_extractions_become_facts_with_provenance(memory: MemoryManager) -> None:
    said = Statement(
        subject=Mention(name="Tom", kind="person"),
        predicate="lives_in",
        object=Mention(name="Rome", kind="place"),
        quote=Quote(text="Tom is in Rome", start=0, end=14),
    )
    given = Extraction(event_id="x1", extractor="mine/1", statements=(said,))

    report = await memory.generate_memories(HERE, extractions=[given])

    assert [o.text for o in report.outcomes] == ["Tom lives in Rome"]
    (fact,) = (await memory.list(HERE)).facts
    assert fact.support[0].quote == "Tom is in Rome"
    assert fact.origin == "bootstrapped"


async def test_generate_appends_what_is_absent(memory: MemoryManager) -> None:
    report = await memory.generate_memories(HERE, events=[make_event("a", "I|likes|'tea'")])
    again = await memory.generate_memories(HERE, events=[make_event("a", "I|likes|'tea'")])

    assert (report.events, again.events) == (1, 0)
    assert await texts(memory) == {"Ada likes tea"}


async def test_poison_is_said_with_where_it_stands(memory: MemoryManager) -> None:
    with pytest.raises(Exception, match="cannot be read"):
        await tell(memory, make_event("a", "boom"))
    with pytest.raises(StreamParked, match="event 1"):
        await memory.generate_memories(HERE)

    hits = await memory.retrieve_memories("boom", HERE)
    assert [h.text for h in hits] == ["boom"], "the episode is there all the same"


# --------------------------------------------------------------------------- reading


async def test_users_never_mix(memory: MemoryManager) -> None:
    eve = Scope(user="eve", session="s1")
    await tell(memory, make_event("a", "I|likes|'tea'"))
    await tell(memory, make_event("a", "I|likes|'rum'", author="Eve"), scope=eve)

    assert await texts(memory) == {"Ada likes tea"}
    assert await texts(memory, eve) == {"Eve likes rum"}
    for scope, mine in ((HERE, "tea"), (eve, "rum")):
        hits = await memory.retrieve_memories("who likes tea or rum", scope)
        assert all(mine in h.text for h in hits)
        assert hits
    (fact,) = (await memory.list(eve)).facts
    with pytest.raises(NotFound):
        await memory.get(HERE, fact.id)
    with pytest.raises(NotFound):
        await memory.history(HERE, fact.id)
    with pytest.raises(NotFound):
        await memory.delete_memories(HERE, memory_ids=[fact.id])


async def test_apps_never_mix(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "I|likes|'tea'"))

    other = Scope(app="other", user="ada", session="s1")

    assert await texts(memory, other) == set()
    assert await memory.retrieve_memories("tea", other) == ()


async def test_app_level_is_read_by_all_and_written_by_none(memory: MemoryManager) -> None:
    app = Scope(user=None, session="s1")
    await tell(memory, make_event("a", "Acme|located_in|Rome"), scope=app)

    assert await texts(memory) == {"Acme is in Rome"}
    (fact,) = (await memory.list(HERE)).facts
    with pytest.raises(NotFound):
        await memory.delete_memories(HERE, memory_ids=[fact.id])


async def test_private_agent_memory_stays_with_its_agent(memory: MemoryManager) -> None:
    planner = Scope(user="ada", session="p1", agent="planner")
    await memory.sessions.create(planner)
    await memory.append(planner, [make_event("a", "I|likes|'tea'", session_id="p1")])
    await memory.generate_memories(planner)

    assert await texts(memory, planner) == {"Ada likes tea"}
    assert await texts(memory, HERE) == set()
    assert await memory.retrieve_memories("tea", HERE) == ()
    assert await texts(memory, Scope(user="ada", agent="writer")) == set()


async def test_ended_is_not_stated_as_present(memory: MemoryManager) -> None:
    await tell(
        memory,
        make_event("a", "I|lives_in|Lisbon", occurred_at=NOW - timedelta(days=90)),
        make_event("b", "I|lives_in|Porto", occurred_at=NOW - timedelta(days=10)),
    )

    now = await memory.retrieve_memories("Where does Ada live?", HERE)
    assert "Porto" in now[0].text
    assert not any(h.kind == "fact" and h.ended for h in now)
    before = await memory.retrieve_memories("Where did Ada live before?", HERE)
    assert "Ada lived in Lisbon" in {h.text for h in before}
    then = await memory.retrieve_memories(
        "Where does Ada live?", HERE, as_of=NOW - timedelta(days=50)
    )
    assert {"b"} & {e for h in then for e in h.event_ids} == set()


async def test_known_at_shows_what_was_believed(memory: MemoryManager, clock: Clock) -> None:
    await tell(memory, make_event("a", "I|lives_in|Lisbon"))
    clock.now = NOW + timedelta(days=1)
    await tell(memory, make_event("b", "I|lives_in|Porto"))

    assert await texts(memory, known_at=NOW, ended=True) == {"Ada lives in Lisbon"}
    hits = await memory.retrieve_memories("Where does Ada live?", HERE, known_at=NOW)
    assert {e for h in hits for e in h.event_ids} == {"a"}


async def test_filters_are_applied_in_the_store(memory: MemoryManager) -> None:
    await tell(
        memory,
        make_event("a", "I|likes|'tea'", metadata={"channel": "web"}),
        make_event("b", "I|lives_in|Porto", session_id="s2"),
        make_event("c", "I|likes|'rum'", source_class=SourceClass.TOOL),
    )

    assert await texts(memory, filter=Filter(predicate="likes")) == {
        "Ada likes tea",
        "Ada likes rum",
    }
    assert await texts(memory, filter=Filter(topic="home")) == {"Ada lives in Porto"}
    assert await texts(memory, filter=Filter(session="s2")) == {"Ada lives in Porto"}
    assert await texts(memory, filter=Filter(source=SourceClass.TOOL)) == {"Ada likes rum"}
    assert await texts(memory, filter=Filter(metadata={"channel": "web"})) == {"Ada likes tea"}
    assert await texts(memory, filter=Filter(min_importance=0.7)) == {"Ada lives in Porto"}
    assert await texts(memory, filter=Filter(min_confidence=0.5)) == {
        "Ada likes tea", "Ada lives in Porto",
    }  # fmt: skip
    hits = await memory.retrieve_memories("Ada", HERE, filter=Filter(session="s2"))
    assert {e for h in hits for e in h.event_ids} == {"b"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_confidence": 1.5},
        {"min_importance": -1},
        {"valid_from": NOW, "valid_to": NOW},
    ],
)
def test_wrong_filters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Filter(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"user": ""}, {"app": "a\nb"}, {"user": "x" * 300}, {"user": None, "agent": "a"}]
)
def test_wrong_scopes_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Scope(**wrong)


async def test_get_gives_each_kind(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "Tom|lives_in|Rome"))
    (fact,) = (await memory.list(HERE)).facts

    assert isinstance(await memory.get(HERE, fact.id), Fact)
    entity = await memory.get(HERE, fact.subject_id)
    assert isinstance(entity, Entity)
    assert [f.id for f in (await memory.about(HERE, entity)).facts] == [fact.id]
    episode = await memory.get(HERE, "a")
    assert isinstance(episode, Episode)
    assert await memory.names(HERE, [fact.subject_id, "no-such"]) == {fact.subject_id: "Tom"}


async def test_event_id_of_two_sessions_must_be_named(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "one"), make_event("a", "two", session_id="s2"))

    with pytest.raises(Conflict, match="several sessions"):
        await memory.get(Scope(user="ada"), "a")
    found = await memory.get(Scope(user="ada", session="s2"), "a")
    assert isinstance(found, Episode)
    assert found.text == "two"


async def test_list_pages_through_everything_once(memory: MemoryManager) -> None:
    await tell(memory, *(make_event(f"e{i}", f"I|likes|'thing {i}'") for i in range(7)))

    seen: list[str] = []
    cursor = None
    while True:
        page = await memory.list(HERE, limit=3, cursor=cursor)
        seen += [f.id for f in page.facts]
        cursor = page.cursor
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == 7


async def test_context_shows_history_and_state(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "I|likes|'tea'"), make_event("b", "And now?"))
    await memory.sessions.set_state(HERE, {"cart": ["tea"]})

    made = await memory.build_context(
        "tea?", HERE, 500, system="Be kind.", tools=[{"name": "brew"}]
    )

    assert "Be kind." in made.parts["system"]
    assert "And now?" in made.parts["history"]
    assert "cart" in made.parts["state"]
    assert "brew" in made.parts["tools"]
    assert made.tokens <= 500
    with pytest.raises(BudgetTooSmall):
        await memory.build_context("tea?", HERE, 1, system="Be kind.")
    with pytest.raises(InvalidInput):
        await memory.build_context("tea?", HERE, 0)


# --------------------------------------------------------------------------- forgetting


async def test_forgetting_a_fact_takes_its_events(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "I|lives_in|Lisbon"), make_event("b", "I|lives_in|Porto"))
    porto = next(f for f in (await memory.list(HERE)).facts if "Porto" in f.text)

    would = await memory.delete_memories(HERE, memory_ids=[porto.id], dry_run=True)
    assert await texts(memory) == {"Ada lives in Porto"}
    gone = await memory.delete_memories(HERE, memory_ids=[porto.id])

    assert would.events == gone.events == ("b",)
    assert await texts(memory) == {"Ada lives in Lisbon"}
    assert await memory.retrieve_memories("Porto", HERE, top_k=5) != ()
    assert "Porto" not in str(await memory.retrieve_memories("Porto", HERE))
    assert [e.id for e in await memory.sessions.events(HERE)] == ["a"]


async def test_forgetting_an_entity_takes_what_mentions_it(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "Tom|likes|'tea'"), make_event("b", "I|likes|'rum'"))
    tom = next(e for e in (await memory.list(HERE, "entity")).entities if e.name == "Tom")

    await memory.delete_memories(HERE, memory_ids=[tom.id])

    assert await texts(memory) == {"Ada likes rum"}
    with pytest.raises(NotFound):
        await memory.get(HERE, tom.id)


async def test_forgetting_before_consolidation(memory: MemoryManager) -> None:
    await memory.append(HERE, [make_event("a", "I|likes|'tea'")])

    gone = await memory.delete_memories(HERE, memory_ids=["a"])
    await memory.generate_memories(HERE)

    assert gone.events == ("a",)
    assert await texts(memory) == set()
    assert (await memory.stats(HERE))["episodes"] == 0


async def test_erasure_cut_short_has_erased_nothing(
    memory: MemoryManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(memory, make_event("a", "I|likes|'tea'"))

    async def cut(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as broken:
        broken.setattr(memory.consolidator.sessions, "erase", cut)  # after the graph has let go
        with pytest.raises(asyncio.CancelledError):
            await memory.delete_memories(HERE, memory_ids=["a"])

    assert await texts(memory) == {"Ada likes tea"}
    assert await memory.consolidator.sessions.tombstones(HERE) == []
    await memory.delete_memories(HERE, memory_ids=["a"])
    assert await texts(memory) == set()


async def test_an_erasure_waits_for_the_disk_and_a_batch_does_not(memory: MemoryManager) -> None:
    """What a power cut undoes of a batch comes again from the log; an erasure would not."""
    synced: list[bool] = []
    together = memory.consolidator.together

    def recorded(**given: bool) -> Any:
        synced.append(given.get("synced", True))
        return together(**given)

    memory.consolidator.together = recorded
    await tell(memory, make_event("a", "I|likes|'tea'"))
    assert synced == [False, False], "episodes, facts"
    await memory.delete_memories(HERE, memory_ids=["a"])

    assert synced == [False, False, True]
    assert await texts(memory) == set()


async def test_forget_one_unknown_forgets_none(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "I|likes|'tea'"))

    with pytest.raises(NotFound):
        await memory.delete_memories(HERE, memory_ids=["a", "no-such"])

    assert await texts(memory) == {"Ada likes tea"}


async def test_forget_says_what_it_wants(memory: MemoryManager) -> None:
    wrongs: list[dict[str, Any]] = [
        {},
        {"filter": Filter()},
        {"memory_ids": ["a"], "everything": True},
    ]
    for wrong in wrongs:
        with pytest.raises(InvalidInput):
            await memory.delete_memories(HERE, **wrong)


async def test_forgetting_is_a_decision_of_the_stream(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "I|likes|'tea'"))
    await memory.delete_memories(HERE, everything=True)
    await memory.generate_memories(HERE)

    events = await memory.consolidator.sessions.read(Scope(user="ada"))

    assert [e.session_id for e in events] == ["@decisions"]
    assert "tea" not in str(events)
    assert (await memory.stats(HERE))["episodes"] == 0


async def test_quarantine_until_released(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "I|likes|'https://shop.example'"))
    (fact,) = (await memory.list(HERE)).facts
    assert fact.status == "quarantined"
    hits = await memory.retrieve_memories("What does Ada like?", HERE)
    assert all(h.kind == "episode" for h in hits)

    await memory.review.release(HERE, [fact.id])

    (free,) = (await memory.list(HERE)).facts
    assert free.status == "active"
    with pytest.raises(Conflict):
        await memory.review.release(HERE, [free.id])
    with pytest.raises(NotFound):
        await memory.review.release(HERE, ["no-such"])


async def test_release_is_all_or_none(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "I|likes|'https://shop.example'"))
    await tell(memory, make_event("b", "I|likes|'tea'"))
    by_status = {f.status: f.id for f in (await memory.list(HERE)).facts}

    with pytest.raises(Conflict):
        await memory.review.release(HERE, [by_status["quarantined"], by_status["active"]])

    (held,) = await memory.review.quarantined(HERE)
    assert held.id == by_status["quarantined"]


async def entity_ids(memory: MemoryManager) -> dict[str, str]:
    return {e.name: e.id for e in (await memory.list(HERE, "entity")).entities}


async def test_merged_entities_share_what_is_known(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "Annie|lives_in|Oslo"))
    await tell(memory, make_event("b", "Anna|likes|'tea'"))
    known = await entity_ids(memory)

    await memory.review.merge(HERE, known["Anna"], known["Annie"])
    await tell(memory, make_event("c", "Annie|likes|'rum'"))

    texts = {f.text for f in (await memory.list(HERE)).facts}
    assert texts == {"Anna lives in Oslo", "Anna likes tea", "Anna likes rum"}
    assert set(await entity_ids(memory)) == {"Anna", "Oslo"}
    trail = await memory.get(HERE, known["Annie"])
    assert isinstance(trail, Entity)
    assert trail.same_as == known["Anna"]
    hits = await memory.retrieve_memories("Where does Annie live?", HERE)
    assert hits[0].event_ids == ("a",)


async def test_merge_lets_facts_supersede_each_other(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "Annie|lives_in|Oslo", occurred_at=NOW - timedelta(days=9)))
    await tell(memory, make_event("b", "Anna|lives_in|Rome", occurred_at=NOW - timedelta(days=8)))
    known = await entity_ids(memory)

    await memory.review.merge(HERE, known["Anna"], known["Annie"])

    assert [f.text for f in (await memory.list(HERE)).facts] == ["Anna lives in Rome"]
    ended = (await memory.list(HERE, ended=True)).facts
    assert {f.text for f in ended if f.valid_to} == {"Anna lived in Oslo"}


async def test_split_takes_a_merge_back(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "Annie|lives_in|Oslo"))
    await tell(memory, make_event("b", "Anna|likes|'tea'"))
    known = await entity_ids(memory)
    await memory.review.merge(HERE, known["Anna"], known["Annie"])

    await memory.review.split(HERE, known["Annie"])

    texts = {f.text for f in (await memory.list(HERE)).facts}
    assert texts == {"Annie lives in Oslo", "Anna likes tea"}
    assert await entity_ids(memory) == known


async def test_merge_of_what_cannot_be_one_is_refused(memory: MemoryManager) -> None:
    await tell(memory, make_event("a", "Annie|lives_in|Oslo"))
    await tell(memory, make_event("b", "Anna|lives_in|Rome\nZoe(sister of Anna)|lives_in|Rome"))
    known = await entity_ids(memory)

    with pytest.raises(InvalidInput, match="known as the other's"):
        await memory.review.merge(HERE, known["Anna"], known["Zoe"])
    with pytest.raises(InvalidInput, match="person and a place"):
        await memory.review.merge(HERE, known["Anna"], known["Oslo"])
    with pytest.raises(InvalidInput, match="one entity already"):
        await memory.review.merge(HERE, known["Anna"], known["Anna"])
    with pytest.raises(NotFound):
        await memory.review.merge(HERE, known["Anna"], "nobody")
    with pytest.raises(Conflict, match="not merged"):
        await memory.review.split(HERE, known["Anna"])
    await memory.review.merge(HERE, known["Anna"], known["Annie"])
    with pytest.raises(Conflict, match="is merged into"):
        await memory.review.merge(HERE, known["Annie"], known["Anna"])
    with pytest.raises(NotFound):
        await memory.review.merge(Scope(user="bob"), known["Anna"], known["Annie"])


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (Policy(max_age_days=20), {"Ada likes rum"}),
        (Policy(keep_per_topic=1), {"Ada likes rum"}),
        (Policy(importance_floor=0.4, half_life_days=0.5), {"Ada likes rum"}),
        (Policy(), {"Ada likes tea", "Ada likes rum"}),
    ],
)
async def test_prune_keeps_to_its_policy(
    memory: MemoryManager, clock: Clock, policy: Policy, left: set[str]
) -> None:
    await tell(memory, make_event("a", "I|likes|'tea'"))
    clock.now = NOW + timedelta(days=1)
    await tell(memory, make_event("b", "I|likes|'rum'", occurred_at=NOW))

    await memory.prune_memories(HERE, policy)

    assert await texts(memory) == left


# --------------------------------------------------------------------------- sessions, opening


async def test_sessions_expire_and_memories_stay(memory: MemoryManager, clock: Clock) -> None:
    await memory.sessions.create(HERE, expires_in_s=60, metadata={"topic": "tea"})
    with pytest.raises(Conflict):
        await memory.sessions.create(HERE)
    await tell(memory, make_event("a", "I|likes|'tea'"))
    clock.now = NOW + timedelta(minutes=2)

    assert await memory.sessions.expire() == ["s1"]

    with pytest.raises(NotFound):
        await memory.sessions.get(HERE)
    assert await texts(memory) == {"Ada likes tea"}


async def test_sessions_need_a_session(memory: MemoryManager) -> None:
    for verb in (memory.sessions.get, memory.sessions.create, memory.sessions.delete):
        with pytest.raises(InvalidInput):
            await verb(Scope(user="ada"))


async def test_another_embedder_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'm.db'}"
    async with graphmem.open(url, worker="off", embedder=HashEmbedder(16)):
        pass

    with pytest.raises(EmbeddingMismatch, match="reembed"):
        async with graphmem.open(url, worker="off", embedder=HashEmbedder(32)):
            pass


@pytest.mark.parametrize(
    "wrong",
    [
        {"store": "mysql://x"},
        {"store": "sqlite://host/x.db"},
        {"store": "sqlite:///"},
        {"store": "sqlite:///x.db", "log": "kafka://x"},
        {"store": "sqlite:///x.db", "embedder": "word2vec"},
        {"store": "sqlite:///x.db", "embedder": "litellm:some-model"},
        {"store": "sqlite:///x.db", "reranker": "magic"},
        {"store": "sqlite:///x.db", "reranker": "none:model"},
        {"store": "sqlite:///x.db", "reranker": "cross-encoder"},
        {"store": "sqlite:///x.db", "rewriter": "listwise:model"},
        {"store": "sqlite:///x.db", "worker": "maybe"},
        {"store": "sqlite:///x.db", "extractor": "magic"},
    ],
)
async def test_wrong_settings_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput):
        async with graphmem.open(wrong.pop("store"), **wrong):
            pass


async def test_log_may_live_in_a_file_of_its_own(tmp_path: Path) -> None:
    async with graphmem.open(
        f"sqlite:///{tmp_path / 'graph.db'}",
        log=f"sqlite:///{tmp_path / 'log.db'}",
        worker="off",
        extractor=LineExtractor(),
        embedder=HashEmbedder(),
    ) as memory:
        await tell(memory, make_event("a", "I|likes|'tea'"))

        assert await texts(memory) == {"Ada likes tea"}
        await memory.delete_memories(HERE, memory_ids=["a"])
        assert await texts(memory) == set()


def test_sync_front_has_every_verb(tmp_path: Path) -> None:
    with graphmem.open_sync(
        f"sqlite:///{tmp_path / 'm.db'}",
        worker="off",
        extractor=LineExtractor(),
        embedder=HashEmbedder(),
    ) as memory:
        memory.append(HERE, [make_event("a", "I|likes|'tea'")])
        memory.generate_memories(HERE)

        assert [f.text for f in memory.list(HERE).facts] == ["Ada likes tea"]
        assert [s.id for s in memory.sessions.list(HERE)] == ["s1"]
        with pytest.raises(InvalidInput):
            memory.retrieve_memories("", HERE)
        with pytest.raises(AttributeError):
            memory.no_such_verb()
        for name in dir(MemoryManager):
            if not name.startswith("_"):
                assert callable(getattr(memory, name))


def test_sync_front_fails_as_it_opens(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput), graphmem.open_sync("mysql://x"):
        pass

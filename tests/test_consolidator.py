from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem import ids
from graphmem.consolidator import FORGET_LEASE_S, BatchReport, Limits, retry
from graphmem.errors import (
    ExtractionError,
    GraphmemError,
    LeaseLost,
    MalformedAnswer,
    ModelUnavailable,
    StoreUnavailable,
)
from graphmem.models import Entity, Episode, Fact, Scope
from tests.memory import NOW, Memory, later, open_memory

ADA = Scope(user="ada")


@pytest.fixture
async def memory() -> AsyncIterator[Memory]:
    async with open_memory() as memory:
        yield memory


def episode_id(event_id: str, session: str = "s1") -> str:
    return ids.episode(ADA.app, ADA.user, session, event_id)


async def dump(memory: Memory) -> list[Episode | Entity | Fact]:
    return [item async for item in memory.graph.dump(ADA)]


# retry


@given(st.integers(0, 4), st.floats(0, 1))
def test_retry_waits_within_its_ceiling(attempts: int, jitter: float) -> None:
    again, park = retry(ModelUnavailable(), attempts, Limits(), now=NOW, jitter=jitter)

    assert not park
    assert again is not None
    expected = timedelta(seconds=0.5 * 2**attempts * jitter)
    assert abs(again - NOW - expected) <= timedelta(microseconds=1)


def test_retry_never_waits_longer_than_the_most() -> None:
    limits = Limits(attempts=99, backoff_most_s=300)

    again, _ = retry(MalformedAnswer(), 60, limits, now=NOW, jitter=1)

    assert again == NOW + timedelta(seconds=300)


@pytest.mark.parametrize(("attempts", "park"), [(0, False), (4, False), (5, True), (9, True)])
def test_retry_parks_after_so_many_attempts(attempts: int, park: bool) -> None:
    again, parked = retry(MalformedAnswer(), attempts, Limits(attempts=6), now=NOW, jitter=0)

    assert parked == park
    assert (again is None) == park


@pytest.mark.parametrize("error", [StoreUnavailable(), ModelUnavailable()])
def test_retry_parks_nothing_while_something_is_away(error: GraphmemError) -> None:
    """However long: a night without the store is over for all streams when it is back."""
    limits = Limits(attempts=6, outage_most_s=60)

    assert retry(error, 100_000, limits, now=NOW, jitter=1) == (NOW + timedelta(seconds=60), False)


def test_retry_parks_what_waiting_cannot_cure() -> None:
    assert retry(ExtractionError(), 0, Limits(), now=NOW, jitter=1) == (None, True)


# erasure that was cut short


async def test_cut_erasure_is_hidden_then_finished(memory: Memory) -> None:
    """The process dies after the log has marked what is to go; another worker ends it."""
    await memory.say("ada", "I|lives_in|Oslo", "Goats are behind the mill")
    await memory.drain()
    assert "Goats are behind the mill" in await memory.recalled("goats", "ada")

    await memory.log.tombstone(ADA, [episode_id("Goats")], lease_s=FORGET_LEASE_S, now=NOW)

    assert "Goats are behind the mill" not in await memory.recalled("goats", "ada")
    memory.now = later(FORGET_LEASE_S + 1)
    await memory.say("ada", "Rain today")
    assert isinstance(await memory.step("other", at=FORGET_LEASE_S + 1), BatchReport)
    assert await memory.log.tombstones(ADA) == []
    assert {e.event_id for e in await dump(memory) if isinstance(e, Episode)} == {"I", "Rain"}
    assert [e.id for e in await memory.log.read(ADA)] == ["I", "Rain"]
    assert await memory.graph.check() == []


async def test_cut_erasure_needs_no_new_event(memory: Memory) -> None:
    """Nothing waits to be consolidated, and yet a worker comes and ends the erasure."""
    await memory.say("ada", "I|lives_in|Oslo", "Goats are behind the mill")
    await memory.drain()
    await memory.log.tombstone(ADA, [episode_id("I")], lease_s=FORGET_LEASE_S, now=NOW)
    before = await memory.state("ada")

    assert await memory.step("other", at=FORGET_LEASE_S - 1) is None, "it may yet be at work"
    done = await memory.step("other", at=FORGET_LEASE_S + 1)

    assert isinstance(done, BatchReport)
    assert done.events == 0
    assert await memory.log.tombstones(ADA) == []
    assert await memory.texts("ada") == []
    after = await memory.state("ada")
    assert (after.done_seq, after.last_seq) == (before.done_seq, before.last_seq)
    assert await memory.step("other", at=FORGET_LEASE_S + 2) is None, "and only once"
    await memory.say("ada", "Rain today")
    await memory.drain(at=FORGET_LEASE_S + 3)
    assert (await memory.state("ada")).pending == 0


async def test_cut_erasure_of_what_waits_never_enters(memory: Memory) -> None:
    """The event was not yet consolidated: it must not become memory on the way."""
    await memory.say("ada", "I|lives_in|Oslo", "Tom|lives_in|Rome")
    await memory.log.tombstone(ADA, [episode_id("I")], lease_s=FORGET_LEASE_S, now=NOW)

    await memory.drain(at=FORGET_LEASE_S + 1)

    assert {e.event_id for e in await dump(memory) if isinstance(e, Episode)} == {"Tom"}
    assert await memory.texts("ada") == ["Tom lives in Rome"]
    assert [e.id for e in await memory.log.read(ADA)] == ["Tom"]


async def test_cut_erasure_in_a_batch_half_done(memory: Memory) -> None:
    """Episodes are written and statements kept when the erasure comes and is cut short."""
    await memory.say("ada", "I|lives_in|Oslo", "Tom|lives_in|Rome")
    memory.encoder.fails_in = 2  # the facts' vectors
    await memory.step()
    assert [e.event_id for e in await dump(memory) if isinstance(e, Episode)] != []
    await memory.log.tombstone(ADA, [episode_id("I")], lease_s=FORGET_LEASE_S, now=NOW)

    await memory.drain(at=FORGET_LEASE_S + 1)

    assert {e.event_id for e in await dump(memory) if isinstance(e, Episode)} == {"Tom"}
    assert await memory.texts("ada") == ["Tom lives in Rome"]
    assert await memory.graph.check() == []


async def test_erasure_after_the_graph_and_before_the_log(memory: Memory) -> None:
    """The graph has let go, the log has not: ending it again does no harm."""
    await memory.say("ada", "I|lives_in|Oslo", "Tom|lives_in|Rome")
    await memory.drain()
    receipt, plan = await memory.consolidator.forget(ADA, [episode_id("I")], now=NOW)
    calm = await dump(memory)
    async with open_memory() as cut:
        await cut.say("ada", "I|lives_in|Oslo", "Tom|lives_in|Rome")
        await cut.drain()
        _, fence = await cut.log.tombstone(ADA, [episode_id("I")], lease_s=60, now=NOW)
        await cut.graph.apply(plan.change, fence=fence)

        await cut.drain(at=61)

        assert await cut.log.tombstones(ADA) == []
        assert await dump(cut) == calm
    assert receipt


async def test_forget_stops_the_worker_in_flight(memory: Memory) -> None:
    await memory.say("ada", "I|lives_in|Oslo")
    claim = await memory.log.claim("w", lease_s=30, max_events=9, max_bytes=9999, now=NOW)
    assert claim is not None

    await memory.consolidator.forget(ADA, [episode_id("I")], now=NOW)

    with pytest.raises(LeaseLost):
        await memory.log.acknowledge(claim)
    await memory.drain(at=1)
    assert await dump(memory) == []
    assert (await memory.state("ada")).pending == 0


# where memories live


async def test_private_session_is_the_agents(memory: Memory) -> None:
    scope = replace(ADA, session="p")
    await memory.log.create(scope, now=NOW, private_to="planner")
    await memory.say("ada", "I|lives_in|Oslo", session="p")
    await memory.say("ada", "Tom|lives_in|Rome")
    await memory.drain()

    planner = replace(ADA, agent="planner")
    private = [x async for x in memory.graph.dump(planner)]

    assert {type(x) for x in private} == {Episode, Entity, Fact}
    assert await memory.texts("ada") == ["Tom lives in Rome"]


async def test_batch_knows_the_events_before(memory: Memory) -> None:
    await memory.say("ada", "a x", "b x")
    await memory.drain()
    await memory.say("ada", "c x")
    await memory.drain()

    assert memory.reader.contexts == [[], ["a", "b"]]

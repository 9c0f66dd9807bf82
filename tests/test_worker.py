import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from graphmem import worker
from graphmem.consolidator import BatchReport
from graphmem.errors import (
    Conflict,
    ExtractionError,
    LeaseLost,
    MalformedAnswer,
    ModelUnavailable,
    NotFound,
    StoreUnavailable,
    StreamParked,
)
from graphmem.models import Scope
from graphmem.worker import WorkerThread, run
from tests.memory import AWAY, BROKEN, Memory, later, open_memory

ADA = Scope(user="ada")


@pytest.fixture
async def memory() -> AsyncIterator[Memory]:
    async with open_memory(batch=1) as memory:
        yield memory


def times(count: int) -> Callable[[], Awaitable[bool]]:
    """Return an idle function that says stop at the n-th time."""
    left = count

    async def idle() -> bool:
        nonlocal left
        left -= 1
        return left > 0

    return idle


# poison


async def test_poison_parks_and_others_go_on(memory: Memory) -> None:
    await memory.say("ada", "I|lives_in|Oslo", "boom", "Tom|lives_in|Rome")
    await memory.say("bob", "I|lives_in|Lima")

    done = await run(memory.consolidator, "w", idle=times(3))

    ada, bob = await memory.state("ada"), await memory.state("bob")
    assert done == 2
    assert (ada.parked, ada.done_seq, ada.pending) == (True, 1, 2)
    assert ada.reason == "ExtractionError: this event cannot be read"
    assert (bob.parked, bob.pending) == (False, 0)
    assert await memory.texts("bob") == ["user lives in Lima"]
    assert "boom" in await memory.recalled("boom", "ada"), "its words can be recalled"


async def test_parked_stream_says_where_it_stands(memory: Memory) -> None:
    await memory.say("ada", "boom")
    await memory.step()

    with pytest.raises(StreamParked, match="event 1: ExtractionError"):
        await memory.manager.generate_memories(ADA)


async def test_parked_stream_resumes(memory: Memory) -> None:
    memory.reader.fault = BROKEN
    await memory.say("ada", "I|lives_in|Oslo")
    assert isinstance(await memory.step(), ExtractionError)
    memory.reader.fault = None
    assert await memory.step(at=1e6) is None, "not by itself"

    await memory.log.resume(ADA)
    await memory.drain(at=1)

    assert await memory.texts("ada") == ["user lives in Oslo"]
    assert not (await memory.state("ada")).parked


async def test_parked_stream_skips(memory: Memory) -> None:
    await memory.say("ada", "boom", "Tom|lives_in|Rome")
    await memory.step()

    await memory.log.resume(ADA, skip=True)
    await memory.drain(at=1)

    assert (await memory.state("ada")).pending == 0
    assert await memory.texts("ada") == ["Tom lives in Rome"]
    assert "boom" in await memory.recalled("boom", "ada")


async def test_resume_without_cause_parks_again(memory: Memory) -> None:
    await memory.say("ada", "boom")
    await memory.step()
    await memory.log.resume(ADA)

    assert isinstance(await memory.step(at=1), ExtractionError)

    assert (await memory.state("ada")).parked


# failures that pass


async def test_failure_waits_longer_each_time(memory: Memory) -> None:
    memory.reader.fault = MalformedAnswer()
    await memory.say("ada", "I|lives_in|Oslo")

    waits: list[float] = []
    at = 0.0
    for _ in range(5):
        assert isinstance(await memory.step(at=at, jitter=0.5), MalformedAnswer)
        state = await memory.state("ada")
        assert state.not_before is not None
        waits.append((state.not_before - later(at)).total_seconds())
        assert await memory.step(at=at + waits[-1] - 0.01) is None, "not before its time"
        at += waits[-1]

    assert waits == [0.25, 0.5, 1, 2, 4]
    assert isinstance(await memory.step(at=at), MalformedAnswer)
    assert (await memory.state("ada")).parked, "the sixth time"


async def test_outage_parks_nothing(memory: Memory) -> None:
    """What is away for an hour is no fault of the batch: nobody has to set it going again."""
    memory.reader.fault = AWAY
    await memory.say("ada", "I|lives_in|Oslo")
    for minute in range(60):
        assert isinstance(await memory.step(at=60 * minute), ModelUnavailable)
    memory.reader.fault = None

    assert isinstance(await memory.step(at=3600), BatchReport)
    assert (await memory.state("ada")).pending == 0


async def test_failure_then_success(memory: Memory) -> None:
    memory.reader.fault = AWAY
    await memory.say("ada", "I|lives_in|Oslo")
    await memory.step()
    memory.reader.fault = None

    assert isinstance(await memory.step(at=1), BatchReport)

    state = await memory.state("ada")
    assert (state.pending, state.attempts, state.reason) == (0, 0, None)
    assert await memory.texts("ada") == ["user lives in Oslo"]


async def test_retry_asks_no_model_again(memory: Memory) -> None:
    """The statements were read and kept when their vectors could not be made."""
    memory.encoder.fails_in = 2  # the first call is for the episodes
    await memory.say("ada", "I|lives_in|Oslo")
    assert isinstance(await memory.step(), ModelUnavailable)
    assert memory.reader.calls == 1
    memory.reader.fault = BROKEN

    assert isinstance(await memory.step(at=1), BatchReport)

    assert memory.reader.calls == 1
    assert await memory.texts("ada") == ["user lives in Oslo"]


async def test_outage_of_the_model_hides_nothing(memory: Memory) -> None:
    memory.reader.fault = AWAY
    await memory.say("ada", "Goats are behind the mill")

    assert isinstance(await memory.step(), ModelUnavailable)

    assert await memory.recalled("where are the goats?", "ada") == ["Goats are behind the mill"]
    calls = memory.encoder.calls
    await memory.step(at=1)
    assert memory.encoder.calls == calls, "the episodes are not made again"


# the lease


async def test_lost_lease_writes_nothing(memory: Memory) -> None:
    await memory.say("ada", "I|lives_in|Oslo")
    gate = memory.reader.gate = asyncio.Event()
    slow = asyncio.create_task(memory.step("slow"))
    await memory.reader.entered.wait()
    assert await memory.step("quick", at=29) is None, "the lease holds"

    assert isinstance(await memory.step("quick", at=31), BatchReport)
    written = [x async for x in memory.graph.dump(ADA)]
    await memory.say("ada", "Tom|lives_in|Rome")
    gate.set()

    assert isinstance(await slow, LeaseLost)
    assert [x async for x in memory.graph.dump(ADA)] == written
    state = await memory.state("ada")
    assert (state.done_seq, state.attempts, state.parked) == (1, 0, False)


async def test_worker_survives_a_lost_lease(memory: Memory) -> None:
    await memory.say("ada", "I|lives_in|Oslo")
    gate = memory.reader.gate = asyncio.Event()
    working = asyncio.create_task(run(memory.consolidator, "slow", idle=times(2)))
    await memory.reader.entered.wait()
    events = await memory.log.read(ADA)
    await memory.manager.delete_memories(replace(ADA, session="s1"), memory_ids=[events[0].id])
    await memory.say("ada", "Tom|lives_in|Rome")
    gate.set()

    assert await working >= 2, "the batch that was emptied, and the next"
    assert (await memory.state("ada")).pending == 0
    assert await memory.texts("ada") == ["Tom lives in Rome"]


async def test_worker_survives_a_fault_of_ours(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "_TROUBLE_S", 0)
    memory.encoder.fault, memory.encoder.fails_in = ZeroDivisionError("a bug"), 1
    await memory.say("ada", "I|lives_in|Oslo")
    await memory.say("bob", "Tom|lives_in|Rome")

    await run(memory.consolidator, "w", idle=times(3))
    assert "ZeroDivisionError" in caplog.text
    assert "Oslo" not in caplog.text, "logs hold no words of users"

    assert isinstance(await memory.step(at=1e9), BatchReport), "the lease has run out"


async def test_fault_of_an_extractor_parks_its_stream(memory: Memory) -> None:
    memory.reader.fault = ZeroDivisionError("a bug with what Ada said")
    await memory.say("ada", "I|lives_in|Oslo")

    await run(memory.consolidator, "w", idle=times(3))

    state = await memory.state("ada")
    assert state.parked
    assert "ZeroDivisionError in extract, line" in (state.reason or "")
    assert "Ada" not in (state.reason or ""), "the reason outlives an erasure"
    assert memory.reader.calls == 1, "what waiting cannot mend is not tried again"


async def test_run_once_returns_when_nothing_is_ready(memory: Memory) -> None:
    await memory.say("ada", "I|lives_in|Oslo", "Tom|lives_in|Rome")

    assert await run(memory.consolidator, "w", idle=times(99), once=True) == 2
    assert await run(memory.consolidator, "w", idle=times(99), once=True) == 0


# the thread


async def test_thread_wakes_works_and_stops(tmp_path: Path) -> None:
    async with open_memory(str(tmp_path / "m.db"), batch=1) as memory:
        thread = WorkerThread(memory.consolidator, "t")
        thread.start()
        try:
            await memory.say("ada", "I|lives_in|Oslo")
            thread.wake()
            assert await asyncio.to_thread(memory.reader.called.wait, 30)
        finally:
            await thread.stop()
        thread.wake()

        assert (await memory.state("ada")).pending == 0, "the batch at hand is finished"
        assert await memory.texts("ada") == ["user lives in Oslo"]
        assert not [t for t in threading.enumerate() if t.name == "graphmem-worker"]


async def test_thread_looks_by_itself(tmp_path: Path) -> None:
    async with open_memory(str(tmp_path / "m.db")) as memory:
        thread = WorkerThread(memory.consolidator, "t")
        thread.start()
        try:
            await memory.say("ada", "I|lives_in|Oslo")
            assert await asyncio.to_thread(memory.reader.called.wait, 30), "nobody woke it"
        finally:
            await thread.stop()


async def test_thread_stops_before_any_work(memory: Memory) -> None:
    thread = WorkerThread(memory.consolidator, "t")
    thread.start()

    await thread.stop()

    assert (await memory.log.streams()) == []


# sessions that expire


async def test_worker_ends_expired_sessions_by_itself(memory: Memory) -> None:
    scope = replace(ADA, session="s1")
    await memory.manager.sessions.create(scope, expires_in_s=60)
    await memory.say("ada", "I|lives_in|Oslo")
    memory.now = later(61)
    expire = memory.manager.sessions.expire

    await run(memory.consolidator, "w", idle=times(1), tidy=expire)

    with pytest.raises(NotFound):
        await memory.manager.sessions.get(scope)


async def test_worker_outlives_a_failure_to_tidy(memory: Memory) -> None:
    told: list[int] = []

    async def tidy() -> None:
        told.append(1)
        raise StoreUnavailable("the store is away")

    await run(memory.consolidator, "w", idle=times(240), tidy=tidy)
    assert told == [1]
    await run(memory.consolidator, "w", idle=times(241), tidy=tidy)
    assert told == [1, 1, 1], "at first and then from time to time"


async def test_expired_session_waits_for_its_events(memory: Memory) -> None:
    scope = replace(ADA, session="s1")
    await memory.manager.sessions.create(scope, expires_in_s=60)
    await memory.say("ada", "I|lives_in|Oslo")
    memory.now = later(61)

    assert await memory.manager.sessions.expire() == []
    with pytest.raises(Conflict, match="expired"):
        await memory.say("ada", "Tom|lives_in|Rome")

    await memory.drain(at=61)
    assert await memory.manager.sessions.expire() == ["s1"]
    with pytest.raises(NotFound):
        await memory.manager.sessions.get(scope)
    assert await memory.texts("ada") == ["user lives in Oslo"], "what was learnt stays"

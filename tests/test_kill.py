"""``kill -9`` in the middle of everything: nothing lost, nothing twice, and the same graph.

Processes are synchronised by what they say, never by waiting a while.
"""

import asyncio
import multiprocessing
import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest

import graphmem
from graphmem.consolidation import predicates
from graphmem.consolidator import Consolidator
from graphmem.graph.sqlite import SqliteGraphStore
from graphmem.models import CandidateQuery, Entity, Episode, Event, Fact, Scope
from graphmem.sessions.sqlite import SqliteSessionStore
from graphmem.sqlite.connection import Database
from graphmem.testing.fakes import HashEmbedder, LineExtractor
from tests import kill_child
from tests.kill_child import USERS, event_of, scope_of

pytestmark = pytest.mark.kill

KILLS = 24
EMBEDDER = HashEmbedder(16)
Graph = list[Episode | Entity | Fact]


FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.kill_child"])


class Child:
    """A process that says what it does, a line each."""

    def __init__(self, path: Path, mode: str = "go", first: int = 0, last: int = 0) -> None:
        self._line, theirs = FORK.Pipe()
        self._process = FORK.Process(
            target=kill_child.main, args=(theirs, str(path), mode, first, last), daemon=True
        )
        self._process.start()
        theirs.close()
        self.said: list[str] = []

    def listen(self) -> str:
        """Return what it says next; empty when the process has ended."""
        try:
            self.said.append(self._line.recv_bytes().decode())
        except (EOFError, ConnectionResetError):
            return ""
        return self.said[-1]

    def until(self, expected: str) -> None:
        """Listen until it says this."""
        while (line := self.listen()).split(" ")[0] != expected:
            assert line, f"ended before it said {expected!r}"

    def kill(self) -> None:
        """Kill it with SIGKILL, then hear what it had said before."""
        self._process.kill()
        assert self._end() == -signal.SIGKILL

    def finish(self) -> None:
        """Let it end by itself."""
        self._line.send_bytes(b"end")
        assert self._end() == 0

    def _end(self) -> int | None:
        while self.listen():
            continue
        self._process.join()
        self._line.close()
        return self._process.exitcode

    @property
    def acknowledged(self) -> list[int]:
        return [int(line[4:]) for line in self.said if line.startswith("ack ")]


async def opened(path: str) -> tuple[SqliteSessionStore, SqliteGraphStore, Consolidator]:
    database = Database.acquire(path)
    log, graph = SqliteSessionStore(database.share()), SqliteGraphStore(database)
    await log.migrate()
    await graph.migrate(model_id=EMBEDDER.model_id, dimension=EMBEDDER.dimension)
    table = predicates.load()
    return log, graph, Consolidator(log, graph, LineExtractor(), EMBEDDER, predicates=table)


async def graph_of(graph: SqliteGraphStore, user: str) -> tuple[Graph, dict[str, float | None]]:
    """Return everything of a user, and how near it all is to a question."""
    home = Scope(user=user)
    (vector,) = await EMBEDDER.embed(["Anna lives in Rome"], purpose="query")
    facts = [item async for item in graph.dump(home)]
    moment = max(x.recorded_at for x in facts if not isinstance(x, Entity))
    query = CandidateQuery(
        vector=vector,
        model_id=EMBEDDER.model_id,
        as_of=moment,
        known_at=moment,
        ended=True,
        vector_limit=10_000,
    )
    pool = await graph.candidates([home], query)
    return facts, {c.id: c.cosine for c in pool.candidates}


async def settle(path: str) -> None:
    """Consolidate what is left."""
    url = f"sqlite:///{path}"
    async with graphmem.open(
        url, extractor=LineExtractor(), embedder=HashEmbedder(16), worker="off"
    ) as memory:
        for user in USERS:
            await memory.generate_memories(Scope(user=user))


async def verify(path: str, acknowledged: set[int], total: int) -> None:
    """Compare log and graph with a run that nobody disturbed."""
    log, graph, _ = await opened(path)
    calm_log, calm_graph, calm = await opened(":memory:")
    found: set[int] = set()
    try:
        for user in USERS:
            events = await log.read(Scope(user=user), limit=100_000)
            assert [e.seq for e in events] == list(range(1, len(events) + 1)), "dense"
            for event in events:
                number = event.metadata["number"]
                assert isinstance(number, int)
                assert number not in found, "nothing twice"
                found.add(number)
                assert scope_of(number) == Scope(user=user, session=event.session_id)
                assert said(event) == event_of(number), "the same bytes"
                scope = Scope(user=user, session=event.session_id)
                await calm_log.append(scope, [event], now=event.recorded_at or event.occurred_at)
            state = await log.stream(Scope(user=user))
            assert state is not None
            assert (state.pending, state.parked) == (0, False)
        assert acknowledged <= found, "nothing lost"
        assert found == set(range(total))
        while await calm.step("calm") is not None:
            continue
        for user in USERS:
            assert await graph_of(graph, user) == await graph_of(calm_graph, user)
        assert await graph.check() == []
    finally:
        for store in (log, graph, calm_log, calm_graph):
            await store.close()


def said(event: Event) -> Event:
    """Return an event as it was before the log."""
    return replace(event, seq=None, recorded_at=None)


def test_killed_ingest_loses_nothing(tmp_path: Path) -> None:
    draw, path = random.Random(1), tmp_path / "m.db"
    acknowledged: set[int] = set()
    for _ in range(KILLS):
        again = max(0, len(acknowledged) - draw.randrange(4))
        child = Child(path, "go", again, again + 12)
        step, most = draw.choice((("ack", 10), ("embed", 3), ("extract", 2)))
        for _ in range(draw.randint(1, most)):
            child.until(step)
        child.kill()
        acknowledged.update(child.acknowledged)
        assert acknowledged == set(range(len(acknowledged)))

    total = len(acknowledged) + 10
    child = Child(path, "go", 0, total)
    child.until("appended")
    child.finish()
    asyncio.run(settle(str(path)))

    asyncio.run(verify(str(path), acknowledged | set(child.acknowledged), total))


async def append(path: Path, first: int, last: int) -> None:
    async with graphmem.open(
        f"sqlite:///{path}", extractor=LineExtractor(), embedder=HashEmbedder(16), worker="off"
    ) as memory:
        for number in range(first, last):
            await memory.append(scope_of(number), [event_of(number)])


def test_killed_worker_among_three(tmp_path: Path) -> None:
    """One of three workers is killed inside its batch, again and again; the others go on."""
    path = tmp_path / "m.db"
    for first in (0, 18, 36):
        asyncio.run(append(path, first, first + 9))
        victim = Child(path, "hold")
        victim.until("extract")
        worker = Child(path)
        author = Child(path, "go", first + 9, first + 18)
        author.until("appended")
        victim.kill()
        worker.finish()
        author.finish()
    asyncio.run(settle(str(path)))

    asyncio.run(verify(str(path), set(range(54)), 54))

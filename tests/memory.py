"""A whole memory on fakes, with a clock that stands still until a test moves it."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal

from graphmem.consolidation import predicates
from graphmem.consolidator import BatchReport, Consolidator, Limits
from graphmem.errors import ExtractionError, GraphmemError, ModelUnavailable
from graphmem.graph.sqlite import SqliteGraphStore
from graphmem.manager import MemoryManager
from graphmem.models import Event, Extraction, Fact, Scope, StreamState, TextPart, Vector
from graphmem.ports import GraphStore
from graphmem.retrieval.retriever import Retriever
from graphmem.sessions.sqlite import SqliteSessionStore
from graphmem.sqlite.connection import Database
from graphmem.testing.fakes import HashEmbedder, LineExtractor

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Reader(LineExtractor):
    """A LineExtractor that can be away, broken, faulty, or asked to wait in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: Exception | None = None
        self.entered = asyncio.Event()
        self.called = threading.Event()
        self.contexts: list[list[str]] = []
        self.gate: asyncio.Event | None = None

    async def extract(
        self, events: Sequence[Event], *, context: Sequence[Event] = ()
    ) -> Sequence[Extraction]:
        self.entered.set()
        self.called.set()
        self.contexts.append([e.id for e in context])
        gate, self.gate = self.gate, None
        if gate is not None:
            await gate.wait()
        if self.fault is not None:
            self.calls += 1
            raise self.fault
        return await super().extract(events, context=context)


class Encoder(HashEmbedder):
    """A HashEmbedder whose n-th next call fails."""

    fails_in = 0
    calls = 0
    fault: Exception = ModelUnavailable("the encoder is away")

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "document"]) -> Vector:
        self.calls += 1
        self.fails_in -= 1
        if self.fails_in == 0:
            raise self.fault
        return await super().embed(texts, purpose=purpose)


AWAY = ModelUnavailable("the model is away")
BROKEN = ExtractionError("this event cannot be read")


class Memory:
    """``graph``: a store beside the file of the log, instead of in it."""

    def __init__(self, database: Database, limits: Limits, graph: GraphStore | None = None) -> None:
        self.database = database
        self.now = NOW
        self.reader, self.encoder = Reader(), Encoder(32)
        self.log = SqliteSessionStore(database.share() if graph is None else database)
        self.graph = SqliteGraphStore(database) if graph is None else graph
        self.consolidator = Consolidator(
            self.log,
            self.graph,
            self.reader,
            self.encoder,
            predicates=predicates.load(),
            limits=limits,
        )
        self.manager = MemoryManager(
            self.consolidator,
            Retriever(self.graph, self.encoder),
            clock=lambda: self.now,
            counter=len,
        )

    async def say(self, user: str, *texts: str, session: str = "s1") -> None:
        """Append an event per text; its id is its first word."""
        scope = Scope(user=user, session=session)
        events = [
            Event(
                id=text.split("|")[0] if " " not in text else text.split()[0],
                parts=(TextPart(text=text),),
                occurred_at=self.now,
                session_id=session,
            )
            for text in texts
        ]
        await self.log.append(scope, events, now=self.now)

    async def step(self, owner: str = "w", *, at: float = 0, jitter: float = 1) -> object:
        """Return the report of one step, or the error that it ended in."""
        try:
            return await self.consolidator.step(owner, now=later(at), jitter=jitter)
        except GraphmemError as error:
            return error

    async def drain(self, *, at: float = 0) -> None:
        while isinstance(await self.step(at=at), BatchReport):
            continue

    async def state(self, user: str) -> StreamState:
        state = await self.log.stream(Scope(user=user))
        assert state is not None
        return state

    async def texts(self, user: str) -> list[str]:
        """Return what is believed of a user now."""
        facts = [x async for x in self.graph.dump(Scope(user=user)) if isinstance(x, Fact)]
        return sorted(f.text for f in facts if f.retired_at is None)

    async def recalled(self, question: str, user: str) -> list[str]:
        hits = await self.manager.retrieve_memories(question, Scope(user=user))
        return [hit.text for hit in hits]


@asynccontextmanager
async def open_memory(
    path: str = ":memory:",
    *,
    batch: int = 32,
    lease_s: float = 30,
    graph: GraphStore | None = None,
) -> AsyncGenerator[Memory]:
    memory = Memory(Database.acquire(path), Limits(batch_events=batch, lease_s=lease_s), graph)
    await memory.log.migrate()
    await memory.graph.migrate(model_id=memory.encoder.model_id, dimension=memory.encoder.dimension)
    try:
        yield memory
    finally:
        await memory.graph.close()
        await memory.log.close()

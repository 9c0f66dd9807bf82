"""Speed of the graph in Neo4j beside the embedded store, in one run.

Starts a server of each line in a folder of its own, loads the same facts, asks the same questions.
Bytes and round trips are counted by a proxy on loopback, for some questions of their own, so that
it adds to no time.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from graphmem import Event, Scope
from graphmem.bootstrap import open_memory
from graphmem.extract.rules import RulesExtractor
from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.graph.neo4j_connection import Address, Connection
from graphmem.manager import MemoryManager
from graphmem.ports import Embedder, Extractor
from graphmem.testing.fakes import LineExtractor
from graphmem.testing.neo4j.jars import Line
from graphmem.testing.neo4j.server import Server
from tests.bench import copies, tenants
from tests.bench.load import WordEmbedder, load, question, sentence

COUNTED = 10
CONSOLIDATED = 300
WARMED = 3000  # questions until the server's JVM has compiled what they run
PAGE_CACHE_MB = 6144  # a third of a million facts; the rest is read from the system's own

Ask = Callable[
    [MemoryManager, WordEmbedder, Sequence[tuple[str, Scope]]], Awaitable[Sequence[float]]
]


@dataclass
class Wire:
    """What went over a connection: bytes either way, and how often the client had its turn."""

    up: int = 0
    down: int = 0
    turns: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        self.writers.append(writer)
        while chunk := await reader.read(1 << 16):
            if up:
                self.turns += 1
                self.up += len(chunk)
            else:
                self.down += len(chunk)
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def counted(port: int) -> AsyncGenerator[tuple[int, Wire]]:
    """Give a port that leads to a server's, and what goes through it."""
    wire = Wire()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as both:
            both.create_task(wire.pump(reader, back, up=True))
            both.create_task(wire.pump(there, writer, up=False))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], wire
    finally:
        server.close()
        for writer in wire.writers:
            writer.close()


@asynccontextmanager
async def memory_on(
    uri: str, folder: Path, embedder: Embedder, extractor: Extractor | None = None
) -> AsyncGenerator[MemoryManager]:
    async with open_memory(
        uri,
        log=f"sqlite:///{folder / 'log.db'}",
        worker="off",
        embedder=embedder,
        extractor=extractor,
    ) as memory:
        yield memory


@asynccontextmanager
async def servers(folder: Path, lines: Sequence[Line]) -> AsyncGenerator[dict[Line, Server]]:
    """Start a server of each of these lines; they end with the block."""
    started: dict[Line, Server] = {}
    async with AsyncExitStack() as stack:
        for line in lines:
            home = folder / f"neo4j-{line}"
            server = Server(home, line=line, heap_mb=1500, page_cache_mb=PAGE_CACHE_MB)
            await asyncio.to_thread(server.start)
            stack.push_async_callback(asyncio.to_thread, server.kill)
            started[line] = server
        yield started


def uri_of(server: Server, port: int | None = None) -> str:
    """Return the store URL of a server, or of what leads to it; no routing past a proxy."""
    return f"bolt://neo4j:{server.password}@127.0.0.1:{port or server.bolt_port}"


def settle(server: Server) -> None:
    """Start the server again: what was loaded a moment ago is in many small parts in its memory."""
    server.stop()
    server.start(timeout_s=900)


def disk_of(home: Path) -> int:
    return sum(file.stat().st_size for file in (home / "data").rglob("*") if file.is_file())


async def measured(
    folder: Path,
    server: Server,
    name: str,
    scopes: Sequence[Scope],
    each: int,
    embedder: WordEmbedder,
    *,
    ask: Ask,
    row: Callable[[str, Sequence[float]], None],
    note: Callable[[str], None],
    questions: int,
) -> None:
    """Load so many facts into each of these scopes, where they do not hold them yet, and ask."""
    what = f"Neo4j {server.line}, recall, {name}"
    began = time.perf_counter()
    async with memory_on(uri_of(server), folder, embedder) as memory:
        there = (await memory.stats(scopes[-1]))["facts_current"] >= each
        if not there:
            await load(memory.consolidator.graph, embedder, scopes[0], each)
    if len(scopes) > 1 and not there:
        connection = Connection(Address.of(uri_of(server)))
        auth = (server.user, server.password)
        await copies.copy(server.uri, auth, connection, scopes[0], scopes[1:])
        await connection.close()
    rate = len(scopes) * each / (time.perf_counter() - began)
    loaded = "loaded before" if there else f"loaded at {rate:.0f} facts/s"
    await asyncio.to_thread(settle, server)
    at = [scopes[i % len(scopes)] for i in range(questions)]
    async with memory_on(uri_of(server), folder, embedder, LineExtractor()) as memory:
        warm = range(1000, 1000 + WARMED)
        await ask(memory, embedder, [(question(i, each), at[i % len(at)]) for i in warm])
        asked = [(question(i, each), scope) for i, scope in enumerate(at)]
        row(what, await ask(memory, embedder, asked))
    async with (
        counted(server.bolt_port) as (port, wire),
        memory_on(uri_of(server, port), folder, embedder, LineExtractor()) as memory,
    ):
        await ask(memory, embedder, [(question(900, each), at[0])])
        before = (wire.up, wire.down, wire.turns)
        await ask(memory, embedder, [(question(i, each), at[i]) for i in range(COUNTED)])
        up, down, turns = (
            (now - then) / COUNTED
            for now, then in zip((wire.up, wire.down, wire.turns), before, strict=True)
        )
    disk = await asyncio.to_thread(disk_of, server.home)
    note(
        f"{turns:.1f} round trips, {up / 1024:.1f} KB up and {down / 1024:.0f} KB down a recall; "
        f"{loaded}; {disk >> 20} MB on disk with all before"
    )


async def small_tenants(
    server: Server, total: int, embedder: WordEmbedder, note: Callable[[str], None]
) -> None:
    """Say how much of the exact top ten some scopes get of a database of so many vectors."""
    store = Neo4jGraphStore(Connection(Address.of(uri_of(server))))
    try:
        await store.migrate(model_id=embedder.model_id, dimension=embedder.dimension)
        found = await tenants.tenant(
            store,
            server.uri,
            (server.user, server.password),
            total=total,
            tenants=100,
            app="tenants",
            model_id=embedder.model_id,
            dimension=embedder.dimension,
        )
    finally:
        await store.close()
    said = ", ".join(f"{share:.3f} with {size}" for size, share in found.items())
    note(f"Neo4j {server.line}, share of the exact top ten: {said} vectors")


async def consolidation(
    folder: Path,
    server: Server,
    embedder: WordEmbedder,
    note: Callable[[str], None],
    event: Callable[[int, str], Event],
) -> None:
    """Append and consolidate with the rules and with lines, the encoder stubbed."""
    numbers = range(CONSOLIDATED)
    talk = [f"I met Tom in Lisbon on day {i}: {sentence(i)}." for i in numbers]
    lines = [f"Person{i % 30}|likes|'{sentence(i)}'" for i in numbers]
    for name, texts, extractor in (
        ("rules", talk, RulesExtractor()),
        ("lines", lines, LineExtractor()),
    ):
        user = f"consolidated {name} {time.time_ns()}"  # a folder may be asked again
        await embedder.embed(texts, purpose="document")
        async with memory_on(uri_of(server), folder, embedder, extractor) as memory:
            events = [event(i, text) for i, text in enumerate(texts)]
            for start in range(0, len(events), 50):
                batch = events[start : start + 50]
                await memory.append(Scope(user=user, session=batch[0].session_id), batch)
            began = time.perf_counter()
            await memory.generate_memories(Scope(user=user))
            rate = len(texts) / (time.perf_counter() - began)
        what = f"Neo4j {server.line}, consolidation, {name}, encoder stubbed"
        note(f"{what}: {rate:.0f} events/s")

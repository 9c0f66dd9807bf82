"""Speed of the graph in Neo4j beside the embedded store, in one run.

Starts a server of each line in a folder of its own, loads the same facts, asks the same questions
and consolidates the same batches. What goes over the wire is counted for some of their own, so
that counting adds to no time.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from graphmem import Scope
from graphmem.bootstrap import open_memory
from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.graph.neo4j_connection import Address, Connection
from graphmem.manager import MemoryManager
from graphmem.ports import Embedder, Extractor
from graphmem.testing.fakes import LineExtractor
from graphmem.testing.neo4j.jars import Line
from graphmem.testing.neo4j.server import Server
from tests.bench import copies, tenants
from tests.bench.load import TableEmbedder, WordEmbedder, load, question
from tests.bench.report import Report
from tests.bench.wire import through
from tests.bench.work import (
    BATCHES,
    COUNTED,
    COUNTED_BATCHES,
    QUESTIONS,
    TOLD,
    ask,
    consolidate,
    consolidated,
    extractor_of,
)

WARMED = 3000  # questions until the server's JVM has compiled what they run
WARMED_BATCHES = 20  # the same of consolidation
SETTLED_S = 900.0  # at most
PERIOD_S, QUIET, QUIET_PERIODS = 2.0, 0.1, 3  # so little of one core, so often one after the other
PAGE_CACHE_MB = 6144  # a third of a million facts; the rest is read from the system's own


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
        selector="none",
    ) as memory:
        yield memory


@asynccontextmanager
async def started(folder: Path, line: Line) -> AsyncGenerator[Server]:
    """Start a server of this line; it ends with the block."""
    server = Server(folder / f"neo4j-{line}", line=line, heap_mb=1500, page_cache_mb=PAGE_CACHE_MB)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.kill)


def uri_of(server: Server, port: int | None = None) -> str:
    """Return the store URL of a server, or of what leads to it; no routing past a proxy."""
    return f"bolt://neo4j:{server.password}@127.0.0.1:{port or server.bolt_port}"


def settle(server: Server) -> None:
    """Start the server again, and wait until it has nothing left to do of its own.

    What was loaded a moment ago is in many small parts, which Lucene merges for minutes. One that
    is ended before it has written everything would begin with replaying its log.
    """
    server.stop(grace_s=SETTLED_S)
    server.start(timeout_s=SETTLED_S)
    until = time.monotonic() + SETTLED_S
    quiet = 0
    while quiet < QUIET_PERIODS and time.monotonic() < until:
        before = busy_s(server)
        time.sleep(PERIOD_S)
        quiet = quiet + 1 if busy_s(server) - before < QUIET * PERIOD_S else 0


def busy_s(server: Server) -> float:
    """Return how many seconds of processor time a server has taken since it started."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def disk_of(home: Path) -> int:
    return sum(file.stat().st_size for file in (home / "data").rglob("*") if file.is_file())


@dataclass(frozen=True, slots=True)
class Held:
    """What a graph holds as it is asked: so many facts in each of these scopes."""

    name: str
    scopes: Sequence[Scope]
    each: int


@dataclass(frozen=True, slots=True)
class Bench:
    """One server under measurement, with a folder for the logs of who asks it."""

    report: Report
    folder: Path
    server: Server
    embedder: WordEmbedder

    async def measure(self, held: Held) -> None:
        """Load what is to be in the graph, ask, then consolidate into it."""
        before = await asyncio.to_thread(disk_of, self.server.home)
        how = await self._load(held)
        await asyncio.to_thread(settle, self.server)
        disk = await asyncio.to_thread(disk_of, self.server.home)
        await self._recall(held)
        self.report.note(f"{how}; {disk >> 20} MB on disk, {(disk - before) >> 20} MB of them new")
        await self._consolidate(held)

    async def _load(self, held: Held) -> str:
        """Load the facts into each of the scopes, where they do not hold them yet; say how."""
        began = time.perf_counter()
        first, *others = held.scopes
        async with memory_on(uri_of(self.server), self.folder, self.embedder) as memory:
            if (await memory.stats(held.scopes[-1]))["facts_current"] >= held.each:
                return "loaded before"
            await load(memory.consolidator.graph, self.embedder, first, held.each)
        if others:
            connection = Connection(Address.of(uri_of(self.server)))
            auth = (self.server.user, self.server.password)
            await copies.copy(self.server.uri, auth, connection, first, others)
            await connection.close()
        rate = len(held.scopes) * held.each / (time.perf_counter() - began)
        return f"loaded at {rate:.0f} facts/s"

    async def _recall(self, held: Held) -> None:
        server, embedder, each = self.server, self.embedder, held.each
        at = [held.scopes[i % len(held.scopes)] for i in range(QUESTIONS)]
        async with memory_on(uri_of(server), self.folder, embedder, LineExtractor()) as memory:
            warm = range(1000, 1000 + WARMED)
            await ask(memory, embedder, [(question(i, each), at[i % len(at)]) for i in warm])
            asked = [(question(i, each), scope) for i, scope in enumerate(at)]
            times = await ask(memory, embedder, asked)
            self.report.row(f"Neo4j {server.line}, recall, {held.name}", times)
        async with (
            through(server.bolt_port) as (port, counter),
            memory_on(uri_of(server, port), self.folder, embedder, LineExtractor()) as memory,
        ):
            await ask(memory, embedder, [(question(900, each), at[0])])
            before = counter.copy()
            await ask(memory, embedder, [(question(i, each), at[i]) for i in range(COUNTED)])
            self.report.note(f"{counter.per(before, COUNTED)} a recall")

    async def _consolidate(self, held: Held) -> None:
        """Consolidate batches into the scopes as they stand."""
        server, stub = self.server, TableEmbedder(self.embedder.dimension)
        warm = [Scope(user="warm")]
        for told in TOLD:
            extractor = extractor_of(told)
            async with memory_on(uri_of(server), self.folder, stub, extractor) as memory:
                await consolidate(memory, told, warm, WARMED_BATCHES)
                times = await consolidate(memory, told, held.scopes, BATCHES)
                self.report.row(f"Neo4j {server.line}, {consolidated(told, held.name)}", times)
            async with (
                through(server.bolt_port) as (port, counter),
                memory_on(uri_of(server, port), self.folder, stub, extractor) as memory,
            ):
                await consolidate(memory, told, warm, 1)
                before = counter.copy()
                await consolidate(memory, told, held.scopes, COUNTED_BATCHES)
                self.report.note(f"{counter.per(before, COUNTED_BATCHES)} a batch")


async def small_tenants(report: Report, server: Server, total: int, embedder: WordEmbedder) -> None:
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
    report.note(f"Neo4j {server.line}, share of the exact top ten: {said} vectors")

"""Bad days of a Neo4j server: away, killed, too old, too new, many writers, a lost answer."""

import asyncio
import gc
import resource
import warnings
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

import graphmem
from graphmem.errors import SchemaOutdated, StoreError, StoreUnavailable
from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.graph.neo4j_connection import Address, Connection, Values, Work
from graphmem.graph.neo4j_schema import server_of
from graphmem.manager import MemoryManager
from graphmem.models import Entity, Episode, Event, Fact, GraphChange, Scope, TextPart
from graphmem.ports import GraphStore
from graphmem.queries import load_cypher
from graphmem.testing.fakes import HashEmbedder, LineExtractor
from graphmem.testing.memories import (
    EMBEDDER,
    LATE,
    MODEL,
    ask,
    found,
    make_assertion,
    make_change,
    make_entity,
    make_episode,
    make_fact,
    mark,
    save,
)
from graphmem.testing.neo4j.errors import CannotRun
from graphmem.testing.neo4j.server import Server, free_port, open_driver
from tests.memory import NOW, open_memory
from tests.neo4j_servers import Certified, refuse

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(600)]

CYPHER = load_cypher("graphmem", "cypher")
ADA = Scope(app="faults", user="ada")
FULL = 24 << 20  # bytes of a file: what a server needs to start, and some megabytes more
Dump = list[Episode | Entity | Fact]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this module's own, so that its schema and its limits can be tried."""
    server = Server(tmp_path_factory.mktemp("neo4j") / "own", heap_mb=512, page_cache_mb=128)
    try:
        server.start()
    except CannotRun as error:
        refuse(error)
    yield server
    server.kill()


@pytest.fixture
def own(running: Server) -> Server:
    """The same server without anything in it, schema included."""
    with open_driver(running.uri, (running.user, running.password)) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
        for rule in driver.execute_query("SHOW CONSTRAINTS YIELD name").records:
            driver.execute_query("DROP CONSTRAINT $name", {"name": rule["name"]})
        for rule in driver.execute_query("SHOW INDEXES YIELD name").records:
            driver.execute_query("DROP INDEX $name IF EXISTS", {"name": rule["name"]})
    return running


def address_of(server: Server, **changes: str) -> Address:
    return replace(Address.of(server.uri, user=server.user, password=server.password), **changes)


@asynccontextmanager
async def opened(address: Address) -> AsyncGenerator[Neo4jGraphStore]:
    store = Neo4jGraphStore(Connection(address, timeout_s=20))
    try:
        await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        yield store
    finally:
        await store.close()


async def dump(store: GraphStore, scope: Scope = ADA) -> Dump:
    return [item async for item in store.dump(scope)]


# opening


async def test_wrong_password_is_said_at_open(own: Server) -> None:
    with pytest.raises(StoreError, match="refuses the user or the password") as caught:
        async with opened(address_of(own, password="wrong")):
            pass

    assert not caught.value.retryable
    assert "wrong" not in str(caught.value)


async def test_server_that_is_down_is_said_at_open() -> None:
    nobody = Address(uri=f"bolt://127.0.0.1:{free_port()}")

    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        async with opened(nobody):
            pass


async def test_newer_schema_is_refused(own: Server) -> None:
    async with opened(address_of(own)):
        pass
    connection = Connection(address_of(own))

    async def newer(work: Work) -> None:
        await work.run(CYPHER["schema/set_version"], {"version": 99})

    await connection.write(newer)
    await connection.close()

    with pytest.raises(SchemaOutdated, match="schema 99, newer than"):
        async with opened(address_of(own)):
            pass


async def test_older_schema_is_brought_up(own: Server) -> None:
    """Schema 1 searched terms by a field of scopes; two open it at once."""
    goat = make_episode(ADA, 1, "three goats behind the mill")
    async with opened(address_of(own)) as store:
        await save(store, ADA, goat)
    with open_driver(own.uri, (own.user, own.password)) as driver:
        driver.execute_query("DROP INDEX memory_episode_text")
        driver.execute_query(
            "CREATE FULLTEXT INDEX memory_episode_text FOR (n:MemoryEpisode) "
            "ON EACH [n.scope, n.terms] OPTIONS "
            "{indexConfig: {`fulltext.analyzer`: 'whitespace'}}"
        )
        driver.execute_query("MATCH (n:MemoryEpisode) REMOVE n.tokens")
        driver.execute_query("MATCH (n:MemorySchema) SET n.version = 1")

    async with AsyncExitStack() as stack:
        both = await asyncio.gather(
            *(stack.enter_async_context(opened(address_of(own))) for _ in range(2))
        )
        for store in both:
            assert await found(store, ADA, await ask("goats")) == {goat.id}
        assert list(await both[0].check()) == []


class Saying(Connection):
    """A connection to a server that says it is of some version."""

    def __init__(self, version: str) -> None:
        super().__init__(Address(uri="bolt://nowhere.invalid"))
        self.said = {"version": version, "edition": "community"}

    async def run(self, statement: str, keys: Values | None = None) -> Values:
        return self.said


@pytest.mark.parametrize("version", ["4.4.40", "5.25.1", "5.9", "5.25-aura"])
async def test_older_server_is_refused(version: str) -> None:
    with pytest.raises(SchemaOutdated, match=f"Neo4j {version} is older than 5.26"):
        await server_of(Saying(version), CYPHER)


@pytest.mark.parametrize(
    ("version", "filtered"),
    [
        ("5.26.0", False),
        ("5.26.21", False),
        ("5.27-aura", False),
        ("2025.12.1", False),
        ("2026.05.0", False),
        ("2026.06.0", True),
        ("2026.08.1+5", True),
        ("2027.01-SNAPSHOT", True),
    ],
)
async def test_what_a_server_can_do(version: str, filtered: bool) -> None:
    assert (await server_of(Saying(version), CYPHER)).filtered == filtered


async def test_many_migrate_an_empty_database_at_once(own: Server) -> None:
    stores = [Neo4jGraphStore(Connection(address_of(own))) for _ in range(6)]

    await asyncio.gather(*(s.migrate(model_id=MODEL, dimension=EMBEDDER.dimension) for s in stores))

    episode = make_episode(ADA, 1, "goats")
    await save(stores[0], ADA, episode)
    assert [await dump(s) for s in stores] == [[episode]] * 6
    assert await stores[5].check() == []
    for store in stores:
        await store.close()
    with open_driver(own.uri, (own.user, own.password)) as driver:
        found = driver.execute_query("SHOW INDEXES YIELD name, state, populationPercent").records
        models = driver.execute_query("MATCH (m:MemoryModel) RETURN m.id AS id").records
    assert {(r["state"], r["populationPercent"]) for r in found} == {("ONLINE", 100.0)}
    assert [m["id"] for m in models] == [MODEL]


async def test_server_by_a_certificate_of_ones_own(
    fresh_neo4j: Callable[..., Server], certified: Certified
) -> None:
    server = fresh_neo4j("2026", tls=certified.tls)
    url = f"neo4j+s://{server.user}:{server.password}@{server.address}"

    async with opened(Address.of(url, ca=str(certified.authority))) as store:
        await save(store, ADA, make_episode(ADA, 1))
        assert len(await dump(store)) == 1
    with pytest.raises(StoreUnavailable):
        async with opened(Address.of(url)):
            pass
    # The driver leaves the transport of a handshake that failed to the collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


# many at once


async def test_writers_of_the_same_names_all_succeed(own: Server) -> None:
    """Overlapping scopes and names in every order, over two drivers: deadlocks and lost races."""
    names = ["Ada", "Bo", "Cy", "Di", "Eve"]
    everybody = Scope(app="faults", user=None)

    async def write(store: GraphStore, writer: int) -> None:
        for n in range(4):
            turn = names[(writer + n) % 5 :] + names[: (writer + n) % 5]
            people = [make_entity(ADA, name) for name in turn]
            episode = make_episode(ADA, 10 * writer + n, session_id=f"s{writer % 2}")
            shared = make_episode(everybody, 10 * writer + n)
            said = [
                make_assertion(episode, a, "knows", b, ordinal=i)
                for i, (a, b) in enumerate(pairwise(people))
            ]
            facts = [make_fact("knows", a) for a in said]
            items = (*people, episode, shared, *said, *facts)
            change = await make_change(ADA, *items, stream=f"stream {writer}")
            assert await store.apply(change, fence=1)

    async with opened(address_of(own)) as one, opened(address_of(own)) as other:
        await asyncio.gather(*(write((one, other)[w % 2], w) for w in range(8)))

        assert sorted(e.name for e in await one.named([ADA], ["ada", "bo", "cy", "di", "eve"])) == (
            names
        )
        assert (await one.stats([ADA, everybody], now=LATE))["episodes"] == 64
        assert [c for c in await one.check() if "unlinked" in c or "scope" in c] == []


async def test_what_one_driver_wrote_another_reads_at_once(own: Server) -> None:
    async with opened(address_of(own)) as writer, opened(address_of(own)) as reader:
        for n in range(20):
            episode = make_episode(ADA, n)
            await save(writer, ADA, episode)
            assert (await reader.read([ADA], [episode.id])).episodes == (episode,)


class Followed(Connection):
    """A connection that keeps what it was told to follow."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.bookmarks: list[str] = []

    async def follow(self, bookmarks: Collection[str]) -> None:
        self.bookmarks += bookmarks
        await super().follow(bookmarks)


async def test_bookmark_travels_with_the_log(own: Server, tmp_path: Path) -> None:
    """One process consolidates, another recalls: it is told what to wait for, by the log."""
    routed = address_of(own, uri=f"neo4j://{own.address}")
    there = Followed(routed)
    path, graph = str(tmp_path / "log.db"), Neo4jGraphStore(Connection(routed))
    async with (
        open_memory(path, graph=graph) as worker,
        open_memory(path, graph=Neo4jGraphStore(there)) as service,
    ):
        await service.say("ada", "I|lives_in|Oslo")
        assert await service.recalled("Where do I live?", "ada") == []
        assert there.bookmarks == []

        await worker.drain()

        assert "user lives in Oslo" in await service.recalled("Where do I live?", "ada")
        assert there.bookmarks == [(await worker.state("ada")).bookmark]
        assert there.bookmarks == [await graph.bookmark(ADA)]


async def test_bookmark_that_is_refused_is_dropped(own: Server) -> None:
    async with opened(address_of(own, uri=f"neo4j://{own.address}")) as store:
        await save(store, ADA, make_episode(ADA, 1))
        before = await store.bookmark(ADA)

        for _ in range(2):
            await store.follow(ADA, "FB:kcwQAAAA")
            assert len(await dump(store)) == 1
            assert "FB:kcwQAAAA" not in (await store.bookmark(ADA) or "").split()

        assert before is not None


async def test_one_server_by_bolt_gives_no_bookmark(own: Server) -> None:
    async with opened(address_of(own)) as store:
        await save(store, ADA, make_episode(ADA, 1))
        await store.follow(ADA, "no bookmark at all")

        assert await store.bookmark(ADA) is None
        assert not store.lags
        assert len(await dump(store)) == 1


# the line is cut


class Line:
    """A line to a server over which a commit's answer can be lost: the server commits, none hears.

    The message is COMMIT of Bolt, in a chunk of its own: size 2, structure without fields, 0x12.
    """

    COMMIT = b"\x00\x02\xb0\x12\x00\x00"

    def __init__(self, port: int) -> None:
        self._to = port
        self.losing = 0
        self.lost = 0
        self.port = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def laid(self) -> AsyncGenerator["Line"]:
        async with await asyncio.start_server(self._meet, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for end in self._ends:
                end.close()
            await asyncio.gather(*(e.wait_closed() for e in self._ends), return_exceptions=True)

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Kept at once: a task that is cancelled before its first step would close nothing.
        self._ends.append(writer)
        self._tasks.append(asyncio.create_task(self._join(reader, writer)))

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", self._to)
        self._ends.append(here)
        cut = asyncio.Event()
        ways = [
            asyncio.create_task(self._carry(reader, here, cut, asks=True)),
            asyncio.create_task(self._carry(there, writer, cut, asks=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (here, writer):
                end.close()

    async def _carry(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        cut: asyncio.Event,
        *,
        asks: bool,
    ) -> None:
        while content := await source.read(1 << 16):
            if asks and self.COMMIT in content and self.losing:
                self.losing -= 1
                cut.set()
            if not asks and cut.is_set():
                self.lost += 1
                return
            target.write(content)
            await target.drain()


async def test_commit_whose_answer_is_lost_is_applied_once(own: Server) -> None:
    async with Line(own.bolt_port).laid() as line:
        by_line = address_of(own, uri=f"bolt://127.0.0.1:{line.port}")
        async with opened(by_line) as store, opened(address_of(own)) as witness:
            ada = make_entity(ADA, "Ada")
            episode = make_episode(ADA, 1, "Ada likes rum", metadata={"n": 1})
            said = make_assertion(episode, ada, "likes", "rum")
            fact = make_fact("Ada likes rum", said)
            change = await make_change(
                ADA, ada, episode, said, fact, watermark=mark(ADA, 1, "facts")
            )
            line.losing = 1

            written = await store.apply(change, fence=1)

            assert line.lost == 1
            assert not written, "the second try finds it there"
            assert await dump(witness) == [replace(episode, entity_ids=(ada.id,)), ada, fact]
            assert await witness.watermark(ADA.stream) == {"facts": 1}
            assert await witness.check() == []
            line.losing = 2
            gone = GraphChange(scope=ADA, stream=ADA.stream, delete_entities=("none",))
            assert await store.apply(gone, fence=1), "an act of its own may be done again"
            assert line.lost == 3


async def test_answer_lost_in_consolidation_changes_nothing(own: Server) -> None:
    lines = ["I|lives_in|Oslo", "Anna|likes|'tea'", "Tom|lives_in|Rome"]
    async with Line(own.bolt_port).laid() as line, open_memory() as calm:
        by_line = address_of(own, uri=f"bolt://127.0.0.1:{line.port}")
        graph = Neo4jGraphStore(Connection(by_line))
        async with open_memory(batch=1, graph=graph) as memory:
            for one in (calm, memory):
                await one.say("ada", *lines)
            line.losing = 4
            await memory.drain()
            await calm.drain()

            home = Scope(user="ada")
            assert line.lost == 4
            assert await dump(graph, home) == await dump(calm.graph, home)
            assert await graph.check() == []


# the server is killed


async def test_killed_server_loses_nothing_that_was_said(
    fresh_neo4j: Callable[..., Server], tmp_path: Path
) -> None:
    """Killed between the stages; the log goes on, and a worker catches up once it is back."""
    server = fresh_neo4j("2026")
    graph = Neo4jGraphStore(Connection(address_of(server), timeout_s=20))
    before = ["I|lives_in|Oslo", "Anna|likes|'tea'"]
    after = ["Tom|friend_of|Anna", "I2|likes|'rum'"]
    async with (
        open_memory() as calm,
        open_memory(str(tmp_path / "log.db"), graph=graph) as memory,
    ):
        for one in (calm, memory):
            await one.say("ada", *before)
        memory.reader.gate = asyncio.Event()
        gate = memory.reader.gate
        step = asyncio.create_task(memory.step())
        await memory.reader.entered.wait()

        await asyncio.to_thread(server.kill)
        await memory.say("ada", *after)
        gate.set()

        failed = await step
        assert isinstance(failed, StoreUnavailable)
        for minute in range(1, 9):  # more often than a batch is tried that is itself at fault
            assert isinstance(await memory.step(at=60 * minute), StoreUnavailable)
        state = await memory.state("ada")
        assert (state.last_seq, state.done_seq, state.parked) == (4, 0, False)
        await asyncio.to_thread(server.start)
        await memory.drain(at=900)
        await calm.say("ada", *after)
        await calm.drain()
        assert (await memory.state("ada")).pending == 0
        assert await dump(graph, Scope(user="ada")) == await dump(calm.graph, Scope(user="ada"))
        assert await graph.check() == []
        assert memory.reader.calls == 2, "what was read in a text is not read again"


async def test_full_disk_loses_nothing_that_was_said(
    fresh_neo4j: Callable[..., Server], tmp_path: Path
) -> None:
    """The server may write no file beyond a size, as on a disk that is full; then it may again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, hard))  # what it starts inherits it
    try:
        server = fresh_neo4j("2026")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    graph = Neo4jGraphStore(Connection(address_of(server), timeout_s=20))
    async with open_memory(str(tmp_path / "log.db"), graph=graph) as memory:
        said = 0
        failed: object = None
        while not isinstance(failed, Exception):
            assert said < 400, "the disk never was full"
            await memory.say("ada", *(f"P{said + i}|likes|'{'x' * 20_000}'" for i in range(8)))
            said += 8
            failed = await memory.step(at=said)

        assert isinstance(failed, StoreError)
        for minute in range(1, 4):
            assert isinstance(await memory.step(at=1000 + 60 * minute), StoreError)
        await memory.say("ada", "Anna|likes|'tea'")
        assert not (await memory.state("ada")).parked

        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await memory.drain(at=9000)
        assert (await memory.state("ada")).pending == 0
        kept = [item for item in await dump(graph, Scope(user="ada")) if isinstance(item, Fact)]
        assert len(kept) == said + 1
        assert await graph.check() == []


async def test_log_goes_on_where_the_server_is_away(tmp_path: Path) -> None:
    """Where another process consolidates, a server that is down keeps nobody from appending."""
    url = f"bolt://127.0.0.1:{free_port()}"

    def opening(worker: str) -> AbstractAsyncContextManager[MemoryManager]:
        return graphmem.open(
            url,
            log=f"sqlite:///{tmp_path}/log.db",
            extractor=LineExtractor(),
            embedder=HashEmbedder(32),
            worker=worker,
        )

    event = Event(
        id="e1", parts=(TextPart(text="I|lives_in|Oslo"),), occurred_at=NOW, session_id="s1"
    )

    with pytest.raises(StoreUnavailable):
        async with opening("thread"):
            pass
    async with opening("process") as memory:
        await memory.append(Scope(user="ada", session="s1"), [event])
        with pytest.raises(StoreUnavailable):
            await memory.retrieve_memories("Where do I live?", Scope(user="ada"))
        assert [s.events for s in await memory.sessions.list(Scope(user="ada"))] == [1]

"""A memory that has been lived in, moved: to a file and back, and from store to store.

What a store holds is compared by all that it exports; that an export leaves nothing out is for the
conformance suites (``graphmem/testing/moving.py``).
"""

import asyncio
import contextvars
import gzip
import io
import os
import random
import shutil
import stat
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmem import transfer
from graphmem.bootstrap import Stores, make_stores
from graphmem.errors import Conflict, InvalidInput, StoreError, StoreUnavailable
from graphmem.graph.sqlite import SqliteGraphStore
from graphmem.models import Entity, Episode, Event, Fact, Hit, Scope, TextPart
from graphmem.records import (
    Cursor,
    EmbeddingModel,
    ErasedEvent,
    Erasure,
    GraphRecord,
    LogRecord,
    StoredEmbedding,
)
from graphmem.sessions.sqlite import SqliteSessionStore
from graphmem.sqlite.connection import Database
from graphmem.testing.memories import EMBEDDER, MODEL, make_embedding, make_episode
from graphmem.testing.moving import Kinds, fill, kept, lines
from graphmem.testing.whole import ADA, graph_records, log_records, make_said
from graphmem.transfer import copy_memory, created, export_memory, import_memory, opened
from tests.consolidation.test_plan import histories
from tests.consolidation.world import HERE, Said, World, world
from tests.lived import AGENT, BOB, live
from tests.memory import NOW, Memory, later, open_memory
from tests.neo4j_servers import Neo4j

QUESTIONS = ("Where does Ada live?", "What does Anna like?", "Who is Tom?", "tea in Rome", "tea")


def silent(kind: str, count: int) -> None:
    """Hear how far it is, and say nothing."""


@pytest.fixture(scope="session")
def lived_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to copy: living takes a while."""
    path = tmp_path_factory.mktemp("lived") / "lived.db"

    async def run() -> None:
        async with open_memory(str(path)) as memory:
            await live(memory)

    asyncio.run(run())
    return path


@pytest.fixture
async def lived(lived_file: Path, tmp_path: Path) -> AsyncIterator[Memory]:
    shutil.copy(lived_file, tmp_path / "lived.db")
    async with open_memory(str(tmp_path / "lived.db")) as memory:
        memory.now = later(7 * 60 * 60)
        yield memory


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Stores]:
    stores = make_stores(f"sqlite:///{tmp_path / 'target.db'}", None)
    yield stores
    await shut(stores)


async def shut(stores: Stores) -> None:
    await stores.graph.close()
    await stores.log.close()


def stores_of(memory: Memory) -> Stores:
    """Return the stores of a memory as one place: log and graph share a file."""
    database = memory.database
    return Stores(memory.log, memory.graph, snapshot=database.snapshot, one_moment=True)


def apart(memory: Memory, graph: SqliteGraphStore | None = None) -> Stores:
    """Return them as though they were two servers, of which only the log has snapshots."""
    return Stores(memory.log, graph or memory.graph, snapshot=memory.database.snapshot)


def neo4j_stores(server: Neo4j, folder: Path) -> Stores:
    """Return a graph in Neo4j, and a log in a file beside it."""
    url = server.uri.replace("://", f"://{server.user}:{server.password}@")
    return make_stores(url, f"sqlite:///{folder / 'neo4j-log.db'}")


async def all_of(place: Stores) -> Kinds:
    return await kept(place.log.export()) | await kept(place.graph.export())


async def dumped(memory: Memory, scope: Scope) -> list[Episode | Entity | Fact]:
    return [item async for item in memory.graph.dump(scope.home)]


async def exported(place: transfer.Place) -> bytes:
    file = io.BytesIO()
    await export_memory(place, file, now=NOW, progress=silent)
    return file.getvalue()


async def outside(work: Callable[[], Awaitable[object]]) -> None:
    """Do this as another task would: not inside the snapshot of this one."""

    async def run() -> None:
        await work()

    await contextvars.Context().run(asyncio.create_task, run())


# there and back


async def test_lived_memory_has_some_of_everything(lived: Memory) -> None:
    kinds = await all_of(stores_of(lived))

    assert set(kinds) == {
        *("erasure_key", "session", "cursor", "event", "erased_event", "extraction", "erasure"),
        *("erased_id", "model", "fence", "watermark", "entity", "episode", "assertion", "fact"),
        "embedding",
    }
    facts = [x for x in await dumped(lived, HERE) if isinstance(x, Fact)]
    assert {"active", "quarantined"} <= {f.status for f in facts}
    assert any(f.retired_at for f in facts)
    assert any(f.supersedes for f in facts)
    assert [e.name for e in await dumped(lived, HERE) if isinstance(e, Entity) and e.same_as]
    assert max(len(line) for line in kinds["embedding"]) > 400, "several windows"


async def test_copy_is_equal(lived: Memory, target: Stores) -> None:
    counts = await copy_memory(stores_of(lived), target, now=NOW, progress=silent)

    there = await all_of(target)
    assert there == await all_of(stores_of(lived))
    assert counts == {kind: len(lines) for kind, lines in there.items()}
    assert await target.graph.check() == []


async def test_file_and_back_is_equal(lived: Memory, target: Stores, tmp_path: Path) -> None:
    text = await exported(stores_of(lived))
    await import_memory(io.BytesIO(text), target, progress=silent)
    again = await exported(target)

    assert await all_of(target) == await all_of(stores_of(lived))
    assert again == text, "to the byte, at the same time"


async def test_copy_of_two_files_into_two(lived: Memory, tmp_path: Path) -> None:
    """The log in a file of its own, the graph in another."""

    def at(name: str) -> Stores:
        return make_stores(f"sqlite:///{tmp_path}/{name}.db", f"sqlite:///{tmp_path}/{name}-log.db")

    first, second = at("first"), at("second")

    await copy_memory(stores_of(lived), first, now=NOW, progress=silent)
    await copy_memory(first, second, now=later(1e6), progress=silent)

    assert await all_of(second) == await all_of(stores_of(lived))
    for place in (first, second):
        await shut(place)


async def test_copy_to_neo4j_and_back_is_equal(
    lived: Memory, target: Stores, tmp_path: Path, neo4j_alone_line: Neo4j
) -> None:
    """There all memories are nodes, times are dates and vectors lists: nothing is lost by it."""
    server = neo4j_stores(neo4j_alone_line, tmp_path)

    await copy_memory(stores_of(lived), server, now=NOW, progress=silent)
    await copy_memory(server, target, now=later(1e6), progress=silent)

    assert await all_of(target) == await all_of(stores_of(lived))
    assert await server.graph.check() == []
    assert await target.graph.check() == []
    await shut(server)


async def test_some_of_everything_to_neo4j_and_back(
    target: Stores, tmp_path: Path, neo4j_alone_line: Neo4j
) -> None:
    source = make_stores(f"sqlite:///{tmp_path / 'source.db'}", None)
    await fill(source.log, log_records())
    await fill(source.graph, await graph_records())
    server = neo4j_stores(neo4j_alone_line, tmp_path)

    await copy_memory(source, server, now=NOW, progress=silent)
    await copy_memory(server, target, now=NOW, progress=silent)

    assert await all_of(target) == await all_of(source)
    assert await all_of(target) == lines([*log_records(), *await graph_records()])
    for place in (source, server):
        await shut(place)


async def test_copy_of_nothing(tmp_path: Path, target: Stores) -> None:
    async with open_memory(str(tmp_path / "new.db")) as memory:
        counts = await copy_memory(stores_of(memory), target, now=NOW, progress=silent)

        assert counts == {"erasure_key": 1, "model": 1}
        assert await all_of(target) == await all_of(stores_of(memory))


async def test_progress_counts_up_to_all(lived: Memory, target: Stores) -> None:
    told: dict[str, list[int]] = {}

    counts = await copy_memory(
        stores_of(lived), target, now=NOW, progress=lambda k, n: told.setdefault(k, []).append(n)
    )

    assert {kind: seen[-1] for kind, seen in told.items()} == {
        **counts,
        **{f"{kind} checked": count for kind, count in counts.items()},
    }
    assert all(seen == sorted(seen) for seen in told.values())


# what goes on


async def test_recall_answers_the_same(lived: Memory, tmp_path: Path) -> None:
    path = str(tmp_path / "there.db")
    place = make_stores(f"sqlite:///{path}", None)
    await copy_memory(stores_of(lived), place, now=NOW, progress=silent)
    await shut(place)

    async with open_memory(path) as there:
        there.now = lived.now
        answers: list[list[Hit]] = []
        for scope in (HERE, BOB, AGENT, Scope(user="dan"), Scope(user="nobody")):
            for question in QUESTIONS:
                one = await lived.manager.retrieve_memories(question, scope)
                other = await there.manager.retrieve_memories(question, scope)
                assert one == other
                answers.append(list(one))
        assert any(answers)
        assert await lived.manager.stats(HERE) == await there.manager.stats(HERE)
        assert (await there.manager.sessions.get(HERE)).state["step"] == 2


async def test_what_waits_is_consolidated_once(lived: Memory, tmp_path: Path) -> None:
    path = str(tmp_path / "there.db")
    place = make_stores(f"sqlite:///{path}", None)
    await copy_memory(stores_of(lived), place, now=NOW, progress=silent)
    await shut(place)

    async with open_memory(path) as there:
        for memory in (lived, there):
            assert (await memory.state("cy")).pending == 2
            await memory.drain(at=1e5)
            assert (await memory.state("cy")).pending == 0
        assert await dumped(there, Scope(user="cy")) == await dumped(lived, Scope(user="cy"))
        calls = there.reader.calls
        await there.drain(at=2e5)
        assert there.reader.calls == calls == 1
        assert (await there.state("dan")).parked
        assert await all_of(stores_of(there)) == await all_of(stores_of(lived))


async def test_parked_stays_parked_until_resumed(lived: Memory, tmp_path: Path) -> None:
    path = str(tmp_path / "there.db")
    place = make_stores(f"sqlite:///{path}", None)
    await copy_memory(stores_of(lived), place, now=NOW, progress=silent)
    await shut(place)

    async with open_memory(path) as there:
        await there.drain(at=1e5)
        state = await there.state("dan")
        assert (state.parked, state.pending) == (True, 1)
        assert "cannot be read" in (state.reason or "")

        await there.log.resume(Scope(user="dan"), skip=True)
        await there.drain(at=2e5)
        assert (await there.state("dan")).pending == 0


async def test_lease_stays_behind(lived: Memory, tmp_path: Path) -> None:
    """A batch that was under way is done by the target's own worker, at once and under its own."""
    held = await lived.log.claim(
        "old", lease_s=1e6, max_events=9, max_bytes=1 << 20, now=later(1e5)
    )
    assert held is not None
    path = str(tmp_path / "there.db")
    place = make_stores(f"sqlite:///{path}", None)
    await copy_memory(stores_of(lived), place, now=NOW, progress=silent)
    await shut(place)

    async with open_memory(path) as there:
        await there.drain(at=1e5)

        assert (await there.state("cy")).pending == 0
        assert (await there.state("cy")).fence == held.fence + 1


async def test_forgotten_stays_forgotten(lived: Memory, tmp_path: Path) -> None:
    path = str(tmp_path / "there.db")
    place = make_stores(f"sqlite:///{path}", None)
    await copy_memory(stores_of(lived), place, now=NOW, progress=silent)
    await shut(place)
    said = Event(
        id="b2", parts=(TextPart(text="Anna|likes|'cake'"),), occurred_at=NOW, session_id="s1"
    )

    async with open_memory(path) as there:
        receipt = await there.manager.append(BOB, [said])

        assert receipt.forgotten == ("b2",)


async def test_erasure_under_way_is_finished_there(lived: Memory, tmp_path: Path) -> None:
    (oslo,) = [f for f in (await lived.manager.list(BOB)).facts if f.scope == BOB.home]
    gone = [s.episode_id for s in oslo.support]
    await lived.log.tombstone(BOB, gone, lease_s=1e6, now=later(1e5))
    path = str(tmp_path / "there.db")
    place = make_stores(f"sqlite:///{path}", None)
    await copy_memory(stores_of(lived), place, now=NOW, progress=silent)
    await shut(place)

    async with open_memory(path) as there:
        assert oslo.text not in await there.recalled("Where does Bob live?", "bob")

        await there.drain(at=1e5)

        assert list(await there.log.tombstones(BOB)) == []
        assert await there.texts("bob") == []
        assert not [x for x in await dumped(there, BOB) if isinstance(x, Episode)]


async def test_other_embedder_is_a_mismatch_there(lived: Memory, target: Stores) -> None:
    await copy_memory(stores_of(lived), target, now=NOW, progress=silent)

    await target.graph.migrate(model_id="hash/32", dimension=32)
    with pytest.raises(Conflict, match="hash/32"):
        await target.graph.migrate(model_id="onnx/other", dimension=384)


# one moment


class Busy(SqliteGraphStore):
    """A graph during whose export something happens, once: after its first episode."""

    def __init__(self, database: Database, happens: Callable[[], Awaitable[object]]) -> None:
        super().__init__(database)
        self._happens = happens

    async def export(self) -> AsyncIterator[GraphRecord]:
        told = False
        async for record in super().export():
            if isinstance(record, Episode) and not told:
                told = True
                await outside(self._happens)
            yield record


async def test_one_file_is_read_as_of_one_moment(lived: Memory, target: Stores) -> None:
    """A worker writes while the file is read: what it does is not seen, and nothing is torn."""
    before = await all_of(stores_of(lived))
    busy = Busy(lived.database, lambda: lived.drain(at=1e5))
    source = Stores(lived.log, busy, snapshot=lived.database.snapshot, one_moment=True)

    await copy_memory(source, target, now=NOW, progress=silent)

    assert await all_of(target) == before
    assert await all_of(stores_of(lived)) != before


async def test_two_stores_refuse_to_be_torn(lived: Memory) -> None:
    busy = Busy(lived.database, lambda: lived.drain(at=1e5))
    file = io.BytesIO()

    with pytest.raises(StoreUnavailable, match=r"user 'cy' .* meanwhile"):
        await export_memory(apart(lived, busy), file, now=later(1e6), progress=silent)

    file.seek(0)
    target = make_stores("sqlite:///:memory:", None)
    with pytest.raises(InvalidInput, match="cut short"):
        await import_memory(file, target, progress=silent)
    await shut(target)


async def test_two_stores_see_an_erasure_meanwhile(lived: Memory) -> None:
    busy = Busy(lived.database, lambda: lived.manager.delete_memories(BOB, everything=True))

    with pytest.raises(StoreUnavailable, match="user 'bob'"):
        await export_memory(apart(lived, busy), io.BytesIO(), now=later(1e6), progress=silent)


async def test_two_stores_see_a_new_user_meanwhile(lived: Memory) -> None:
    async def come() -> None:
        await lived.say("eve", "e1|likes|'tea'")
        await lived.consolidator.step("w", stream=Scope(user="eve").stream, now=later(1e5))

    busy = Busy(lived.database, come)

    with pytest.raises(StoreUnavailable, match="user 'eve'"):
        await export_memory(apart(lived, busy), io.BytesIO(), now=later(1e6), progress=silent)


async def test_two_stores_see_a_worker_whose_lease_has_lapsed(lived: Memory) -> None:
    """Its fence is still good for the graph, as long as nobody else has claimed the stream."""
    claim = await lived.log.claim("w", lease_s=1, max_events=9, max_bytes=1 << 20, now=later(1e5))
    assert claim is not None

    async def go_on() -> None:
        change = await lived.consolidator._episodes(claim)
        await lived.graph.apply(change, fence=claim.fence)

    busy = Busy(lived.database, go_on)

    with pytest.raises(StoreUnavailable, match="user 'cy'"):
        await export_memory(apart(lived, busy), io.BytesIO(), now=later(1e6), progress=silent)


async def test_two_stores_may_be_appended_to(lived: Memory, target: Stores) -> None:
    """What is appended waits in the log, and the log is of one moment for itself."""
    before = await all_of(stores_of(lived))
    busy = Busy(lived.database, lambda: lived.say("ada", "later|likes|'tea'"))

    await copy_memory(apart(lived, busy), target, now=later(1e6), progress=silent)

    assert await all_of(target) == before


async def test_two_stores_wait_for_a_worker(lived: Memory, target: Stores) -> None:
    await lived.log.claim("w", lease_s=9, max_events=9, max_bytes=1 << 20, now=later(1e5))

    with pytest.raises(StoreUnavailable, match=r"user 'cy' .* is being consolidated"):
        await copy_memory(apart(lived), target, now=later(1e5), progress=silent)

    await copy_memory(apart(lived), target, now=later(1e5 + 10), progress=silent)


# what is refused


async def test_target_must_be_empty(lived: Memory, target: Stores, tmp_path: Path) -> None:
    await copy_memory(stores_of(lived), target, now=NOW, progress=silent)
    before = await all_of(target)

    with pytest.raises(Conflict, match="not empty"):
        await copy_memory(stores_of(lived), target, now=NOW, progress=silent)

    await target.log.migrate()
    await target.graph.migrate()
    assert await all_of(target) == before


async def test_graph_that_is_not_empty_leaves_the_log_alone(lived: Memory, tmp_path: Path) -> None:
    log = SqliteSessionStore(Database.acquire(str(tmp_path / "log.db")))
    source = make_stores(f"sqlite:///{tmp_path}/hand.db", None)
    await fill(source.log, log_records())

    with pytest.raises(Conflict, match="the graph in"):
        await copy_memory(source, Stores(log, lived.graph), now=NOW, progress=silent)

    await log.migrate()
    await log.close()
    await shut(source)


@pytest.mark.parametrize("kind", ["short", "altered", "foreign", "newer"])
async def test_bad_file_changes_nothing(
    lived: Memory, target: Stores, kind: str, tmp_path: Path
) -> None:
    text = await exported(stores_of(lived))
    match kind:
        case "short":
            text, why = text[: len(text) // 2], "line .* cut short"
        case "altered":
            text, why = text.replace(b"Rome", b"Bonn", 1), "altered"
        case "foreign":
            text, why = b'{"role": "user", "content": "hi"}\n', "line 1: this is no export"
        case _:
            text, why = text.replace(b'"version":1', b'"version":2', 1), "newer version"

    with pytest.raises(InvalidInput, match=why):
        await import_memory(io.BytesIO(text), target, progress=silent)

    assert not (tmp_path / "target.db").exists(), "not even begun"
    await copy_memory(stores_of(lived), target, now=NOW, progress=silent)


async def test_file_that_changes_between_two_readings(lived: Memory, target: Stores) -> None:
    class Shifty(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            self.getbuffer()[len(text) // 2] ^= 1
            return super().seek(offset, whence)

    text = await exported(stores_of(lived))

    with pytest.raises(InvalidInput, match="line"):
        await import_memory(Shifty(text), target, progress=silent)

    with pytest.raises(StoreError, match="half a memory"):
        await target.log.migrate()


class Forgetful(SqliteSessionStore):
    """A log that somebody else appends to while it is filled."""

    async def restore(self, records: Sequence[LogRecord]) -> None:
        await super().restore(records)
        if any(isinstance(record, Cursor) for record in records):
            with suppress(Conflict):
                event = Event(id="x", occurred_at=NOW, session_id="x", parts=())
                await self.append(Scope(user="x", session="x"), [event], now=NOW)


async def test_what_came_in_between_is_noticed(lived: Memory, tmp_path: Path) -> None:
    database = Database.acquire(str(tmp_path / "target.db"))
    target = Stores(Forgetful(database.share()), SqliteGraphStore(database))

    with pytest.raises(StoreError, match=r"session \(\d read, \d there\), cursor .* event"):
        await copy_memory(stores_of(lived), target, now=NOW, progress=silent)

    with pytest.raises(StoreError, match="half a memory"):
        await target.graph.migrate()
    await shut(target)


# files


def test_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"

    with created(str(path)) as file:
        file.write(b"x")
        assert not path.exists(), "it has its name when it is whole"
        (part,) = tmp_path.iterdir()
        assert stat.S_IMODE(part.stat().st_mode) == 0o600

    assert path.read_bytes() == b"x"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_failure_leaves_no_file(tmp_path: Path) -> None:
    def fail(path: str) -> None:
        with created(path) as file:
            file.write(b"x")
            raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        fail(str(tmp_path / "m.jsonl.gz"))

    assert list(tmp_path.iterdir()) == []


def test_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b"old")

    with pytest.raises(Conflict, match="is there already"), created(str(path)):
        raise AssertionError

    assert path.read_bytes() == b"old"


def test_file_in_no_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match="cannot be written: No such file or directory"),
        created(str(tmp_path / "none" / "m.jsonl")),
    ):
        raise AssertionError


def test_no_file_to_read(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidInput, match="cannot be read: No such file"),
        opened(str(tmp_path / "m.jsonl")),
    ):
        raise AssertionError


def test_compressed_by_its_name_and_read_by_its_content(tmp_path: Path) -> None:
    with created(str(tmp_path / "m.jsonl.gz")) as file:
        file.write(b"hello\n")
    (tmp_path / "m.jsonl.gz").rename(tmp_path / "m.jsonl")

    assert gzip.decompress((tmp_path / "m.jsonl").read_bytes()) == b"hello\n"
    with opened(str(tmp_path / "m.jsonl")) as file:
        assert [file.readline(), file.seek(0), file.readline()] == [b"hello\n", 0, b"hello\n"]


def test_pipe_is_read_twice() -> None:
    end, other = os.pipe()
    os.write(other, b"hello\n")
    os.close(other)

    with opened(f"/dev/fd/{end}") as file:
        assert [file.readline(), file.seek(0), file.readline()] == [b"hello\n", 0, b"hello\n"]
    os.close(end)


async def test_compressed_file_that_is_cut_short(lived: Memory, tmp_path: Path) -> None:
    path = tmp_path / "m.gz"
    with created(str(path)) as file:
        await export_memory(stores_of(lived), file, now=NOW, progress=silent)
    for size in (20, path.stat().st_size // 2, path.stat().st_size - 1):
        os.truncate(path, size)
        target = make_stores("sqlite:///:memory:", None)
        with pytest.raises(InvalidInput), opened(str(path)) as file:
            await import_memory(file, target, progress=silent)
        await shut(target)
        with created(str(tmp_path / "again.gz")) as file:
            await export_memory(stores_of(lived), file, now=NOW, progress=silent)
        (tmp_path / "again.gz").replace(path)


# size


async def wide(path: Path, events: int) -> Stores:
    """Return a memory of so many events, each with its episode and vector."""
    said: list[LogRecord] = [make_said(ADA, n, "a fjord " * 40) for n in range(1, events + 1)]
    cursor = Cursor(scope=ADA, last_seq=events, done_seq=events, fence=1)
    episodes = [make_episode(ADA, n, "a fjord " * 40) for n in range(1, events + 1)]
    vectors = [await make_embedding(episode) for episode in episodes]
    place = make_stores(f"sqlite:///{path}", None)
    await fill(place.log, [cursor, *said], batch=1000)
    await fill(
        place.graph,
        [
            EmbeddingModel(id=MODEL, dimension=EMBEDDER.dimension, active=True),
            *episodes,
            *(StoredEmbedding(model_id=MODEL, embedding=v) for v in vectors),
        ],
        batch=1000,
    )
    return place


async def peak_of(tmp_path: Path, events: int) -> int:
    """Return the most memory that a move to a file and into a store takes, in bytes."""
    source = await wide(tmp_path / f"{events}.db", events)
    target = make_stores(f"sqlite:///{tmp_path}/{events}-target.db", None)
    tracemalloc.start()
    with created(str(tmp_path / f"{events}.jsonl")) as file:
        await export_memory(source, file, now=NOW, progress=silent)
    with opened(str(tmp_path / f"{events}.jsonl")) as file:
        await import_memory(file, target, progress=silent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for place in (source, target):
        await shut(place)
    return peak


async def test_memory_does_not_grow_with_what_is_moved(tmp_path: Path) -> None:
    await peak_of(tmp_path, 10)

    small, large = await peak_of(tmp_path, 300), await peak_of(tmp_path, 1500)

    assert large < small * 1.25


# any history

many = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def place_of(one: World) -> Stores:
    database = one.graph._db  # pyright: ignore[reportAttributeAccessIssue]  # it is SQLite
    return Stores(one.log, one.graph, snapshot=database.snapshot, one_moment=True)


@many
@given(histories(), histories(), st.integers(0, 1 << 16), st.booleans())
async def test_any_history_goes_on_where_it_was_moved_to(
    before: list[Said], after: list[Said], seed: int, settled: bool
) -> None:
    draw = random.Random(seed)
    async with world() as here, world() as there:
        await here.hear(*before, consolidate=settled)
        if settled:
            entities = [e.id for e in await here.dump() if isinstance(e, Entity) and not e.same_as]
            if len(entities) > 1:
                with suppress(InvalidInput):
                    await here.review.merge(HERE, *draw.sample(entities, 2))
            if draw.random() < 0.5:
                gone = draw.choice(before)
                await here.forget(gone.id, session=gone.session)

        await copy_memory(place_of(here), place_of(there), now=NOW, progress=silent)
        there._said = here._said

        assert await all_of(place_of(there)) == await all_of(place_of(here))
        for one in (here, there):
            await one.hear(*(replace(said, id=f"then {said.id}") for said in after))
        assert await there.dump() == await here.dump()
        assert await there.graph.check() == []
        assert await all_of(place_of(there)) == await all_of(place_of(here))


async def test_wholes_made_by_hand_are_copied(target: Stores, tmp_path: Path) -> None:
    """What no history here leads to: an open receipt, two models, an entity for everybody."""
    source = make_stores(f"sqlite:///{tmp_path}/hand.db", None)
    await fill(source.log, log_records())
    await fill(source.graph, await graph_records())

    await copy_memory(source, target, now=NOW, progress=silent)

    assert await all_of(target) == await all_of(source)
    assert any(isinstance(r, Erasure) and not r.closed_at for r in log_records())
    assert any(isinstance(r, ErasedEvent) for r in log_records())
    await shut(source)

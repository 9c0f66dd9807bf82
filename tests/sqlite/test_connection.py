"""What users open by mistake, and what others do to the file meanwhile.

A disk that is full, and a file or folder that may not be written, are the kernel's and the
engine's own faults here, not made up. A disk that fails while it is written is not tested: nothing
on an ordinary machine gives that fault.
"""

import asyncio
import contextvars
import gc
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.errors import (
    InvalidInput,
    ReadOnlyStore,
    SchemaOutdated,
    StoreError,
    StoreUnavailable,
)
from graphmem.sqlite import connection
from graphmem.sqlite.connection import APPLICATION_ID, Database, migrations, path_of

NOBODY = 65534


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(str(tmp_path / "m.db"), busy_ms=50)
    await database.migrate()
    yield database
    await database.release()


def put(name: str, value: bytes = b"x") -> Callable[[connection.Transaction], None]:
    sql = "INSERT INTO store (name, value) VALUES (:name, :value)"
    return lambda c: c.run(sql, {"name": name, "value": value})


async def names(database: Database) -> list[str]:
    sql = "SELECT name FROM store WHERE name != 'erasure_key' ORDER BY name"
    return [row[0] for row in await database.read(lambda c: c.rows(sql))]


async def fails(path: Path, error: type[Exception], match: str) -> None:
    """Open a path for a first write; it must fail like this, and close well."""
    database = Database(str(path), busy_ms=50)
    try:
        with pytest.raises(error, match=match):
            await database.migrate()
    finally:
        await database.release()


# URLs


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///memory.db", "memory.db"),
        ("sqlite:///a/b.db", "a/b.db"),
        ("sqlite:////srv/b.db", "/srv/b.db"),
        ("sqlite:///:memory:", ":memory:"),
        ("sqlite:///my%20notes.db", "my notes.db"),
        ("sqlite:///käse.db", "käse.db"),
    ],
)
def test_path_of_url(url: str, path: str) -> None:
    assert path_of(url) == path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory.db",
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite://memory.db",
        "sqlite://host/memory.db",
        "postgres:///memory.db",
        "sqlite:///m.db?mode=ro",
        "sqlite:///m.db#part",
        "sqlite:///m%00.db",
    ],
)
def test_path_of_wrong_url(url: str) -> None:
    with pytest.raises(InvalidInput, match="sqlite:///"):
        path_of(url)


@given(st.text())
def test_path_of_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = path_of(text)
    except InvalidInput:
        return
    assert path
    assert "\0" not in path


# files that are not ours


async def test_open_text_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, today I bought two goats.\n" * 100)
    before = path.read_bytes()

    await fails(path, StoreError, "is not a SQLite database")

    assert path.read_bytes() == before


async def test_open_short_text_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")

    await fails(path, StoreError, "is not a SQLite database")

    assert path.read_text() == "hello"


async def test_open_database_of_another_application(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as shop:
        shop.execute("CREATE TABLE orders (id)")
    shop.close()

    await fails(path, StoreError, "another application")

    shop = sqlite3.connect(path)
    assert [r[0] for r in shop.execute("SELECT name FROM sqlite_schema")] == ["orders"]
    shop.close()


async def test_open_newer_version(tmp_path: Path, database: Database) -> None:
    await database.write(lambda c: c.run("PRAGMA user_version = 9999"))

    with pytest.raises(SchemaOutdated, match=r"9999.*upgrade graphmem"):
        await database.migrate()


async def test_open_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    database = Database(str(path))
    await database.migrate()
    await database.release()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

    damaged = Database(str(path), busy_ms=50)
    try:
        with pytest.raises(StoreError, match="damaged"):
            await damaged.integrity()
        with pytest.raises(StoreError, match="damaged"):
            await names(damaged)
    finally:
        await damaged.release()


async def test_open_empty_file_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    path.touch()

    database = Database(str(path))
    await database.migrate()

    assert await names(database) == []
    await database.release()


# places that cannot be written to


async def test_open_absent_folder(tmp_path: Path) -> None:
    await fails(tmp_path / "no" / "m.db", StoreError, "does its folder exist")


async def test_open_folder(tmp_path: Path) -> None:
    await fails(tmp_path, StoreError, "cannot be opened")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc here")
async def test_open_in_proc() -> None:
    await fails(Path("/proc/self/m.db"), StoreError, "cannot be opened")


@contextmanager
def without_power() -> Generator[None]:
    """Root may write anywhere, so be nobody for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def seal(*places: Path) -> None:
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that nobody, too, can look into; pytest's own are private."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


async def test_write_to_a_readonly_file(shared_folder: Path) -> None:
    path = shared_folder / "m.db"
    database = Database(str(path))
    await database.migrate()
    await database.release()
    seal(path, shared_folder)

    with without_power():
        await fails(path, ReadOnlyStore, "cannot be written to")


async def test_open_in_a_readonly_folder(shared_folder: Path) -> None:
    seal(shared_folder)

    with without_power():
        await fails(shared_folder / "m.db", StoreError, "cannot be opened")

    assert os.listdir(shared_folder) == []  # noqa: PTH208  # names only


async def test_full_disk_loses_nothing(database: Database) -> None:
    await database.write(put("before"))
    (size,) = (await database.read(lambda c: c.rows("PRAGMA page_count")))[0]
    await database.write(lambda c: c.run(f"PRAGMA max_page_count = {size + 2}"))

    with pytest.raises(StoreUnavailable, match="full"):
        await database.write(put("large", b"x" * 1_000_000))

    assert await names(database) == ["before"]
    await database.write(lambda c: c.run("PRAGMA max_page_count = 100000"))
    await database.write(put("large", b"x" * 1_000_000))
    assert await names(database) == ["before", "large"]
    assert await database.integrity() is None


# others on the same file


async def test_busy_writer_outside(database: Database) -> None:
    outside = apsw.Connection(database.path)
    outside.execute("BEGIN IMMEDIATE")
    try:
        assert await names(database) == [], "reading goes on"
        with pytest.raises(StoreUnavailable, match="locked by another writer") as caught:
            await database.write(put("a"))
        assert caught.value.retryable
    finally:
        outside.execute("ROLLBACK")
        outside.close()

    await database.write(put("a"))
    assert await names(database) == ["a"]


async def test_two_databases_on_one_file(database: Database) -> None:
    first, second = Database(database.path), Database(database.path)  # with time to wait
    try:
        await second.migrate()
        both = [db for _ in range(20) for db in (first, second)]
        await asyncio.gather(*(db.write(put(f"{n:02}")) for n, db in enumerate(both)))

        assert await names(first) == await names(second)
        assert len(await names(second)) == 40
    finally:
        await first.release()
        await second.release()


async def test_new_file_that_somebody_else_opens_too(tmp_path: Path) -> None:
    """SQLite waits for no lock where a file is to be written ahead: it is asked again."""
    path = tmp_path / "new.db"
    other = apsw.Connection(str(path))  # as one that has come first, and is not done
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.05, other.execute, "COMMIT")
    later = Database(str(path))
    try:
        await later.migrate()
        await later.write(put("a"))
        assert await names(later) == ["a"]
    finally:
        await later.release()
        other.close()


async def test_reader_sees_one_snapshot(database: Database) -> None:
    await database.write(put("a"))
    second = Database(database.path)
    count = "SELECT count(*) FROM store"

    def work(c: connection.Transaction) -> list[object]:
        before = c.rows(count)
        asyncio.run(second.write(put("b")))
        return [before == c.rows(count)]

    assert await database.read(work) == [True]
    assert await names(database) == ["a", "b"]
    await second.release()


async def test_new_file_opened_by_many_at_once(tmp_path: Path) -> None:
    many = [Database(str(tmp_path / "m.db")) for _ in range(6)]

    await asyncio.gather(*(database.migrate() for database in many))

    keys = {(await db.read(lambda c: c.rows("SELECT value FROM store")))[0][0] for db in many}
    assert len(keys) == 1, "made once"
    for database in many:
        await database.release()


OPENER = """
import asyncio, sys
from graphmem.sqlite.connection import Database

async def main() -> None:
    database = Database(sys.argv[1])
    sys.stdin.readline()
    await database.migrate()
    sql = "INSERT INTO store (name, value) VALUES (:name, x'00')"
    await database.write(lambda c: c.run(sql, {"name": sys.argv[2]}))
    await database.release()

print("ready", flush=True)
asyncio.run(main())
"""


def start(code: str, *args: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", code, *args]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_new_file_opened_by_processes_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "m.db")
    children = [start(OPENER, path, f"p{n}") for n in range(3)]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in children:
            child.communicate("go\n", timeout=50)
    finally:
        for child in children:
            child.kill()
            child.wait()

    assert [child.returncode for child in children] == [0, 0, 0]
    database = Database(path)
    assert await names(database) == ["p0", "p1", "p2"]
    await database.release()


# transactions and life


async def test_failure_inside_writes_nothing(database: Database) -> None:
    def work(c: connection.Transaction) -> None:
        c.run("INSERT INTO store (name, value) VALUES ('a', x'00')")
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        await database.write(work)

    assert await names(database) == []
    await database.write(put("b"))
    assert await names(database) == ["b"]


async def test_driver_errors_are_ours(database: Database) -> None:
    with pytest.raises(StoreError, match="no such table") as caught:
        await database.read(lambda c: c.rows("SELECT * FROM no_table"))

    assert isinstance(caught.value.__cause__, apsw.Error)


async def test_acquire_gives_one_database_per_file(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    one = Database.acquire(str(path))
    other = Database.acquire(str(tmp_path / "sub" / ".." / "m.db"))
    assert other is one

    await one.migrate()
    await other.release()
    assert await names(one) == [], "it is open until the last one gives it back"
    await one.release()

    again = Database.acquire(str(path))
    assert again is not one
    assert await names(again) == []
    await again.release()


async def test_memory_databases_are_apart() -> None:
    one, other = Database.acquire(":memory:"), Database.acquire(":memory:")
    await one.migrate()
    await other.migrate()

    await one.write(put("a"))

    assert (await names(one), await names(other)) == (["a"], [])
    assert await one.integrity() is None
    await one.release()
    await other.release()


async def test_commit_is_on_disk_when_it_returns(database: Database) -> None:
    settings = {
        name: (await database.read(lambda c, n=name: c.rows(f"PRAGMA {n}")))[0][0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
    }

    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


async def test_a_note_does_not_wait_for_the_disk(database: Database) -> None:
    """What is noted is there for everybody at once; what is written next waits for both."""
    waits: list[bool] = []

    def putting(name: str) -> Callable[[connection.Transaction], None]:
        def work(c: connection.Transaction) -> None:
            put(name)(c)
            waits.append(c.rows("PRAGMA synchronous") == [(2,)])

        return work

    await database.note(putting("noted"))
    assert await names(database) == ["noted"]
    await database.write(putting("written"))
    async with database.together():
        await database.note(putting("together"))
    async with database.together(synced=False):
        await database.write(putting("unsynced"))

    assert waits == [False, True, True, False], "inside a transaction its own end decides"
    assert await names(database) == ["noted", "together", "unsynced", "written"]


# the schema


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))


async def test_migrate_again_changes_nothing(database: Database) -> None:
    schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    before = await database.read(lambda c: c.rows(schema))

    await database.migrate()

    assert await database.read(lambda c: c.rows(schema)) == before
    versions = await database.read(
        lambda c: [c.rows("PRAGMA user_version"), c.rows("PRAGMA application_id")]
    )
    assert versions == [[(len(migrations()),)], [(APPLICATION_ID,)]]


async def test_migrate_goes_forward_only(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = migrations()
    later = (len(first) + 1, "ALTER TABLE store ADD COLUMN note TEXT; CREATE TABLE more (x);")
    await database.write(put("a"))

    monkeypatch.setattr(connection, "migrations", lambda: [*first, later])
    await database.migrate()
    await database.migrate()

    assert await names(database) == ["a"]
    assert await database.read(lambda c: c.rows("SELECT * FROM more")) == []
    monkeypatch.setattr(connection, "migrations", lambda: first)
    with pytest.raises(SchemaOutdated):
        await database.migrate()


async def test_migrate_is_all_or_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = migrations()
    broken = (len(first) + 1, "CREATE TABLE more (x); CREATE TABLE store (y);")

    monkeypatch.setattr(connection, "migrations", lambda: [*first, broken])
    with pytest.raises(StoreError, match="already exists"):
        await database.migrate()

    (version,) = (await database.read(lambda c: c.rows("PRAGMA user_version")))[0]
    tables = await database.read(
        lambda c: c.rows("SELECT name FROM sqlite_schema WHERE name = 'more'")
    )
    assert (version, tables) == (len(first), [])


# several steps as one transaction


async def test_together_commits_all_at_the_end(database: Database) -> None:
    other = Database(database.path, busy_ms=50)
    async with database.together():
        await database.write(put("a"))
        assert await names(database) == ["a"], "the block reads what it wrote"
        assert await names(other) == [], "nobody else does"
        await database.write(put("b"))
    assert await names(other) == ["a", "b"]
    await other.release()


async def test_together_undoes_all(database: Database) -> None:
    async def fail_after_a_write() -> None:
        async with database.together():
            await database.write(put("a"))
            raise ZeroDivisionError

    await database.write(put("before"))
    with pytest.raises(ZeroDivisionError):
        await fail_after_a_write()
    assert await names(database) == ["before"]


async def test_together_goes_on_after_a_step_that_wrote_nothing(database: Database) -> None:
    async with database.together():
        await database.write(put("a"))
        with pytest.raises(StoreError, match="UNIQUE"):
            await database.write(put("a"))
        await database.write(put("b"))
    assert await names(database) == ["a", "b"]


async def test_together_is_undone_by_a_step_that_failed_half_way(database: Database) -> None:
    def half(c: connection.Transaction) -> None:
        put("half")(c)
        put("a")(c)  # is there already

    async def going_on() -> None:
        async with database.together():
            await database.write(put("a"))
            with pytest.raises(StoreError, match="UNIQUE"):
                await database.write(half)
            with pytest.raises(StoreError, match="UNIQUE"):
                await database.write(put("b"))

    with pytest.raises(StoreError, match="UNIQUE"):
        await going_on()
    assert await names(database) == []
    await database.write(put("c"))


async def test_together_makes_other_tasks_wait(database: Database) -> None:
    seen: list[str] = []

    async def other() -> None:
        await database.write(put("other"))
        seen.append("other")

    async with asyncio.TaskGroup() as group:
        outside = contextvars.copy_context()
        async with database.together():
            group.create_task(other(), context=outside)
            await database.write(put("a"))
            await database.write(put("b"))
            seen.append("ours")
    assert seen == ["ours", "other"]
    assert await names(database) == ["a", "b", "other"]


async def test_failure_in_a_block_is_the_callers_alone(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The future that carries it is not left for the loop to complain of."""
    for block in (database.together, database.snapshot):
        with pytest.raises(ValueError, match="mine"):
            async with block():
                raise ValueError("mine")
    gc.collect()

    assert caplog.records == []


async def test_together_is_cancelled_whole(database: Database) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with database.together():
            await database.write(put("a"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(database) == []
    await database.write(put("b"))


async def test_together_cancelled_before_its_turn(database: Database) -> None:
    """Whoever waits for the writer and gives up leaves it to the next."""

    async def work() -> None:
        async with database.together():
            await database.write(put("never"))
            raise AssertionError("never written")

    outside = contextvars.copy_context()
    async with database.together():
        task = asyncio.create_task(work(), context=outside)
        await asyncio.sleep(0)  # it is in the queue now
        task.cancel()
        await database.write(put("a"))
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(20):
        await database.write(put("b"))
    assert await names(database) == ["a", "b"]


async def test_together_goes_on_after_a_step_that_nobody_waits_for(database: Database) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(c: connection.Transaction) -> None:
        entered.set()
        leave.wait()
        put("slow")(c)

    async with database.together():
        running = asyncio.create_task(database.write(slow))
        queued = asyncio.create_task(database.write(put("queued")))
        await asyncio.to_thread(entered.wait)
        running.cancel()
        queued.cancel()
        await asyncio.wait([running, queued])
        leave.set()
        async with asyncio.timeout(20):
            await database.write(put("a"))
    assert await names(database) == ["a", "slow"], "what ran was not cut short, what waited is not"


async def test_together_says_that_the_file_is_locked(database: Database) -> None:
    """To each of its steps, and as a whole; also where somebody lives with the first one."""
    other = Database(database.path, busy_ms=50)

    async def going_on() -> None:
        async with database.together():
            for name in "bc":
                with pytest.raises(StoreUnavailable, match="locked"):
                    await database.write(put(name))

    async with other.together():
        await other.write(put("a"))
        with pytest.raises(StoreUnavailable, match="locked"):
            await going_on()
    await database.write(put("d"))
    assert await names(database) == ["a", "d"]
    await other.release()


async def test_together_keeps_no_other_process_waiting_until_its_first_step(
    database: Database,
) -> None:
    other = Database(database.path, busy_ms=50)
    async with database.together():
        await other.write(put("other"))
        assert await names(database) == ["other"]
        await database.write(put("a"))
        with pytest.raises(StoreUnavailable, match="locked"):
            await other.write(put("late"))
    async with database.together():
        pass
    assert await names(other) == ["a", "other"]
    await other.release()


async def test_snapshot_stays_at_its_moment(database: Database) -> None:
    await database.write(put("before"))

    async with database.snapshot():
        await contextvars.Context().run(asyncio.create_task, database.write(put("meanwhile")))

        assert await names(database) == ["before"]
        async with database.snapshot():
            assert await names(database) == ["before"]

    assert await names(database) == ["before", "meanwhile"]


async def test_snapshot_begins_where_the_block_does(database: Database) -> None:
    async with database.snapshot():
        await contextvars.Context().run(asyncio.create_task, database.write(put("meanwhile")))

        assert await names(database) == []


async def test_nothing_is_written_in_a_snapshot(database: Database) -> None:
    async with database.snapshot():
        with pytest.raises(ReadOnlyStore):
            await database.write(put("a"))

    assert await names(database) == []
    await database.write(put("b"))


async def test_snapshot_leaves_no_connection(database: Database) -> None:
    await database.read(lambda c: None)
    before = len(database._connections)

    async with database.snapshot():
        await names(database)

    assert len(database._connections) == before


async def test_snapshot_of_a_memory_database() -> None:
    database = Database(":memory:")
    await database.migrate()
    await database.write(put("before"))

    async with database.snapshot():
        outside = contextvars.Context().run(asyncio.create_task, database.write(put("meanwhile")))
        assert await names(database) == ["before"]
        assert not outside.done(), "it waits"
    await outside

    assert await names(database) == ["before", "meanwhile"]
    await database.release()


# a glance


HELD = "SELECT count(*) FROM store WHERE name = 'a'"


async def test_glance_reads_in_the_thread_that_asks(database: Database) -> None:
    await database.write(put("a"))

    seen, where = await database.glance(lambda c: (c.rows(HELD)[0][0], threading.get_ident()))

    assert (seen, where) == (1, threading.get_ident())


async def test_glance_that_must_wait_goes_where_others_do(database: Database) -> None:
    asked: list[int] = []

    def work(c: connection.Transaction) -> int:
        asked.append(threading.get_ident())
        if len(asked) == 1:
            raise apsw.BusyError
        return c.rows(HELD)[0][0]

    assert await database.glance(work) == 0
    assert asked[0] == threading.get_ident() != asked[1]


async def test_glance_sees_the_transaction_that_it_is_in(database: Database) -> None:
    async with database.together():
        await database.write(put("a"))

        assert await database.glance(lambda c: c.rows(HELD)[0][0]) == 1

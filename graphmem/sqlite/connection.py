"""One SQLite file per memory: how it is opened, written and read.

One write connection per process and file, on its own thread; writes are ``BEGIN IMMEDIATE`` and
nothing is awaited inside one, except in ``together``, which others wait for. Reads have
connections of their own and see one snapshot each. Does not know what is in the tables, only
their version.

apsw brings its own SQLite: the one in the standard library may lack FTS5's secure-delete and may
carry the WAL-reset bug (3.7.0 to 3.51.2), which is our worker beside our API.
"""

# apsw's stubs leave the type of a value open: a row is what its statement selects.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from importlib.resources import files
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

import apsw

from graphmem.errors import (
    GraphmemError,
    InvalidInput,
    ReadOnlyStore,
    SchemaOutdated,
    StoreError,
    StoreUnavailable,
)

T = TypeVar("T")

APPLICATION_ID: Final = 0x67724D65  # "grMe"
_BUSY_MS: Final = 10_000
_READERS: Final = 2
_AGAIN_S: Final = 0.001  # between two tries where another connection is in the way
_PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",  # an acknowledged append survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -65536",
    "PRAGMA mmap_size = 2147418112",
    "PRAGMA wal_autocheckpoint = 2000",
    "PRAGMA secure_delete = ON",  # what a user erases is overwritten
)


def path_of(url: str) -> str:
    """Return the file that a ``sqlite:`` URL names; ``:memory:`` for one that lives in memory.

    ``sqlite:///relative.db`` and ``sqlite:////absolute.db`` as SQLAlchemy writes them.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme != "sqlite" or parts.netloc or parts.query or parts.fragment or "\0" in path:
        raise InvalidInput(
            f"store URL {url!r}: expected sqlite:///path.db (relative), "
            "sqlite:////path.db (absolute) or sqlite:///:memory:"
        )
    name = path.removeprefix("/")
    if not name:
        raise InvalidInput(f"store URL {url!r} names no file; write sqlite:///path.db")
    return name


def translate(error: apsw.Error, path: str) -> GraphmemError:
    """Return our error for the driver's."""
    match error:
        case apsw.BusyError() | apsw.LockedError():
            return StoreUnavailable(f"{path!r} is locked by another writer; try again")
        case apsw.ReadOnlyError():
            return ReadOnlyStore(f"{path!r} cannot be written to: {error}")
        case apsw.NotADBError():
            return StoreError(f"{path!r} is not a SQLite database")
        case apsw.FullError():
            return StoreUnavailable(f"the disk that holds {path!r} is full")
        case apsw.CantOpenError():
            return StoreError(f"{path!r} cannot be opened: {error}; does its folder exist?")
        case apsw.CorruptError():
            return StoreError(f"{path!r} is damaged: {error}; restore it from a backup")
        case _:
            return StoreError(f"{path!r}: {error}")


def unfinished(path: str) -> StoreError:
    """Return what there is to say of a file that was being filled and is not whole."""
    return StoreError(
        f"{path!r} holds half a memory: moving one into it has not ended, or never will because it "
        "was cut short; in that case delete the file and move again"
    )


Keys = Mapping[str, Any]
Row = tuple[Any, ...]


class Transaction:
    """What an adapter may do inside one transaction: run statements with named parameters."""

    __slots__ = ("_connection",)

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, keys: Keys | None = None) -> list[Row]:
        """Run a statement and return all its rows."""
        return self._connection.execute(sql, keys).fetchall()

    def one(self, sql: str, keys: Keys | None = None) -> Row | None:
        """Run a statement and return its first row, if there is one."""
        return self._connection.execute(sql, keys).fetchone()

    def run(self, sql: str, keys: Keys | None = None) -> None:
        """Run a statement for what it does."""
        self._connection.execute(sql, keys).fetchall()

    def run_many(self, sql: str, many: Iterable[Keys]) -> None:
        self._connection.executemany(sql, many)

    def changes(self) -> int:
        """Return how many rows the last statement changed."""
        return self._connection.changes()

    def last_rowid(self) -> int:
        return self._connection.last_insert_rowid()

    @property
    def written(self) -> int:
        """How many rows this connection has changed, ever."""
        return self._connection.total_changes()

    @property
    def open(self) -> bool:
        """Whether the transaction is still there: a full disk undoes it."""
        return self._connection.in_transaction


def _waiting(most_ms: int) -> Callable[[int], bool]:
    """Return what has a connection wait so long for another one's transaction, and no longer.

    SQLite's own waits grow to 25 ms and more, longer than most of our transactions take.
    """
    until = 0.0

    def again(tries: int) -> bool:
        nonlocal until
        now = time.monotonic()
        if tries == 0:
            until = now + most_ms / 1000
        if now >= until:
            return False
        time.sleep(_AGAIN_S)
        return True

    return again


Step = tuple[Callable[[Transaction], Any], "Future[Any]"]
Steps = SimpleQueue[Step | BaseException | None]


def _coming(steps: Steps) -> Iterator[Step]:
    """Yield steps as they come, until there are no more; raise why all is to be undone."""
    for step in iter(steps.get, None):
        if isinstance(step, BaseException):
            raise step
        yield step


def _refuse(steps: Iterable[Step], error: BaseException) -> None:
    """Answer steps with why their transaction could not begin."""
    for _, done in steps:
        if done.set_running_or_notify_cancel():
            done.set_exception(error)


# The transactions that the running task is in the middle of, by database.
_together: Final = ContextVar[Mapping["Database", Steps]](
    "together",
    default={},  # noqa: B039  # never changed: each transaction sets a mapping of its own
)


class Database:
    """A file with one writer thread and a few readers; shared by everyone who opens the path."""

    _open: Final[dict[str, "Database"]] = {}
    _lock: Final = threading.Lock()
    _numbers: Final = itertools.count(1)

    def __init__(self, path: str, *, busy_ms: int = _BUSY_MS) -> None:
        self.path = path
        self._busy_ms = busy_ms
        self._users = 0
        self._memory = path == ":memory:"
        # By a number that no other one ever had: an address may be taken again.
        self._file = f"file:/graphmem-{next(self._numbers)}?vfs=memdb" if self._memory else path
        self._local = threading.local()
        self._connections: list[apsw.Connection] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="graphmem-write")
        # A memory database has no WAL: its readers would block its writer, so it has one thread.
        self._reader = (
            self._writer
            if self._memory
            else ThreadPoolExecutor(_READERS, thread_name_prefix="graphmem-read")
        )

    @classmethod
    def acquire(cls, path: str) -> "Database":
        """Return the process's database for this file; give it back with ``release``."""
        with cls._lock:
            key = path if path == ":memory:" else str(Path(path).resolve())
            found = cls._open.get(key) if path != ":memory:" else None
            if found is None:
                found = cls(path)
                if path != ":memory:":
                    cls._open[key] = found
            found._users += 1
            return found

    def share(self) -> "Database":
        """Count one more user of this database."""
        with self._lock:
            self._users += 1
        return self

    async def release(self) -> None:
        """Give the database back; the last one closes it."""
        with self._lock:
            self._users -= 1
            if self._users > 0:
                return
            for key, value in list(self._open.items()):
                if value is self:
                    del self._open[key]
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reader.shutdown(wait=True)
        self._writer.shutdown(wait=True)
        for connection in self._connections:
            connection.close()

    def _connection(self) -> apsw.Connection:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._connections.append(connection)
            self._local.connection = connection
        return connection

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(
            self._file,
            flags=apsw.SQLITE_OPEN_READWRITE
            | apsw.SQLITE_OPEN_CREATE
            | (apsw.SQLITE_OPEN_URI if self._memory else 0),
        )
        connection.set_busy_handler(_waiting(self._busy_ms))
        # Else a statement may be planned anew each time its parameters change: .5 ms a question.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        self._write_ahead(connection)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        return connection

    def _write_ahead(self, connection: apsw.Connection) -> None:
        """Have the file written ahead, whoever else opens it anew at this moment.

        Of several who ask that of a new file SQLite lets one go on and tells the others at once
        that it is locked, however long they would wait.
        """
        again = _waiting(self._busy_ms)
        for tries in itertools.count():
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except apsw.BusyError:
                if not again(tries):
                    raise
            else:
                return

    def _disconnect(self) -> None:
        """Close the connection of this thread, if it has one."""
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            self._connections.remove(connection)
            connection.close()

    def _run(
        self,
        begin: str,
        work: Callable[[Transaction], T],
        *,
        synced: bool = True,
        busy_ms: int | None = None,
    ) -> T:
        try:
            connection = self._connection()
            if busy_ms is not None:
                connection.set_busy_timeout(busy_ms)
            self._sync(connection, synced)
            connection.execute(begin)
            try:
                result = work(Transaction(connection))
                connection.execute("COMMIT")
                return result
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except apsw.Error as error:
            raise translate(error, self.path) from error

    def _sync(self, connection: apsw.Connection, synced: bool) -> None:
        """Make the commits of this thread's connection wait for the disk, or not."""
        if getattr(self._local, "synced", True) != synced:
            # WAL is one sequence: whatever waits for the disk takes along what did not.
            connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
            self._local.synced = synced

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one immediate transaction; committed and on disk when this returns."""
        return await self._submit(self._writer, "BEGIN IMMEDIATE", work)

    async def note(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` as ``write`` does, but do not wait for the disk.

        Every reader sees it, and it outlives a killed process. A power cut may take it back, with
        all that was committed after it and did not reach the disk either: for what would then be
        done again, from what has reached it.
        """
        return await self._submit(self._writer, "BEGIN IMMEDIATE", work, synced=False)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` on one snapshot; it must not write."""
        return await self._submit(self._reader, "BEGIN", work)

    async def glance(self, work: Callable[[Transaction], T]) -> T:
        """Run a ``read`` of a few rows at once, in the thread that asks.

        Readers wait for nobody in a WAL, and to hand such a read to another thread and back takes
        ten times as long as the read itself, more where cores have to wake for it. If it should
        have to wait, or if this task is in the middle of a transaction, it goes where others do.
        """
        if self._memory or self in _together.get():
            return await self.read(work)
        try:
            return self._run("BEGIN", work, busy_ms=0)
        except StoreUnavailable:
            return await self.read(work)

    async def _submit(
        self,
        pool: ThreadPoolExecutor,
        begin: str,
        work: Callable[[Transaction], T],
        *,
        synced: bool = True,
    ) -> T:
        steps = _together.get().get(self)
        if steps is None:
            return await asyncio.wrap_future(pool.submit(self._run, begin, work, synced=synced))
        done: Future[T] = Future()
        steps.put((work, done))
        return await asyncio.wrap_future(done)

    @asynccontextmanager
    async def together(self, *, synced: bool = True) -> AsyncGenerator[None]:
        """Make all that this task reads and writes inside the block one transaction.

        All or nothing is on disk when the block ends; an exception undoes it, also what single
        writes inside had returned, and so does a write that fails half-way. Other tasks that write
        wait from the block's beginning on, other processes from its first step on, so keep it
        short. With ``synced`` off its end does not wait for the disk, as ``note`` does not.
        """
        async with self._held(self._writer, "BEGIN IMMEDIATE", synced=synced):
            yield

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[None]:
        """Show all that this task reads inside the block as it was when the block began.

        Others go on writing meanwhile, at the price of a file that cannot be tidied up; to a
        database in memory they wait. Nothing can be written inside. Within another block of this
        database, it is that one's moment.
        """
        if self in _together.get():
            yield
        elif self._memory:
            async with self._held(self._writer, "BEGIN"):
                yield
        else:
            own = ThreadPoolExecutor(1, thread_name_prefix="graphmem-snapshot")
            try:
                async with self._held(own, "BEGIN"):
                    # The moment is that of the first read.
                    await self.read(lambda c: c.run("PRAGMA query_only = 1"))
                    await self.read(lambda c: c.rows("SELECT count(*) FROM sqlite_schema"))
                    yield
            finally:
                await asyncio.wrap_future(own.submit(self._disconnect))
                own.shutdown()

    @asynccontextmanager
    async def _held(
        self, pool: ThreadPoolExecutor, begin: str, *, synced: bool = True
    ) -> AsyncGenerator[None]:
        """Make one transaction of what this task does inside the block."""
        steps: Steps = SimpleQueue()
        whole = asyncio.wrap_future(pool.submit(self._follow, begin, steps, synced=synced))
        try:
            mark = _together.set({**_together.get(), self: steps})
            try:
                yield
            finally:
                _together.reset(mark)
        except BaseException as error:
            # Else the thread would wait for steps for ever, and all other writers for the thread.
            steps.put(error)
            await asyncio.wait([whole])
            _ = whole.cancelled() or whole.exception()  # the same one: it is not to be logged
            raise
        else:
            steps.put(None)
            await whole

    def _follow(self, begin: str, steps: Steps, *, synced: bool) -> None:
        """Carry out the steps of a transaction as they come, until one says how it ends.

        It begins with the first of them: what is made ready before that keeps nobody waiting.
        """
        coming = _coming(steps)
        first = next(coming, None)
        if first is None:
            return
        whole = itertools.chain([first], coming)
        begun = False

        def work(c: Transaction) -> None:
            nonlocal begun
            begun = True
            self._carry_out(c, whole)

        try:
            self._run(begin, work, synced=synced)
        except BaseException as error:
            if not begun:
                _refuse(whole, error)
            raise

    def _carry_out(self, c: Transaction, steps: Iterable[Step]) -> None:
        """Carry out steps one after the other.

        A step that fails when it has written something takes the whole with it: to be able to undo
        one alone, SQLite would copy every page that any of them touches.
        """
        lost: BaseException | None = None
        for work, done in steps:
            if not done.set_running_or_notify_cancel():
                continue
            if lost is not None:
                done.set_exception(lost)
                continue
            written = c.written
            try:
                done.set_result(work(c))
            except BaseException as error:  # noqa: BLE001  # it is the caller's, over there
                known = isinstance(error, apsw.Error)
                failure = translate(error, self.path) if known else error
                if c.written != written or not c.open:
                    lost = failure
                done.set_exception(failure)
        if lost is not None:
            raise lost

    async def integrity(self) -> str | None:
        """Return what is damaged in the file, if anything.

        On a connection of its own: one that has searched before may judge the full-text index by
        a structure that it has kept from then (seen with FTS5's secure-delete in SQLite 3.54.1).
        """

        def work() -> str | None:
            try:
                connection = self._connect()
                try:
                    rows = connection.execute("PRAGMA integrity_check").fetchall()
                finally:
                    connection.close()
            except apsw.Error as error:
                raise translate(error, self.path) from error
            return None if rows == [("ok",)] else str(rows[0][0])

        return await asyncio.wrap_future(self._reader.submit(work))

    async def migrate(self) -> None:
        """Create the schema, or bring it up to date; a newer or foreign file is refused."""
        await self.write(self._migrate)

    def _migrate(self, c: Transaction) -> None:
        application, version, tables = (
            c.rows(sql)[0][0]
            for sql in (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_schema",
            )
        )
        if application != APPLICATION_ID and tables:
            raise StoreError(
                f"{self.path!r} is a SQLite database of another application; "
                "give graphmem a file of its own"
            )
        steps = migrations()
        newest = steps[-1][0]
        if version > newest:
            raise SchemaOutdated(
                f"{self.path!r} has schema {version}, this graphmem knows {newest}: "
                "it was written by a newer version; upgrade graphmem"
            )
        for number, sql in steps:
            if number > version:
                c.run(sql)
        # Pragmas take no parameters; these are our own constants.
        c.run(f"PRAGMA user_version = {newest:d}")
        c.run(f"PRAGMA application_id = {APPLICATION_ID:d}")


def migrations() -> list[tuple[int, str]]:
    """Return the numbered, forward-only schema steps, ``migrations/NNNN_what.sql``, in order."""
    found = [
        (int(entry.name.split("_", 1)[0]), entry.read_text(encoding="utf-8"))
        for entry in files("graphmem.sqlite").joinpath("migrations").iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found)

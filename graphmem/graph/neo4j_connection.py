"""One Neo4j database: how it is reached, read and written; whatever may go wrong becomes ours.

The driver lives on a loop and a thread of its own, so that a service, its worker and a synchronous
caller share one pool of connections. Writes are transactions that are tried again when they lose a
race. Does not know what is in the graph.
"""

import asyncio
import logging
import random
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import neo4j
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConfigurationError,
    ConstraintError,
    DatabaseError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from graphmem.errors import (
    GraphmemError,
    InvalidInput,
    ReadOnlyStore,
    StoreError,
    StoreUnavailable,
)

T = TypeVar("T")

SCHEMES: Final = frozenset(
    f"{scheme}{secured}" for scheme in ("neo4j", "bolt") for secured in ("", "+s", "+ssc")
)
_ATTEMPTS: Final = 8
_FIRST_DELAY_S: Final = 0.02  # the driver's own first is a second: a deadlock is over long before
_MOST_DELAY_S: Final = 0.5
_READ_ONLY: Final = frozenset(
    {
        "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
        "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase",
    }
)

_THERE_ALREADY: Final = frozenset(
    f"Neo.ClientError.Schema.{what}"
    for what in (
        "EquivalentSchemaRuleAlreadyExists",
        "ConstraintAlreadyExists",
        "IndexAlreadyExists",
    )
)

# What the driver has to say of its tries reaches whoever has set up logging, nobody's terminal.
logging.getLogger("neo4j").addHandler(logging.NullHandler())

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a database is and who asks: ``neo4j://user:password@host:port/database``.

    ``ca`` is a file of certificates that are trusted besides nobody else's; None: the system's.
    """

    uri: str
    user: str | None = None
    password: str | None = None
    database: str | None = None
    ca: str | None = None

    @classmethod
    def of(
        cls,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        database: str | None = None,
        ca: str | None = None,
    ) -> "Address":
        """Return the address of a URL; what it does not say comes from the other arguments."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise InvalidInput(f"store URL: {error}") from error
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise InvalidInput(
                f"store URL with scheme {parts.scheme!r}: expected "
                "neo4j://USER:PASSWORD@HOST:PORT/DATABASE, or neo4j+s, neo4j+ssc, bolt"
            )
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place = host if port is None else f"{host}:{port}"
        return cls(
            uri=urlunsplit((parts.scheme, place, "", parts.query, "")),
            user=unquote(parts.username) if parts.username else user,
            password=unquote(parts.password) if parts.password else password,
            database=unquote(parts.path.strip("/")) or database,
            ca=ca,
        )


class StoreFault(StoreError):
    """The server failed at a statement that is right: by its own account, inside itself.

    Its disk was full, say: it may succeed later. But it may also be this work that it fails at.
    """

    retryable: ClassVar[bool] = True


class Work:
    """One transaction: statements run in order, each returns its one record."""

    def __init__(self, transaction: neo4j.AsyncTransaction, prefix: str) -> None:
        self._transaction = transaction
        self._prefix = prefix

    async def run(self, statement: str, keys: Values | None = None) -> Values:
        """Return the statement's one record by name; empty where it returns none."""
        result = await self._transaction.run(self._prefix + statement, dict(keys or {}))  # pyright: ignore[reportArgumentType]  # files of ours
        record = await result.single()
        return record or {}


class Connection:
    """A pool of connections to one database; every method may be called on any loop."""

    def __init__(self, address: Address, *, timeout_s: float = 30.0) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._driver: neo4j.AsyncDriver | None = None
        self._bookmarks = neo4j.AsyncGraphDatabase.bookmark_manager()
        self._refused: frozenset[str] = frozenset()
        self._closed = False
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.prefix = ""

    # verbs ----------------------------------------------------------------------------------

    async def run(self, statement: str, keys: Values | None = None) -> Values:
        """Run one reading statement in one round trip and return its one record.

        Read again when the connection was lost: nothing was changed.
        """

        async def once() -> Values:
            async with self._session(neo4j.READ_ACCESS) as session:
                query = neo4j.Query(self.prefix + statement, timeout=self._timeout_s)  # pyright: ignore[reportArgumentType]  # files of ours
                result = await session.run(query, dict(keys or {}))
                record = await result.single()
                return record or {}

        return await self._on_loop(self._again(once, attempts=3))

    async def read(self, work: Callable[[Work], Awaitable[T]]) -> T:
        """Run a reading transaction of several statements."""
        return await self._on_loop(self._transaction(work, neo4j.READ_ACCESS))

    async def write(self, work: Callable[[Work], Awaitable[T]]) -> T:
        """Run a writing transaction, all or nothing; ``work`` is run again if it lost a race.

        So it must be one that may be repeated, also after a commit whose answer was lost.
        """
        return await self._on_loop(self._transaction(work, neo4j.WRITE_ACCESS))

    async def change_schema(self, statement: str, keys: Values | None = None) -> None:
        """Run a statement about the schema, which cannot share a transaction with data."""

        async def once() -> None:
            async with self._session(neo4j.WRITE_ACCESS) as session:
                try:
                    result = await session.run(self.prefix + statement, dict(keys or {}))  # pyright: ignore[reportArgumentType]  # files of ours
                    await result.consume()
                except ClientError as error:
                    # "If not exists" is asked before it is made: somebody else was in between.
                    if error.code not in _THERE_ALREADY:
                        raise

        await self._on_loop(self._again(once, attempts=_ATTEMPTS))

    @property
    def routed(self) -> bool:
        """Whether reads may go to another server than writes: not where one is named by bolt."""
        return self._address.uri.startswith("neo4j")

    async def last_bookmarks(self) -> frozenset[str]:
        """Return what a reader must have seen to see all that was written here; none on bolt."""
        if not self.routed:
            return frozenset()
        return frozenset(await self._on_loop(self._bookmarks.get_bookmarks()))

    async def follow(self, bookmarks: Collection[str]) -> None:
        """Have what begins from now on see at least this; asks the server nothing."""
        new = frozenset(bookmarks) - self._refused
        if self.routed and new:
            await self._on_loop(self._bookmarks.update_bookmarks((), new))

    async def close(self) -> None:
        """Close the driver and end its thread; a second time does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._shut(), loop))
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)
        loop.close()

    # inside ---------------------------------------------------------------------------------

    async def _shut(self) -> None:
        """End what still runs for callers that have gone, then the driver."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._driver is not None:
            await self._driver.close()

    async def _forget_bookmarks(self) -> None:
        """Wait no more for what no server has: it was put back to an earlier state, say."""
        self._refused |= frozenset(await self._bookmarks.get_bookmarks())
        self._bookmarks = neo4j.AsyncGraphDatabase.bookmark_manager()

    async def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the driver's loop; a caller that is cancelled cancels the work."""
        with self._lock:
            if self._closed:
                work.close()
                raise StoreError("the store is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="graphmem-neo4j", daemon=True
                )
                self._thread.start()
            # While the lock is held: what ``close`` comes before is never run, nor ever ended.
            future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return await asyncio.wrap_future(future)

    def _session(self, mode: str) -> neo4j.AsyncSession:
        if self._driver is None:
            self._driver = self._open()
        return self._driver.session(  # pyright: ignore[reportUnknownMemberType]  # its options are untyped
            database=self._address.database,
            default_access_mode=mode,
            bookmark_manager=self._bookmarks,
            fetch_size=1000,
        )

    def _open(self) -> neo4j.AsyncDriver:
        at = self._address
        options: dict[str, Any] = {
            "auth": (at.user, at.password or "") if at.user else None,
            "notifications_min_severity": "OFF",
            "connection_acquisition_timeout": self._timeout_s,
            "connection_timeout": 10.0,
            "liveness_check_timeout": 60.0,
            "telemetry_disabled": True,
            "user_agent": "graphmem",
        }
        uri = at.uri
        if at.ca is not None:
            # A scheme that says "encrypted" fixes whom it trusts: say it by options instead.
            scheme, _, rest = uri.partition("://")
            uri = f"{scheme.partition('+')[0]}://{rest}"
            options |= {"encrypted": True, "trusted_certificates": neo4j.TrustCustomCAs(at.ca)}
        try:
            return neo4j.AsyncGraphDatabase.driver(uri, **options)  # pyright: ignore[reportUnknownMemberType]  # its options are untyped
        except (ConfigurationError, ValueError, OSError) as error:
            raise InvalidInput(f"store URL: {error}") from error

    async def _transaction(self, work: Callable[[Work], Awaitable[T]], mode: str) -> T:
        async def once() -> T:
            async with self._session(mode) as session:
                transaction = await session.begin_transaction(timeout=4 * self._timeout_s)
                async with transaction:
                    value = await work(Work(transaction, self.prefix))
                    await transaction.commit()
                    return value

        return await self._again(once, attempts=_ATTEMPTS)

    async def _again(self, once: Callable[[], Awaitable[T]], *, attempts: int) -> T:
        """Try until it works, is refused for good, or has been tried often enough."""
        for attempt in range(1, attempts + 1):
            try:
                return await once()
            except GraphmemError:
                raise
            except (Neo4jError, DriverError, OSError) as error:
                if isinstance(error, Neo4jError) and "Bookmark" in (error.code or ""):
                    await self._forget_bookmarks()
                    continue
                if attempt == attempts or not _passes(error):
                    raise translated(error) from error
                delay = min(_MOST_DELAY_S, _FIRST_DELAY_S * 2 ** (attempt - 1))
                await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # jitter
        raise StoreUnavailable("Neo4j refuses the bookmarks that it gave")


def _passes(error: Exception) -> bool:
    """Return whether the same work may succeed a moment later.

    A lost race to create something surfaces as a broken constraint: the next try finds it there.
    """
    if isinstance(error, TransientError):
        return "OutOfMemory" not in error.code and "Limit" not in error.code if error.code else True
    if isinstance(error, ConstraintError):
        return True
    return isinstance(error, ServiceUnavailable | SessionExpired) and "incomplete" not in str(error)


def translated(error: Exception) -> GraphmemError:
    """Return the driver's error as ours; its own text may hold data and stays the cause's."""
    if isinstance(error, AuthError):
        return StoreError("Neo4j refuses the user or the password")
    if isinstance(error, ServiceUnavailable | SessionExpired | OSError):
        return StoreUnavailable("Neo4j cannot be reached")
    if isinstance(error, TransientError) and _passes(error):
        return StoreUnavailable(f"Neo4j is busy: {error.code}")
    if isinstance(error, TransientError | DatabaseError):
        return StoreFault(f"Neo4j failed: {error.code}")
    if isinstance(error, Neo4jError):
        if error.code in _READ_ONLY:
            return ReadOnlyStore("this Neo4j database cannot be written to")
        if isinstance(error, ClientError) and error.code and "DatabaseNotFound" in error.code:
            return StoreError("there is no Neo4j database of that name")
        return StoreError(f"Neo4j failed: {error.code}")
    return StoreError(f"Neo4j failed: {type(error).__name__}")

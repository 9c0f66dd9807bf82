"""A whole memory to a file, from a file, or from store to store: nothing lost, nothing added.

Everything streams: what is in memory at once does not grow with what is moved (but for a few words
on each user where log and graph are two stores). The target is marked as unfinished from the first
record until it has been read back and found to hold what was read; a file is read once to its end
before anything of it is written. Does not know which backends it moves between, nor who asks.

**One moment.** Where log and graph share a file, both are read in one snapshot, and others go on
writing. Else the log is read first, then the graph, and the move is refused afterwards if the
fence or the cursor of any stream has moved meanwhile: nothing consolidates, decides or erases
without raising a fence, and what is only appended changes no graph. See
``docs/decisions/0025-transfer.md``.
"""

import gzip
import os
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO, Final, Protocol, TypeAlias, cast

from graphmem import archive
from graphmem.archive import Record, Tally
from graphmem.errors import Conflict, GraphmemError, InvalidInput, StoreError, StoreUnavailable
from graphmem.models import StreamState
from graphmem.ports import GraphStore, SessionStore
from graphmem.records import LOG_KINDS, GraphRecord, LogRecord

Progress: TypeAlias = Callable[[str, int], None]
"""Is told a kind of record, and how many have been moved so far.

Or read: of a file before anything is written ("… read"), of the target afterwards ("… checked").
"""

_BATCH: Final = 256
_BATCH_BYTES: Final = 4 << 20
_ALL: Final = 1 << 40
_LOG: Final = tuple(LOG_KINDS.values())


class Place(Protocol):
    """Where a memory is: ``bootstrap.Stores``."""

    @property
    def log(self) -> SessionStore: ...

    @property
    def graph(self) -> GraphStore: ...

    @property
    def snapshot(self) -> Callable[[], AbstractAsyncContextManager[None]]: ...

    @property
    def one_moment(self) -> bool: ...


async def export_memory(
    source: Place, file: BinaryIO, *, now: datetime, progress: Progress
) -> Mapping[str, int]:
    """Write all of a memory to ``file``; return how many records there are of each kind.

    StoreUnavailable where it was written to meanwhile and cannot be read as of one moment: then
    the file has no end, and is refused by ``import_memory``.
    """
    writer = archive.Writer(file, at=now)
    async with _unmoved(source, now), _told(writer.tally.counts, progress) as tell:
        async for record in _records(source):
            writer.add(record)
            tell(record)
    writer.close()
    return writer.tally.counts


async def import_memory(file: BinaryIO, target: Place, *, progress: Progress) -> Mapping[str, int]:
    """Fill an empty memory with what ``file`` holds; it must be one that can be read twice.

    InvalidInput, and nothing is written, where the file is not whole; Conflict where the target
    is not empty.
    """
    seen = Counter[str]()
    async with _told(seen, progress, " read") as tell:
        for record in archive.read(file):
            seen[archive.kind_of(record)] += 1
            tell(record)
    file.seek(0)
    await _begin(target)
    filling = _Filling(target, progress)
    for record in archive.read(file):
        await filling.add(record)
    return await filling.finish()


async def copy_memory(
    source: Place, target: Place, *, now: datetime, progress: Progress
) -> Mapping[str, int]:
    """Fill an empty memory with all of another; return how many records there are of each kind.

    Errors as of ``export_memory`` and ``import_memory``. Once it has begun, a target that this
    does not return for is left unfinished.
    """
    async with _unmoved(source, now):
        await _begin(target)
        filling = _Filling(target, progress)
        async for record in _records(source):
            await filling.add(record)
        await filling.flush()
    return await filling.finish()


@asynccontextmanager
async def _told(
    counts: Counter[str], progress: Progress, what: str = ""
) -> AsyncGenerator[Callable[[Record], None]]:
    """Yield what is told each record, to tell of some, and at the end of how many there were."""

    def tell(record: Record) -> None:
        kind = archive.kind_of(record)
        if counts[kind] % _BATCH == 0:
            progress(kind + what, counts[kind])

    yield tell
    for kind, count in counts.items():
        progress(kind + what, count)


# --------------------------------------------------------------------------- the source


@asynccontextmanager
async def _unmoved(source: Place, now: datetime) -> AsyncGenerator[None]:
    """Read the source inside the block as of one moment, or raise at its end."""
    await source.log.migrate()
    await source.graph.migrate()
    if source.one_moment:
        async with source.snapshot():
            yield
        return
    before = await _standing(source)
    for state, _ in before.values():
        if state.owner and state.lease_until is not None and state.lease_until > now:
            raise StoreUnavailable(f"{_whose(state)} is being consolidated; {_QUIET}")
    async with source.snapshot():
        yield
    for stream, (state, marks) in (await _standing(source)).items():
        was = before.get(stream)
        if (was is None and state.fence) or (was is not None and _moved(was, (state, marks))):
            raise StoreUnavailable(f"{_whose(state)} was consolidated meanwhile; {_QUIET}")


_Standing: TypeAlias = tuple[StreamState, Mapping[str, int]]
_QUIET: Final = (
    "log and graph are two stores, which can be read together only while nothing is written: stop "
    "the workers, or try again when all is quiet"
)


async def _standing(source: Place) -> dict[str, _Standing]:
    """Return where each stream stands, and, where somebody may hold it yet, how far its graph."""
    found: dict[str, _Standing] = {}
    for state in await source.log.streams(limit=_ALL):
        held = state.owner is not None
        marks = await source.graph.watermark(state.stream) if held else {}
        found[state.stream] = (state, marks)
    return found


def _moved(before: _Standing, after: _Standing) -> bool:
    (was, marked), (now, marks) = before, after
    return (was.fence, was.done_seq, marked) != (now.fence, now.done_seq, marks)


def _whose(state: StreamState) -> str:
    return f"the stream of user {state.scope.user!r} of app {state.scope.app!r}"


async def _records(place: Place) -> AsyncIterator[Record]:
    async for record in place.log.export():
        yield record
    async for record in place.graph.export():
        yield record


# --------------------------------------------------------------------------- the target


class _Filling:
    """Writes records to the target in batches, and makes sure of them at the end."""

    def __init__(self, target: Place, progress: Progress) -> None:
        self._target = target
        self._progress = progress
        self._tally = Tally()
        self._log: list[LogRecord] = []
        self._graph: list[GraphRecord] = []
        self._bytes = 0

    async def add(self, record: Record) -> None:
        self._bytes += len(self._tally.add(record))
        if isinstance(record, _LOG):
            self._log.append(record)
        else:
            self._graph.append(cast("GraphRecord", record))
        if len(self._log) + len(self._graph) >= _BATCH or self._bytes >= _BATCH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        if self._log:
            await self._target.log.restore(self._log)
        if self._graph:
            await self._target.graph.restore(self._graph)
        for kind in dict.fromkeys(map(archive.kind_of, (*self._log, *self._graph))):
            self._progress(kind, self._tally.counts[kind])
        self._log, self._graph, self._bytes = [], [], 0

    async def finish(self) -> Mapping[str, int]:
        """Read back what was written; only if it is what was read, call the target whole."""
        await self.flush()
        there = Tally()
        async with _told(there.counts, self._progress, " checked") as tell:
            async for record in _records(self._target):
                there.add(record)
                tell(record)
        unlike = [
            f"{kind} ({self._tally.counts[kind]} read, {there.counts[kind]} there)"
            for kind in self._tally.unlike(there)
        ]
        if unlike:
            raise StoreError(
                f"the target does not hold what was read: {', '.join(unlike)} differ. Has somebody "
                "written to it meanwhile? It stays marked as unfinished"
            )
        await self._target.graph.finish_restore()
        await self._target.log.finish_restore()
        return there.counts


async def _begin(target: Place) -> None:
    await target.log.begin_restore()
    try:
        await target.graph.begin_restore()
    except GraphmemError:
        await target.log.finish_restore()
        raise


# --------------------------------------------------------------------------- files


@contextmanager
def created(path: str) -> Generator[BinaryIO]:
    """Open a new file to export to: for its owner alone, compressed if it ends with ``.gz``.

    It gets its name when the block ends well; else nothing is left of it. ``-`` is the standard
    output. Conflict where there is a file of that name.
    """
    if Path(path).exists():
        raise Conflict(f"{path!r} is there already; name another file, or delete that one")
    temporary = ""
    try:
        if path == "-":
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        # Of mode 0600: it holds what people have said.
        descriptor, temporary = tempfile.mkstemp(
            prefix=f"{Path(path).name}.", suffix=".part", dir=Path(path).parent
        )
        with os.fdopen(descriptor, "wb") as file:
            if path.endswith(".gz"):
                with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield file
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except OSError as error:
        raise StoreError(f"{path!r} cannot be written: {error.strerror or error}") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


@contextmanager
def opened(path: str) -> Generator[BinaryIO]:
    """Open a file to import from, compressed or not; ``-`` is the standard input.

    What cannot be read twice is copied to a file without a name first. InvalidInput where it
    cannot be read.
    """
    with ExitStack() as stack:
        try:
            given = sys.stdin.buffer if path == "-" else stack.enter_context(Path(path).open("rb"))
            file = given
            if path == "-" or not given.seekable():
                file = stack.enter_context(tempfile.TemporaryFile())
                copyfileobj(given, file)
                file.seek(0)
            packed = file.read(2) == _GZIP
            file.seek(0)
        except OSError as error:
            raise InvalidInput(f"{path!r} cannot be read: {error.strerror or error}") from error
        yield cast("BinaryIO", gzip.GzipFile(fileobj=file)) if packed else file


_GZIP: Final = b"\x1f\x8b"

"""Commands that move a whole memory: export, import, copy."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Annotated, TypeAlias

import typer
from rich.progress import TaskID

from graphmem import console
from graphmem.bootstrap import Stores, make_stores, place_of, read_settings, system_clock
from graphmem.cli.options import Log, Store, err, guarded, out, progress
from graphmem.errors import InvalidInput
from graphmem.transfer import (
    Progress,
    copy_memory,
    created,
    export_memory,
    import_memory,
    opened,
)

app = typer.Typer()

Counts: TypeAlias = Mapping[str, int]


@app.command("export")
def export(
    file: Annotated[
        str, typer.Argument(help="A file to make, compressed if .gz; - for standard output.")
    ],
    store: Store = None,
    log: Log = None,
) -> None:
    """Write the whole memory to a file, everybody's: sessions, events, facts, vectors.

    The file is for its owner alone. The memory may be in use meanwhile.
    """

    async def work(source: Stores, tell: Progress) -> Counts:
        with created(file) as target:
            return await export_memory(source, target, now=system_clock(), progress=tell)

    counts = _moved(store, log, work, must_exist=True)
    console.counts(err if file == "-" else out, counts)


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="A file that export made; - for standard input.")],
    store: Store = None,
    log: Log = None,
) -> None:
    """Fill an empty store with a whole memory from a file."""

    async def work(target: Stores, tell: Progress) -> Counts:
        with opened(file) as source:
            return await import_memory(source, target, progress=tell)

    console.counts(out, _moved(store, log, work))


@app.command("copy")
def copy(
    from_: Annotated[str, typer.Option("--from", metavar="URL", help="Where the memory is.")],
    to: Annotated[str, typer.Option("--to", metavar="URL", help="Where it shall be, too.")],
    from_log: Annotated[
        str | None, typer.Option("--from-log", metavar="URL", help="Where its event log is.")
    ] = None,
    to_log: Annotated[
        str | None, typer.Option("--to-log", metavar="URL", help="Where its event log shall be.")
    ] = None,
) -> None:
    """Fill an empty store with the whole of another; that one stays as it is."""

    async def work(target: Stores, tell: Progress) -> Counts:
        source = make_stores(from_, from_log, must_exist=True)
        try:
            return await copy_memory(source, target, now=system_clock(), progress=tell)
        finally:
            await source.graph.close()
            await source.log.close()

    guarded(lambda: _apart((from_, from_log or from_), (to, to_log or to)))
    console.counts(out, _moved(to, to_log or to, work))


def _apart(source: tuple[str, str], target: tuple[str, str]) -> None:
    if set(map(place_of, source)) & set(map(place_of, target)):
        raise InvalidInput("a memory cannot be copied onto itself: --from and --to are one place")


def _moved(
    store: str | None,
    log: str | None,
    work: Callable[[Stores, Progress], Awaitable[Counts]],
    *,
    must_exist: bool = False,
) -> Counts:
    """Open the stores without a model and move; progress is shown where there is a terminal."""

    async def run() -> Counts:
        given = {"store": store, "log": log}
        known = read_settings({k: v for k, v in given.items() if v is not None})
        stores = make_stores(known.store, known.log, must_exist=must_exist)
        try:
            with _shown() as tell:
                return await work(stores, tell)
        finally:
            await stores.graph.close()
            await stores.log.close()

    return guarded(lambda: asyncio.run(run()))


@contextmanager
def _shown() -> Generator[Progress]:
    if not err.is_terminal:
        yield lambda kind, count: None
        return
    tasks: dict[str, TaskID] = {}
    with progress() as bar:

        def tell(kind: str, count: int) -> None:
            if kind not in tasks:
                tasks[kind] = bar.add_task(kind.replace("_", " "), total=None)
            bar.update(tasks[kind], completed=count)

        yield tell

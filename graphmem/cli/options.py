"""What the commands share: their options, how they open a memory, how they fail."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from graphmem import console
from graphmem.bootstrap import open_manager, read_settings
from graphmem.errors import GraphmemError, InvalidInput
from graphmem.manager import MemoryManager
from graphmem.models import Scope, SourceClass

T = TypeVar("T")

out = Console()
err = Console(stderr=True)

Store = Annotated[str | None, typer.Option("--store", metavar="URL", help="Where memory lives.")]
Log = Annotated[str | None, typer.Option("--log", metavar="URL", help="Where the event log is.")]
App = Annotated[str | None, typer.Option("--app", help="The app of the scope.")]
User = Annotated[str | None, typer.Option("--user", help="The user of the scope.")]
SessionId = Annotated[str | None, typer.Option("--session", help="The session of the scope.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="What held then.")]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", metavar="TIME", help="What was believed then.")
]
TopK = Annotated[int, typer.Option("--top-k", min=1, max=1000, help="How many hits.")]
Explain = Annotated[bool, typer.Option("--explain", help="Show each hit's score per arm.")]
Topic = Annotated[str | None, typer.Option("--topic", help="Only facts of this topic.")]
PredicateName = Annotated[str | None, typer.Option("--predicate", help="Only this predicate.")]
Source = Annotated[SourceClass | None, typer.Option("--source", help="Only of this source.")]
Before = Annotated[
    str | None, typer.Option("--before", metavar="TIME", help="Only what occurred before.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go; change nothing.")]


def moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{option} {text!r}: expected a date or time such as 2024-05-31 or 2024-05-31T12:00Z"
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def say_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def guarded(work: Callable[[], T]) -> T:
    """Run, and turn our errors into one line and an exit status."""
    try:
        return work()
    except GraphmemError as error:
        err.print(console.plain(f"error: {error}", "red"))
        raise typer.Exit(1) from error


def with_memory(
    store: str | None,
    log: str | None,
    scope: tuple[str | None, str | None, str | None],
    work: Callable[[MemoryManager, Scope], Awaitable[T]],
    **settings: object,
) -> T:
    """Open the memory, run one verb in the scope, close; a command consolidates by itself."""

    async def run() -> T:
        given = {"store": store, "log": log, "app": scope[0], "user": scope[1], **settings}
        known = read_settings({k: v for k, v in given.items() if v is not None} | {"worker": "off"})
        here = Scope(app=known.app, user=known.user, session=scope[2])
        async with open_manager(known) as memory:
            return await work(memory, here)

    return guarded(lambda: asyncio.run(run()))


def progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=err,
        transient=True,
    )

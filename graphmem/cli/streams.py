"""Commands about conversations and what waits: sessions, jobs."""

from collections.abc import Callable, Sequence
from typing import Any

import typer

from graphmem import console, reports, wire
from graphmem.cli.options import (
    App,
    AsJson,
    Log,
    Store,
    User,
    out,
    say_json,
    with_memory,
)
from graphmem.manager import MemoryManager
from graphmem.models import Scope

sessions_app = typer.Typer(help="Conversations.", invoke_without_command=True)
jobs_app = typer.Typer(help="What waits to be consolidated.", invoke_without_command=True)


@sessions_app.callback()
def sessions_list(
    ctx: typer.Context,
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """List a user's sessions."""
    if ctx.invoked_subcommand is not None:
        return

    async def work(memory: MemoryManager, scope: Scope) -> Sequence[Any]:
        return await memory.sessions.list(scope, limit=1000)

    found = with_memory(store, log, (app_name, user, None), work)
    if as_json:
        say_json({"sessions": [wire.session_json(s) for s in found]})
    else:
        console.sessions(out, found)


@sessions_app.command("show")
def sessions_show(
    session_id: str,
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Show a session's events."""

    async def work(memory: MemoryManager, scope: Scope) -> Sequence[Any]:
        return await memory.sessions.events(scope, limit=10_000)

    found = with_memory(store, log, (app_name, user, session_id), work)
    if as_json:
        say_json({"events": [wire.event_json(e) for e in found]})
    else:
        console.events(out, found)


@sessions_app.command("delete")
def sessions_delete(
    session_id: str,
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Erase a session, its events and all that was read from them."""

    async def work(memory: MemoryManager, scope: Scope) -> Any:
        return await memory.sessions.delete(scope)

    gone = with_memory(store, log, (app_name, user, session_id), work)
    if as_json:
        say_json(reports.forget_json(gone))
    else:
        console.receipt(out, gone)


@jobs_app.callback()
def jobs_list(
    ctx: typer.Context, store: Store = None, log: Log = None, as_json: AsJson = False
) -> None:
    """List streams with events that wait, and why one stands still."""
    if ctx.invoked_subcommand is not None:
        return

    async def work(memory: MemoryManager, scope: Scope) -> Sequence[Any]:
        return await memory.consolidator.sessions.streams(pending=True)

    found = with_memory(store, log, (None, None, None), work)
    if as_json:
        say_json({"jobs": [reports.stream_json(s) for s in found]})
    else:
        console.streams(out, found)


def _resume(skip: bool) -> Callable[..., None]:
    def command(
        store: Store = None, log: Log = None, app_name: App = None, user: User = None
    ) -> None:
        async def work(memory: MemoryManager, scope: Scope) -> Any:
            await memory.consolidator.sessions.resume(scope, skip=skip)
            return await memory.generate_memories(scope)

        report = with_memory(store, log, (app_name, user, None), work)
        out.print(f"{report.events} events consolidated")

    return command


jobs_app.command("resume", help="Try a parked stream again.")(_resume(False))
jobs_app.command("skip", help="Go past the batch a stream is parked at.")(_resume(True))

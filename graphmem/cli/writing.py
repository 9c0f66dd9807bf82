"""Commands that take in: demo, ingest, remember."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from graphmem import console, reports
from graphmem.bootstrap import system_clock
from graphmem.cli.options import (
    App,
    AsJson,
    Log,
    SessionId,
    Store,
    User,
    err,
    guarded,
    out,
    progress,
    say_json,
    with_memory,
)
from graphmem.ingest import Ingestion, read_lines
from graphmem.ingest import ingest as ingest_events
from graphmem.manager import MemoryManager
from graphmem.models import Scope

app = typer.Typer()


@app.command()
def demo(
    store: Store = None,
    log: Log = None,
    keep: Annotated[bool, typer.Option(help="Keep the memory.")] = False,
) -> None:
    """Tell the main job as a story: a conversation becomes memory."""
    from graphmem.demo import tell

    guarded(lambda: asyncio.run(tell(out, store=store, log=log, keep=keep)))


@app.command()
def ingest(
    file: Annotated[str, typer.Argument(help="A JSONL file; - for standard input.")],
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    session: SessionId = None,
    as_json: AsJson = False,
) -> None:
    """Take in a conversation: OpenAI chat lines, or our own event form.

    Waits until all of it has become memory. A bad line is named and the good ones are kept; the
    exit status then says that some were bad.
    """

    async def work(memory: MemoryManager, scope: Scope) -> Ingestion:
        name = "stdin" if file == "-" else Path(file).stem
        lines = read_lines(file)
        with ExitStack() as stack:
            bar = stack.enter_context(progress()) if not as_json else None
            task = bar.add_task("consolidating", total=None) if bar else None

            def tell(done: int, total: int) -> None:
                if bar is not None and task is not None:
                    bar.update(task, completed=done, total=total)

            return await ingest_events(
                memory, scope, lines, default_session=name, now=system_clock(), progress=tell
            )

    made = with_memory(store, log, (app_name, user, session), work)
    if as_json:
        say_json(reports.ingestion_json(made))
    else:
        out.print(
            f"{made.stored} events taken in, {made.known} known before, "
            f"{made.forgotten} forgotten before, {len(made.bad)} bad lines"
        )
        console.outcomes(out, made.outcomes)
    for number, why in made.bad:
        err.print(console.plain(f"line {number}: {why}", "red"))
    if made.bad:
        raise typer.Exit(1)


@app.command()
def remember(
    text: Annotated[str, typer.Argument(help="What to remember.")],
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    session: SessionId = None,
    as_json: AsJson = False,
) -> None:
    """Keep one thing; print its id."""

    async def work(memory: MemoryManager, scope: Scope) -> tuple[str, Any]:
        memory_id = await memory.remember(text, scope)
        return memory_id, await memory.generate_memories(scope)

    memory_id, report = with_memory(store, log, (app_name, user, session), work)
    if as_json:
        say_json({"id": memory_id, "operations": reports.outcomes_json(report.outcomes)})
        return
    out.print(memory_id)
    console.outcomes(out, report.outcomes)

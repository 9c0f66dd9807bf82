"""The command line: the verbs of the manager, their arguments and how answers look.

No logic of its own: what a verb means is in ``manager``, how a memory is written as JSON in
``wire``, how it looks in ``console``.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from graphmem import console, reports, wire
from graphmem.bootstrap import (
    make_embedder,
    make_stores,
    new_owner,
    open_manager,
    read_settings,
    system_clock,
)
from graphmem.doctor import examine
from graphmem.doctor import reembed as reembed_graph
from graphmem.errors import GraphmemError, InvalidInput, MissingExtra
from graphmem.ingest import Ingestion, read_lines
from graphmem.ingest import ingest as ingest_events
from graphmem.manager import MemoryManager
from graphmem.models import Fact, Filter, Policy, Scope, SourceClass

T = TypeVar("T")

app = typer.Typer(
    name="graphmem",
    help="The memory that agents can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
sessions_app = typer.Typer(help="Conversations.", invoke_without_command=True)
jobs_app = typer.Typer(help="What waits to be consolidated.", invoke_without_command=True)
app.add_typer(sessions_app, name="sessions")
app.add_typer(jobs_app, name="jobs")

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


# --------------------------------------------------------------------------- running


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{option} {text!r}: expected a date or time such as 2024-05-31 or 2024-05-31T12:00Z"
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _say_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _guarded(work: Callable[[], T]) -> T:
    """Run, and turn our errors into one line and an exit status."""
    try:
        return work()
    except GraphmemError as error:
        err.print(console.plain(f"error: {error}", "red"))
        raise typer.Exit(1) from error


def _with_memory(
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

    return _guarded(lambda: asyncio.run(run()))


# --------------------------------------------------------------------------- writing


@app.command()
def demo(
    store: Store = None, keep: Annotated[bool, typer.Option(help="Keep the memory.")] = False
) -> None:
    """Tell the main job as a story: a conversation becomes memory."""
    from graphmem.demo import tell

    _guarded(lambda: asyncio.run(tell(out, store=store, keep=keep)))


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
            bar = stack.enter_context(_progress()) if not as_json else None
            task = bar.add_task("consolidating", total=None) if bar else None

            def tell(done: int, total: int) -> None:
                if bar is not None and task is not None:
                    bar.update(task, completed=done, total=total)

            return await ingest_events(
                memory, scope, lines, default_session=name, now=system_clock(), progress=tell
            )

    made = _with_memory(store, log, (app_name, user, session), work)
    if as_json:
        _say_json(reports.ingestion_json(made))
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

    memory_id, report = _with_memory(store, log, (app_name, user, session), work)
    if as_json:
        _say_json({"id": memory_id, "operations": reports.outcomes_json(report.outcomes)})
        return
    out.print(memory_id)
    console.outcomes(out, report.outcomes)


# --------------------------------------------------------------------------- reading


@app.command()
def recall(
    query: Annotated[str, typer.Argument(help="The question.")],
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    session: SessionId = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    top_k: TopK = 10,
    explain: Explain = False,
    topic: Topic = None,
    predicate: PredicateName = None,
    source: Source = None,
    as_json: AsJson = False,
) -> None:
    """Ask the memory a question."""

    async def work(memory: MemoryManager, scope: Scope) -> Sequence[Any]:
        return await memory.retrieve_memories(
            query,
            scope,
            top_k=top_k,
            filter=Filter(topic=topic, predicate=predicate, source=source),
            as_of=_moment(as_of, "--as-of"),
            known_at=_moment(known_at, "--known-at"),
        )

    found = _with_memory(store, log, (app_name, user, session), work)
    if as_json:
        _say_json({"hits": [wire.hit_json(h) for h in found]})
    else:
        console.hits(out, found, explain=explain)


@app.command()
def context(
    query: Annotated[str, typer.Argument(help="The user's turn.")],
    budget: Annotated[int, typer.Option("--budget", min=1, help="Tokens at most.")] = 1000,
    system: Annotated[str, typer.Option("--system", help="The system text.")] = "",
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    session: SessionId = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    top_k: TopK = 20,
    as_json: AsJson = False,
) -> None:
    """Build the prompt parts for a turn, within a token budget."""

    async def work(memory: MemoryManager, scope: Scope) -> Any:
        return await memory.build_context(
            query,
            scope,
            budget,
            system=system,
            top_k=top_k,
            as_of=_moment(as_of, "--as-of"),
            known_at=_moment(known_at, "--known-at"),
        )

    made = _with_memory(store, log, (app_name, user, session), work)
    if as_json:
        _say_json(wire.context_json(made))
    else:
        console.context(out, made)


@app.command()
def facts(
    everything: Annotated[bool, typer.Option("--all", help="Ended and retired ones too.")] = False,
    topic: Topic = None,
    predicate: PredicateName = None,
    source: Source = None,
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    session: SessionId = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """List the facts that hold; with --all every one there ever was."""
    where = Filter(topic=topic, predicate=predicate, source=source, session=session)

    async def work(memory: MemoryManager, scope: Scope) -> tuple[list[Fact], dict[str, str]]:
        found: list[Fact] = []
        cursor: str | None = None
        while True:
            page = await memory.list(
                scope,
                "fact",
                filter=where,
                as_of=_moment(as_of, "--as-of"),
                known_at=_moment(known_at, "--known-at"),
                versions=everything,
                limit=500,
                cursor=cursor,
            )
            found += page.facts
            cursor = page.cursor
            if cursor is None:
                break
        ends = {i for f in found for i in (f.subject_id, f.object_id) if i}
        return found, await memory.names(scope, sorted(ends))

    now = system_clock()
    found, names = _with_memory(store, log, (app_name, user, session), work)
    if as_json:
        _say_json({"facts": [wire.fact_json(f, names, now=now) for f in found]})
    else:
        console.facts(out, found, now)


@app.command()
def history(
    memory_id: Annotated[str, typer.Argument(help="A fact's id.")],
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    session: SessionId = None,
    as_json: AsJson = False,
) -> None:
    """Show every version of a fact and of what took its place, on both clocks."""

    async def work(memory: MemoryManager, scope: Scope) -> tuple[Sequence[Fact], dict[str, str]]:
        found = await memory.history(scope, memory_id)
        ends = {i for f in found for i in (f.subject_id, f.object_id) if i}
        return found, await memory.names(scope, sorted(ends))

    now = system_clock()
    found, names = _with_memory(store, log, (app_name, user, session), work)
    if as_json:
        _say_json({"versions": [wire.fact_json(f, names, now=now) for f in found]})
    else:
        console.versions(out, found)


@app.command()
def show(
    memory_id: Annotated[str, typer.Argument(help="The id of a fact, episode, entity or event.")],
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    session: SessionId = None,
    as_json: AsJson = False,
) -> None:
    """Show one memory whole, and why it is believed."""

    async def work(memory: MemoryManager, scope: Scope) -> tuple[Any, list[Fact], dict[str, str]]:
        item = await memory.get(scope, memory_id)
        near: list[Fact] = []
        if not isinstance(item, Fact):
            near = list((await memory.about(scope, item)).facts)
        ends = {i for f in near for i in (f.subject_id, f.object_id) if i}
        if isinstance(item, Fact):
            ends |= {i for i in (item.subject_id, item.object_id) if i}
        return item, near, await memory.names(scope, sorted(ends))

    now = system_clock()
    item, near, names = _with_memory(store, log, (app_name, user, session), work)
    if as_json:
        _say_json(reports.memory_json(item, near, names, now=now))
        return
    console.memory(out, item, now)
    if near:
        console.facts(out, near, now)


@app.command()
def stats(
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Count what a user's memory holds."""

    async def work(memory: MemoryManager, scope: Scope) -> dict[str, int]:
        return await memory.stats(scope)

    found = _with_memory(store, log, (app_name, user, None), work)
    if as_json:
        _say_json(found)
    else:
        console.counts(out, found)


# --------------------------------------------------------------------------- forgetting


@app.command()
def forget(
    memory_ids: Annotated[list[str] | None, typer.Argument(help="Ids of what to forget.")] = None,
    topic: Topic = None,
    predicate: PredicateName = None,
    source: Source = None,
    before: Before = None,
    everything: Annotated[bool, typer.Option("--everything", help="All of this user's.")] = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    session: SessionId = None,
    as_json: AsJson = False,
) -> None:
    """Erase memories, with the events they were read from, for ever."""
    if everything and not (yes or dry_run) and not typer.confirm("Forget everything?"):
        raise typer.Exit(1)

    async def work(memory: MemoryManager, scope: Scope) -> Any:
        where = Filter(
            topic=topic,
            predicate=predicate,
            source=source,
            occurred_to=_moment(before, "--before"),
            session=None if memory_ids else session,
        )
        return await memory.delete_memories(
            scope,
            memory_ids=memory_ids or (),
            filter=None if where.empty else where,
            everything=everything,
            dry_run=dry_run,
        )

    gone = _with_memory(store, log, (app_name, user, session), work)
    if as_json:
        _say_json(reports.forget_json(gone))
    else:
        console.receipt(out, gone)


@app.command()
def prune(
    max_age_days: Annotated[
        float | None, typer.Option(min=0, help="Let go what is older than this.")
    ] = None,
    importance_floor: Annotated[
        float | None, typer.Option(min=0, max=1, help="Let go facts whose importance fell below.")
    ] = None,
    half_life_days: Annotated[float, typer.Option(min=0.01, help="Importance halves in.")] = 90.0,
    keep_per_topic: Annotated[
        int | None, typer.Option(min=0, help="Keep only so many facts a topic.")
    ] = None,
    topic: Topic = None,
    dry_run: DryRun = False,
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Let go what a policy no longer keeps."""
    policy = Policy(
        max_age_days=max_age_days,
        importance_floor=importance_floor,
        half_life_days=half_life_days,
        keep_per_topic=keep_per_topic,
    )

    async def work(memory: MemoryManager, scope: Scope) -> Any:
        return await memory.prune_memories(
            scope, policy, filter=Filter(topic=topic), dry_run=dry_run
        )

    gone = _with_memory(store, log, (app_name, user, None), work)
    if as_json:
        _say_json(reports.forget_json(gone))
    else:
        console.receipt(out, gone)


# --------------------------------------------------------------------------- sessions, jobs


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

    found = _with_memory(store, log, (app_name, user, None), work)
    if as_json:
        _say_json({"sessions": [wire.session_json(s) for s in found]})
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

    found = _with_memory(store, log, (app_name, user, session_id), work)
    if as_json:
        _say_json({"events": [wire.event_json(e) for e in found]})
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

    gone = _with_memory(store, log, (app_name, user, session_id), work)
    if as_json:
        _say_json(reports.forget_json(gone))
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

    found = _with_memory(store, log, (None, None, None), work)
    if as_json:
        _say_json({"jobs": [reports.stream_json(s) for s in found]})
    else:
        console.streams(out, found)


def _resume(skip: bool) -> Callable[..., None]:
    def command(
        store: Store = None, log: Log = None, app_name: App = None, user: User = None
    ) -> None:
        async def work(memory: MemoryManager, scope: Scope) -> Any:
            await memory.consolidator.sessions.resume(scope, skip=skip)
            return await memory.generate_memories(scope)

        report = _with_memory(store, log, (app_name, user, None), work)
        out.print(f"{report.events} events consolidated")

    return command


jobs_app.command("resume", help="Try a parked stream again.")(_resume(False))
jobs_app.command("skip", help="Go past the batch a stream is parked at.")(_resume(True))


# --------------------------------------------------------------------------- running it


@app.command()
def worker(
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing is ready.")] = False,
    store: Store = None,
    log: Log = None,
) -> None:
    """Consolidate in the background until told to stop; several may run at once."""
    from graphmem.worker import serve

    async def work(memory: MemoryManager, scope: Scope) -> int:
        return await serve(memory.consolidator, new_owner(), once=once)

    done = _with_memory(store, log, (None, None, None), work)
    out.print(f"{done} batches consolidated")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Where to listen.")] = None,
    store: Store = None,
    log: Log = None,
) -> None:
    """Run the REST service."""
    try:
        import uvicorn

        from graphmem.api.main import create_app
    except ImportError as error:
        err.print(console.plain(f"error: {MissingExtra('server', 'fastapi')}", "red"))
        raise typer.Exit(1) from error
    given = {"store": store, "log": log, "api_host": host, "api_port": port}
    known = _guarded(lambda: read_settings({k: v for k, v in given.items() if v is not None}))
    uvicorn.run(
        create_app(known),
        host=known.api_host,
        port=known.api_port,
        log_level=known.log_level.lower(),
    )


@app.command()
def reembed(
    embedder: Annotated[str, typer.Option("--embedder", help="The new embedding model.")] = "onnx",
    store: Store = None,
    log: Log = None,
) -> None:
    """Change the store's embedding model, while it is in use."""

    async def run() -> int:
        given = {"store": store, "log": log}
        known = read_settings({k: v for k, v in given.items() if v is not None})
        sessions, graph = make_stores(known.store, known.log)
        encoder = make_embedder(embedder)
        try:
            await sessions.migrate()
            with _progress() as bar:
                task = bar.add_task("embedding", total=None)
                return await reembed_graph(graph, encoder, progress=lambda n: bar.advance(task, n))
        finally:
            await encoder.close()
            await graph.close()
            await sessions.close()

    made = _guarded(lambda: asyncio.run(run()))
    out.print(f"{made} memories embedded; the store now uses {embedder}")


@app.command()
def doctor(store: Store = None, log: Log = None, as_json: AsJson = False) -> None:
    """Say whether the memory is well."""

    async def work(memory: MemoryManager, scope: Scope) -> Any:
        return await examine(memory.consolidator.sessions, memory.consolidator.graph)

    found = _with_memory(store, log, (None, None, None), work)
    if as_json:
        _say_json(
            {
                "well": found.well,
                "complaints": list(found.complaints),
                "jobs": [reports.stream_json(s) for s in found.streams],
            }
        )
    else:
        for complaint in found.complaints:
            out.print(console.plain(f"  {complaint}", "red"))
        out.print("All is well." if found.well else f"{len(found.complaints)} complaints.")
    if not found.well:
        raise typer.Exit(1)


@app.command("eval")
def evaluate(
    dataset: Annotated[str, typer.Argument(help="locomo or beam100k.")] = "locomo",
    data: Annotated[Path, typer.Option("--data", help="The folder of the data set.")] = Path(
        "data"
    ),
    conversations: Annotated[
        int | None, typer.Option("--conversations", min=1, help="Only the first so many.")
    ] = None,
    ablation: Annotated[bool, typer.Option(help="Switch off each arm in turn.")] = True,
    as_json: AsJson = False,
) -> None:
    """Measure recall of gold evidence through the real store."""
    from graphmem.eval import runner

    def work() -> Any:
        return asyncio.run(
            runner.evaluate(dataset, data, conversations=conversations, ablation=ablation)
        )

    report = _guarded(work)
    if as_json:
        _say_json(report)
    else:
        out.print(runner.table(report))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=err,
        transient=True,
    )


def main() -> None:
    """Run the command line."""
    app()

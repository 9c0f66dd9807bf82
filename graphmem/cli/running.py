"""Commands that run it and look after it: worker, serve, reembed, doctor, browser."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from graphmem import browser as window
from graphmem import console, reports
from graphmem.bootstrap import (
    make_embedder,
    make_stores,
    new_owner,
    read_settings,
)
from graphmem.cli.options import (
    App,
    AsJson,
    Log,
    Store,
    User,
    err,
    guarded,
    out,
    progress,
    say_json,
    with_memory,
)
from graphmem.doctor import Diagnosis, examine
from graphmem.doctor import reembed as reembed_graph
from graphmem.errors import MissingExtra
from graphmem.manager import MemoryManager
from graphmem.models import Scope
from graphmem.telemetry import configure

app = typer.Typer()


@app.command()
def worker(
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing is ready.")] = False,
    store: Store = None,
    log: Log = None,
) -> None:
    """Consolidate in the background until told to stop; several may run at once."""
    from graphmem.worker import serve

    known = guarded(lambda: read_settings({}))
    configure(known.log_level, known.log_format)

    async def work(memory: MemoryManager, scope: Scope) -> int:
        return await serve(memory.consolidator, new_owner(), once=once, tidy=memory.sessions.expire)

    done = with_memory(store, log, (None, None, None), work)
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
    known = guarded(lambda: read_settings({k: v for k, v in given.items() if v is not None}))
    configure(known.log_level, known.log_format)
    uvicorn.run(create_app(known), host=known.api_host, port=known.api_port, log_config=None)


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
        stores = make_stores(known.store, known.log)
        sessions, graph = stores.log, stores.graph
        encoder = make_embedder(embedder)
        try:
            await sessions.migrate()
            with progress() as bar:
                task = bar.add_task("embedding", total=None)
                return await reembed_graph(graph, encoder, progress=lambda n: bar.advance(task, n))
        finally:
            await encoder.close()
            await graph.close()
            await sessions.close()

    made = guarded(lambda: asyncio.run(run()))
    out.print(f"{made} memories embedded; the store now uses {embedder}")


@app.command()
def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Make anew first what is derived from memories.")
    ] = False,
    store: Store = None,
    log: Log = None,
    as_json: AsJson = False,
) -> None:
    """Say whether the memory is well."""

    async def work(memory: MemoryManager, scope: Scope) -> Diagnosis:
        made = memory.consolidator
        return await examine(made.sessions, made.graph, repair=repair)

    found = with_memory(store, log, (None, None, None), work)
    if as_json:
        say_json(
            {
                "well": found.well,
                "complaints": list(found.complaints),
                "remarks": list(found.remarks),
                "repaired": list(found.repaired),
                "jobs": [reports.stream_json(s) for s in found.streams],
            }
        )
    else:
        for line in found.repaired:
            out.print(console.plain(f"  {line}", "green"))
        for line in found.complaints:
            out.print(console.plain(f"  {line}", "red"))
        for line in found.remarks:
            out.print(console.plain(f"  {line}", "dim"))
        out.print("All is well." if found.well else f"{len(found.complaints)} complaints.")
    if not found.well:
        raise typer.Exit(1)


@app.command()
def browser(
    folder: Annotated[Path, typer.Argument(help="Where its two files go.")] = Path(),
    conf: Annotated[
        bool, typer.Option("--conf", help="Print the style as a line of neo4j.conf instead.")
    ] = False,
    app_name: App = None,
    user: User = None,
) -> None:
    """Write a style and saved queries for Neo4j Browser, and say whose memory to ask."""
    given = {"app": app_name, "user": user}
    known = guarded(lambda: read_settings({k: v for k, v in given.items() if v is not None}))
    scope = guarded(lambda: Scope(app=known.app, user=known.user))
    if conf:
        typer.echo(window.setting(scope if user is not None else None))
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / window.STYLE).write_text(window.style(), "utf-8")
        (folder / window.QUERIES).write_bytes(window.archive())
    except OSError as error:
        err.print(console.plain(f"error: {error}", "red"))
        raise typer.Exit(1) from error
    typer.echo("Drop these on the window of Neo4j Browser:")
    typer.echo(f"  {folder / window.STYLE}")
    typer.echo(f"  {folder / window.QUERIES}")
    typer.echo("Say whose memory you ask, and about whom:")
    typer.echo(f"  {window.parameters(scope)}")
    typer.echo("  :param name => 'Ada'")
    typer.echo("Then try, among the favourites:")
    for title in window.queries():
        typer.echo(f"  {title}")

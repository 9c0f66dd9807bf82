"""Commands that decide: what leaves quarantine, who is who."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from graphmem import console, reports, wire
from graphmem.bootstrap import system_clock
from graphmem.cli.options import App, AsJson, Log, Store, User, out, say_json, with_memory
from graphmem.listing import PAGE, pages
from graphmem.manager import MemoryManager
from graphmem.models import Entity, Fact, Scope

app = typer.Typer(help="Decide what is to be believed, and who is who.", no_args_is_help=True)


@app.command("quarantine")
def quarantine(
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """List the facts that are kept but not used until they are released."""

    async def work(memory: MemoryManager, scope: Scope) -> tuple[Sequence[Fact], dict[str, str]]:
        found = await memory.review.quarantined(scope)
        ends = {i for f in found for i in (f.subject_id, f.object_id) if i}
        return found, await memory.names(scope, sorted(ends))

    now = system_clock()
    found, names = with_memory(store, log, (app_name, user, None), work)
    if as_json:
        say_json({"facts": [wire.fact_json(f, names, now=now) for f in found]})
    else:
        console.facts(out, found, now)


@app.command("release")
def release(
    fact_ids: Annotated[list[str], typer.Argument(help="Ids of facts in quarantine.")],
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
) -> None:
    """Let facts leave quarantine."""

    async def work(memory: MemoryManager, scope: Scope) -> None:
        await memory.review.release(scope, fact_ids)

    with_memory(store, log, (app_name, user, None), work)
    out.print(f"{len(fact_ids)} released")


@app.command("entities")
def entities(
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """List whom and what the memory knows, with other names they go by."""

    async def work(memory: MemoryManager, scope: Scope) -> list[Entity]:
        listed = pages(lambda cursor: memory.list(scope, "entity", limit=PAGE, cursor=cursor))
        found = [entity async for page in listed for entity in page.entities]
        return sorted(found, key=lambda e: (e.name.casefold(), e.id))

    found = with_memory(store, log, (app_name, user, None), work)
    if as_json:
        say_json({"entities": [reports.entity_json(e) for e in found]})
    else:
        console.entities(out, found)


@app.command("merge")
def merge(
    keep: Annotated[str, typer.Argument(help="The entity whose id and name stay.")],
    other: Annotated[str, typer.Argument(help="The entity that is the same.")],
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
) -> None:
    """Say that two entities are one and the same; `split` takes it back."""

    async def work(memory: MemoryManager, scope: Scope) -> Any:
        await memory.review.merge(scope, keep, other)
        return await memory.get(scope, keep)

    found = with_memory(store, log, (app_name, user, None), work)
    console.memory(out, found, system_clock())


@app.command("split")
def split(
    other: Annotated[str, typer.Argument(help="The entity that was merged into another.")],
    store: Store = None,
    log: Log = None,
    app_name: App = None,
    user: User = None,
) -> None:
    """Take a merge back, as though it had never been."""

    async def work(memory: MemoryManager, scope: Scope) -> Any:
        await memory.review.split(scope, other)
        return await memory.get(scope, other)

    found = with_memory(store, log, (app_name, user, None), work)
    console.memory(out, found, system_clock())

"""Commands that ask: recall, context, facts, history, show, stats."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from graphmem import console, reports, wire
from graphmem.bootstrap import system_clock
from graphmem.cli.options import (
    App,
    AsJson,
    AsOf,
    Explain,
    KnownAt,
    Log,
    PredicateName,
    SessionId,
    Source,
    Store,
    Topic,
    TopK,
    User,
    moment,
    out,
    say_json,
    with_memory,
)
from graphmem.listing import PAGE, pages
from graphmem.manager import MemoryManager
from graphmem.models import Fact, Filter, Scope

app = typer.Typer()


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
            as_of=moment(as_of, "--as-of"),
            known_at=moment(known_at, "--known-at"),
        )

    found = with_memory(store, log, (app_name, user, session), work)
    if as_json:
        say_json({"hits": [wire.hit_json(h) for h in found]})
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
            as_of=moment(as_of, "--as-of"),
            known_at=moment(known_at, "--known-at"),
        )

    made = with_memory(store, log, (app_name, user, session), work)
    if as_json:
        say_json(wire.context_json(made))
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
        listed = pages(
            lambda cursor: memory.list(
                scope,
                "fact",
                filter=where,
                as_of=moment(as_of, "--as-of"),
                known_at=moment(known_at, "--known-at"),
                versions=everything,
                limit=PAGE,
                cursor=cursor,
            )
        )
        found = [fact async for page in listed for fact in page.facts]
        ends = {i for f in found for i in (f.subject_id, f.object_id) if i}
        return found, await memory.names(scope, sorted(ends))

    now = system_clock()
    found, names = with_memory(store, log, (app_name, user, session), work)
    if as_json:
        say_json({"facts": [wire.fact_json(f, names, now=now) for f in found]})
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
    found, names = with_memory(store, log, (app_name, user, session), work)
    if as_json:
        say_json({"versions": [wire.fact_json(f, names, now=now) for f in found]})
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
    item, near, names = with_memory(store, log, (app_name, user, session), work)
    if as_json:
        say_json(reports.memory_json(item, near, names, now=now))
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

    found = with_memory(store, log, (app_name, user, None), work)
    if as_json:
        say_json(found)
    else:
        console.counts(out, found)

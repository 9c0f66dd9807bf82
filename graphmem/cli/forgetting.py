"""Commands that let go: forget, prune."""

from typing import Annotated, Any

import typer

from graphmem import console, reports
from graphmem.cli.options import (
    App,
    AsJson,
    Before,
    DryRun,
    Log,
    PredicateName,
    SessionId,
    Source,
    Store,
    Topic,
    User,
    moment,
    out,
    say_json,
    with_memory,
)
from graphmem.manager import MemoryManager
from graphmem.models import Filter, Policy, Scope

app = typer.Typer()


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
            occurred_to=moment(before, "--before"),
            session=None if memory_ids else session,
        )
        gone = await memory.delete_memories(
            scope,
            memory_ids=memory_ids or (),
            filter=None if where.empty else where,
            everything=everything,
            dry_run=dry_run,
        )
        if not dry_run:
            await memory.generate_memories(scope)
        return gone

    gone = with_memory(store, log, (app_name, user, session), work)
    if as_json:
        say_json(reports.forget_json(gone))
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
        gone = await memory.prune_memories(
            scope, policy, filter=Filter(topic=topic), dry_run=dry_run
        )
        if not dry_run:
            await memory.generate_memories(scope)
        return gone

    gone = with_memory(store, log, (app_name, user, None), work)
    if as_json:
        say_json(reports.forget_json(gone))
    else:
        console.receipt(out, gone)

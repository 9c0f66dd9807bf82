"""The main job as a story: a conversation goes in, its memory comes out.

Runs on the default store, embedder and extractor; no key, no server, no download. Everything that
is printed is asked of the memory there and then.
"""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.rule import Rule

from graphmem import console
from graphmem.bootstrap import open_manager, read_settings, system_clock
from graphmem.ingest import ingest
from graphmem.manager import MemoryManager
from graphmem.models import Fact, Scope

ADA: Final = Scope(app="demo", user="ada")
QUESTIONS: Final = (
    "Where does Ada live now?",
    "Where does Ada work?",
    "What is her boat called?",
    "Who is Anna?",
    "What must Ada not eat?",
)


def lines() -> list[bytes]:
    """Return the conversation, one JSON line per event."""
    return files("graphmem.assets").joinpath("demo.jsonl").read_bytes().splitlines()


async def tell(out: Console, *, store: str | None, log: str | None, keep: bool) -> None:
    """Tell the story; ``keep`` leaves the memory in ``graphmem-demo.db``."""
    with tempfile.TemporaryDirectory(prefix="graphmem-") as folder:
        where = store or (
            "sqlite:///graphmem-demo.db" if keep else f"sqlite:///{Path(folder) / 'demo.db'}"
        )
        given = {"store": where, "worker": "off"} | ({"log": log} if log else {})
        settings = read_settings(given)
        async with open_manager(settings) as memory:
            await _story(out, memory)
    if keep or store:
        out.print(f"\nThe memory is kept in {where}: try")
        beside = f" --log {log}" if log else ""
        out.print(f'  graphmem recall "Who is Anna?" --store {where}{beside} --app demo --user ada')


async def _story(out: Console, memory: MemoryManager) -> None:
    now = system_clock()
    out.print(Rule("1. A conversation goes in"))
    made = await ingest(
        memory, ADA, lines(), default_session="demo", now=now, progress=lambda done, total: None
    )
    out.print(
        f"{made.stored + made.known} events, {made.known} of them known before. Read in them:"
    )
    console.outcomes(out, made.outcomes)

    out.print(Rule("2. What is known now"))
    page = await memory.list(ADA, "fact", limit=100)
    console.facts(out, page.facts, now, ids=False)

    out.print(Rule("3. Nothing is overwritten: where Ada lived, on both clocks"))
    homes = [f for f in page.facts if f.predicate == "lives_in" and f.text.startswith("Ada")]
    if homes:
        console.versions(out, _by_time(await memory.history(ADA, homes[0].id)))

    out.print(Rule("4. Questions"))
    for question in QUESTIONS:
        out.print(console.plain(f"? {question}", "bold"))
        console.hits(out, await memory.retrieve_memories(question, ADA, top_k=3), explain=False)
    then = datetime(2023, 6, 1, tzinfo=UTC)
    out.print(console.plain("? Where does Ada live?   (as of 1 June 2023)", "bold"))
    console.hits(
        out,
        await memory.retrieve_memories("Where does Ada live?", ADA, top_k=1, as_of=then),
        explain=True,
    )

    out.print(Rule("5. A prompt context within 300 tokens"))
    console.context(
        out,
        await memory.build_context(
            "Suggest a dinner close to where Ada lives; what may she eat?",
            ADA,
            300,
            system="You help Ada.",
        ),
    )

    out.print(Rule("6. Forgetting is for ever, and what it closed revives"))
    moved = [f for f in page.facts if f in homes]
    if moved:
        gone = await memory.delete_memories(ADA, memory_ids=[moved[0].id])
        console.receipt(out, gone)
        left = await memory.list(ADA, "fact", limit=100)
        console.facts(out, [f for f in left.facts if f.predicate == "lives_in"], now, ids=False)


def _by_time(found: Sequence[Fact]) -> list[Fact]:
    return sorted(found, key=lambda f: (f.recorded_at, str(f.valid_from)))

"""Speed of the embedded store, all figures from one run: ``python -m tests.bench``.

Prints p50, p95 and p99 in milliseconds, rates a second, and bytes. Nothing here asserts a time.
The embedding of a question is measured apart from recall. The default takes a minute or two; the
sizes that the targets speak of are given by flag, want some 8 KB of disk a fact in ``--folder``,
and many minutes: ``--facts 1000 20000 100000 --scopes 1000 --per-scope 1000``. With ``--write`` the
figures also go into a page, with the machine and the command that gave them.
"""

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import numpy as np

from graphmem import Event, Scope, TextPart
from graphmem.bootstrap import open_memory
from graphmem.embed.onnx import OnnxEmbedder
from graphmem.manager import MemoryManager
from graphmem.ports import Embedder, Extractor
from graphmem.testing.fakes import LineExtractor
from graphmem.testing.neo4j.jars import RELEASES
from tests.bench import neo4j
from tests.bench.load import (
    START,
    TableEmbedder,
    WordEmbedder,
    copy,
    load,
    question,
    sentence,
)

QUESTIONS = 60
COLD = 5  # so often is one scope opened anew
PAUSE_S = 0.002


said: list[str] = []


def say(line: str) -> None:
    said.append(line)
    print(line, flush=True)


def row(name: str, times: Sequence[float]) -> None:
    p50, p95, p99 = np.percentile(np.array(times) * 1000, [50, 95, 99])
    say(f"| {name} | {p50:.2f} | {p95:.2f} | {p99:.2f} | {len(times)} |")


def note(text: str) -> None:
    say(f"| … {text} | | | | |")


def page() -> str:
    """Return what was measured as a page of the documentation."""
    command = " ".join(["python -m tests.bench", *sys.argv[1:]])
    return "\n".join(
        [
            "# Speed",
            "",
            "Written by the run itself. Times are of this machine at this load. Recall has a stub",
            "for an encoder, whose time is in a row of its own.",
            "",
            f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, "
            f"SQLite {apsw.sqlite_lib_version()}:",
            "",
            *said,
            "",
        ]
    )


async def timed(n: int, work: Callable[[int], Awaitable[object]]) -> list[float]:
    found: list[float] = []
    for i in range(n):
        began = time.perf_counter()
        await work(i)
        found.append(time.perf_counter() - began)
    return found


def event(i: int, text: str, session: str | None = None) -> Event:
    return Event(
        id=f"x{i}",
        parts=(TextPart(text=text),),
        occurred_at=START + timedelta(days=400, minutes=i),
        session_id=session or f"x{i // 50}",
    )


@asynccontextmanager
async def memory_at(
    path: Path, embedder: Embedder, extractor: Extractor | None = None
) -> AsyncGenerator[MemoryManager]:
    async with open_memory(
        f"sqlite:///{path}", worker="off", embedder=embedder, extractor=extractor
    ) as memory:
        yield memory


# --------------------------------------------------------------------------- recall


async def ask(
    memory: MemoryManager, embedder: WordEmbedder, asked: Sequence[tuple[str, Scope]]
) -> list[float]:
    """Ask, each question embedded before its time is taken."""
    for text, _ in asked:
        await embedder.embed([text], purpose="query")
    return await timed(len(asked), lambda i: memory.retrieve_memories(*asked[i]))


async def one_scope(folder: Path, n: int, embedder: WordEmbedder) -> None:
    path, scope = folder / "one.db", Scope(user="ada")
    began = time.perf_counter()
    async with memory_at(path, embedder) as memory:
        await load(memory.consolidator.graph, embedder, scope, n)
    loaded = n / (time.perf_counter() - began)
    cold: list[float] = []
    for i in range(COLD):
        async with memory_at(path, embedder) as memory:
            cold += await ask(memory, embedder, [(question(700 + i, n), scope)])
    row(f"recall, {n:,} facts in one scope, the first question", cold)
    async with memory_at(path, embedder, LineExtractor()) as memory:
        await ask(memory, embedder, [(question(i, n), scope) for i in range(800, 820)])
        asked = [(question(i, n), scope) for i in range(QUESTIONS)]
        row(f"recall, {n:,} facts in one scope, warm", await ask(memory, embedder, asked))
        row(f"recall, {n:,} facts in one scope, asked again", await ask(memory, embedder, asked))
        after: list[float] = []
        for i in range(COLD):
            said = event(i, f"Person{i}|likes|'{sentence(i)}'", "x")
            await memory.append(Scope(user="ada", session="x"), [said])
            await memory.generate_memories(scope)
            after += await ask(memory, embedder, [(question(900 + i, n), scope)])
        row(f"recall, {n:,} facts in one scope, after a write", after)
    await sizes(path, n, [scope], embedder.dimension)
    note(f"loaded at {loaded:.0f} facts/s")
    await asyncio.to_thread(path.unlink)


async def many_scopes(
    folder: Path, scopes: int, n: int, embedder: WordEmbedder, keep_mb: int | None
) -> None:
    path = folder / "many.db"
    users = [Scope(user=f"u{i}") for i in range(scopes)]
    began = time.perf_counter()
    async with memory_at(path, embedder) as memory:
        await load(memory.consolidator.graph, embedder, users[0], n)
    await asyncio.to_thread(copy, path, users[0], users[1:])
    loaded = scopes * n / (time.perf_counter() - began)
    rng = np.random.default_rng(0)
    what = f"recall, {scopes * n:,} facts over {scopes:,} scopes"
    async with memory_at(path, embedder) as memory:
        order = rng.permutation(scopes)[: 3 * QUESTIONS]
        asked = [(question(i, n), users[at]) for i, at in enumerate(order)]
        row(f"{what}, each scope's first question", await ask(memory, embedder, asked))
        # Again and again whom the cache has room for, as the users of an hour are.
        few = rng.choice(order[-min(50, len(order)) :], 3 * QUESTIONS)
        asked = [(question(500 + i, n), users[at]) for i, at in enumerate(few)]
        row(f"{what}, warm", await ask(memory, embedder, asked))
        asked = [
            (question(i, n), users[at]) for i, at in enumerate(rng.choice(scopes, 5 * QUESTIONS))
        ]
        row(f"{what}, any scope at random", await ask(memory, embedder, asked))
    if keep_mb:
        os.environ["GRAPHMEM_RECALL_MEMORY_MB"] = str(keep_mb)
        async with memory_at(path, embedder) as memory:
            every = [(question(900 + i, n), user) for i, user in enumerate(users)]
            await ask(memory, embedder, every)
            row(f"{what}, any at random, {keep_mb:,} MB kept", await ask(memory, embedder, asked))
        del os.environ["GRAPHMEM_RECALL_MEMORY_MB"]
    await sizes(path, scopes * n, users[:20], embedder.dimension)
    note(f"loaded at {loaded:.0f} facts/s")
    await asyncio.to_thread(path.unlink)


async def sizes(path: Path, facts: int, scopes: Sequence[Scope], dimension: int) -> None:
    """Print disk, and what recall of these scopes adds to a process of its own."""
    argv = [sys.executable, "-m", "tests.bench", "--dimension", str(dimension), "--rss", str(path)]
    argv += [scope.user or "" for scope in scopes]
    run = await asyncio.to_thread(
        subprocess.run, argv, stdout=subprocess.PIPE, text=True, check=True
    )
    grown, held = (int(figure) for figure in run.stdout.split())
    disk = await asyncio.to_thread(lambda: path.stat().st_size)
    note(
        f"on disk {disk / facts:.0f} KB per 1,000 facts, in memory {1000 * grown / held / 1024:.0f}"
        f" KB per 1,000 that were asked ({grown >> 20} MB for {held:,})"
    )


async def grown(path: Path, users: Sequence[str], dimension: int) -> None:
    """Print by how many bytes this process grows when these scopes are asked, and their facts."""
    embedder = WordEmbedder(dimension)
    async with memory_at(path, embedder) as memory:
        scopes = [Scope(user=user) for user in users]
        stats = [await memory.stats(scope) for scope in scopes]
        held = sum(found["facts_current"] for found in stats)
        await ask(memory, embedder, [("warm", Scope(user="nobody"))])
        before = resident()
        for scope in scopes:
            await ask(memory, embedder, [(question(i, 1000), scope) for i in range(3)])
        print(resident() - before, held)


def resident() -> int:
    """Return the bytes of this process's own memory; mapped pages of the file are the system's."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


# --------------------------------------------------------------------------- writing


async def append(folder: Path, embedder: WordEmbedder) -> None:
    scope = Scope(user="ada", session="s0")
    async with memory_at(folder / "append.db", embedder, LineExtractor()) as memory:

        async def one(i: int) -> None:
            await memory.append(scope, [event(i, sentence(i), "s0")])

        await timed(50, lambda i: one(10_000 + i))
        row("append of one event, on disk, one after the other", await timed(1000, one))
        spaced: list[float] = []
        for i in range(300):
            await asyncio.sleep(PAUSE_S)
            spaced += await timed(1, lambda _, i=i: one(20_000 + i))
        row("append of one event, on disk, with pauses", spaced)


async def consolidation(
    folder: Path, name: str, texts: Sequence[str], embedder: Embedder, extractor: Extractor | None
) -> None:
    async with memory_at(folder / f"{name}.db", embedder, extractor) as memory:
        events = [event(i, text) for i, text in enumerate(texts)]
        for start in range(0, len(events), 50):
            batch = events[start : start + 50]
            await memory.append(Scope(user="ada", session=batch[0].session_id), batch)
        began = time.perf_counter()
        await memory.generate_memories(Scope(user="ada"))
        rate = len(texts) / (time.perf_counter() - began)
    note(f"consolidation, {name}: {rate:.0f} events/s of {len(texts):,}")


async def writing(folder: Path, n: int) -> None:
    embedder = OnnxEmbedder()
    talk = [
        f"I met Tom in Lisbon on day {i} and we talked about {sentence(i)}, the weather, and how "
        "my sister is going to move into her new flat next month."
        for i in range(n)
    ]
    row(
        "embedding of a question",
        await timed(QUESTIONS, lambda i: embedder.embed([talk[i % n]], purpose="query")),
    )
    await consolidation(folder, "rules and encoder", talk[:300], embedder, None)
    stub = TableEmbedder()
    await consolidation(folder, "rules, encoder stubbed", talk, stub, None)
    lines = [f"Person{i % (n // 10 + 1)}|likes|'{sentence(i)}'" for i in range(n)]
    await consolidation(folder, "lines, encoder stubbed", lines, stub, LineExtractor())
    await consolidation(folder, "no statements, encoder stubbed", talk, stub, LineExtractor())


# --------------------------------------------------------------------------- the run


def pace() -> float:
    """Return how many milliseconds this machine takes for a fixed loop, now."""
    began = time.perf_counter()
    sum(i * i for i in range(1_000_000))
    return 1000 * (time.perf_counter() - began)


async def run(given: argparse.Namespace) -> None:
    say(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"a loop of 1,000,000 in {min(pace() for _ in range(3)):.0f} ms"
    )
    say("")
    say("| what | p50 ms | p95 ms | p99 ms | n |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder, embedder = Path(name), WordEmbedder(given.dimension)
        await append(folder, embedder)
        await writing(folder, given.events)
        for n in given.facts:
            await one_scope(folder, n, embedder)
        if given.scopes > 1:
            await many_scopes(folder, given.scopes, given.per_scope, embedder, given.keep_mb)
        if given.neo4j:
            await in_neo4j(folder, given, embedder)
    say("")
    say(f"Load {os.getloadavg()[0]:.1f} at the end, the loop {pace():.0f} ms.")
    if given.write is not None:
        await asyncio.to_thread(given.write.write_text, page(), encoding="utf-8")


async def in_neo4j(folder: Path, given: argparse.Namespace, embedder: WordEmbedder) -> None:
    sizes = [(f"{n:,} facts in one scope", [Scope(user=f"one {n}")], n) for n in given.facts]
    many, each = given.neo4j_scopes, given.per_scope
    if many:
        users = [Scope(user=f"u{i}") for i in range(many)]
        sizes.append((f"{many * each:,} facts over {many:,} scopes", users, each))
    for line in given.neo4j:
        # One server after the other: two beside each other would share the cores.
        # And a log of its own: what one has consolidated, the other has not.
        own = (given.keep or folder) / line
        await asyncio.to_thread(lambda own=own: own.mkdir(parents=True, exist_ok=True))
        async with neo4j.servers(own, [line]) as started:
            for name, scopes, n in sizes:
                await neo4j.measured(
                    own,
                    started[line],
                    name,
                    scopes,
                    n,
                    embedder,
                    ask=ask,
                    row=row,
                    note=note,
                    questions=QUESTIONS,
                )
            await neo4j.consolidation(own, started[line], embedder, note, event)
            if given.tenants:
                await neo4j.small_tenants(started[line], given.tenants, embedder, note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, nargs="*", default=[1000, 5000])
    parser.add_argument("--scopes", type=int, default=30)
    parser.add_argument("--per-scope", type=int, default=200)
    parser.add_argument("--keep-mb", type=int, help="ask again with so much memory for scopes")
    parser.add_argument("--neo4j", nargs="*", choices=list(RELEASES), help="these lines as well")
    parser.add_argument("--tenants", type=int, default=0, help="vectors of 100 scopes, in Neo4j")
    parser.add_argument("--neo4j-scopes", type=int, default=0, help="so many of --per-scope facts")
    parser.add_argument("--events", type=int, default=500, help="consolidated, encoder stubbed")
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument(
        "--keep", type=Path, help="leave Neo4j's data here; what is there is not loaded again"
    )
    parser.add_argument("--folder", type=Path, help="where the files are made and removed")
    parser.add_argument("--write", type=Path, help="the page that the figures go into")
    parser.add_argument("--rss", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rss:
        asyncio.run(grown(Path(given.rss[0]), given.rss[1:], given.dimension))
    else:
        asyncio.run(run(given))


main()

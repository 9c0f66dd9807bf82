"""Speed of the embedded store: one scope of some size, many scopes, and writing."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from graphmem import Scope
from graphmem.bootstrap import open_memory
from graphmem.embed.onnx import OnnxEmbedder
from graphmem.manager import MemoryManager
from graphmem.ports import Embedder, Extractor
from graphmem.retrieval.recipes import DEFAULT
from graphmem.select.onnx import OnnxAnswerSelector
from graphmem.testing.fakes import LineExtractor
from graphmem.testing.selecting import told as passages_of
from tests.bench.load import TableEmbedder, WordEmbedder, copy, load, question, sentence
from tests.bench.report import Report
from tests.bench.wire import traced
from tests.bench.work import (
    BATCHES,
    COUNTED,
    COUNTED_BATCHES,
    IN_BATCH,
    QUESTIONS,
    TOLD,
    ask,
    consolidate,
    consolidated,
    event,
    extractor_of,
    line,
    talk,
    timed,
)

COLD = 5  # so often is one scope opened anew
PAUSE_S = 0.002
WORKERS = os.cpu_count() or 1


@asynccontextmanager
async def memory_at(
    path: Path, embedder: Embedder, extractor: Extractor | None = None
) -> AsyncGenerator[MemoryManager]:
    async with open_memory(
        f"sqlite:///{path}", worker="off", embedder=embedder, extractor=extractor, selector="none"
    ) as memory:
        yield memory


# --------------------------------------------------------------------------- one scope, or many


async def one_scope(report: Report, folder: Path, n: int, embedder: WordEmbedder) -> None:
    path, scope = folder / "one.db", Scope(user="ada")
    began = time.perf_counter()
    async with memory_at(path, embedder) as memory:
        await load(memory.consolidator.graph, embedder, scope, n)
    loaded = n / (time.perf_counter() - began)
    where = f"{n:,} facts in one scope"
    cold: list[float] = []
    for i in range(COLD):
        async with memory_at(path, embedder) as memory:
            cold += await ask(memory, embedder, [(question(700 + i, n), scope)])
    report.row(f"recall, {where}, the first question", cold)
    async with memory_at(path, embedder, LineExtractor()) as memory:
        await ask(memory, embedder, [(question(i, n), scope) for i in range(800, 820)])
        asked = [(question(i, n), scope) for i in range(QUESTIONS)]
        report.row(f"recall, {where}, warm", await ask(memory, embedder, asked))
        report.row(f"recall, {where}, asked again", await ask(memory, embedder, asked))
        after: list[float] = []
        for i in range(COLD):
            said = event(i, f"Person{i}|likes|'{sentence(i)}'", "x")
            await memory.append(Scope(user="ada", session="x"), [said])
            await memory.generate_memories(scope)
            after += await ask(memory, embedder, [(question(900 + i, n), scope)])
        report.row(f"recall, {where}, after a write", after)
    await counted(report, path, embedder, [scope], n)
    await sizes(report, path, n, [scope], embedder.dimension)
    report.note(f"loaded at {loaded:.0f} facts/s")
    await consolidation_into(report, path, [scope], where, embedder.dimension)
    await asyncio.to_thread(path.unlink)


async def many_scopes(
    report: Report, folder: Path, scopes: int, n: int, embedder: WordEmbedder, keep_mb: int | None
) -> None:
    path = folder / "many.db"
    users = [Scope(user=f"u{i}") for i in range(scopes)]
    began = time.perf_counter()
    async with memory_at(path, embedder) as memory:
        await load(memory.consolidator.graph, embedder, users[0], n)
    await asyncio.to_thread(copy, path, users[0], users[1:])
    loaded = scopes * n / (time.perf_counter() - began)
    rng = np.random.default_rng(0)
    where = f"{scopes * n:,} facts over {scopes:,} scopes"
    async with memory_at(path, embedder) as memory:
        order = rng.permutation(scopes)[: 3 * QUESTIONS]
        asked = [(question(i, n), users[at]) for i, at in enumerate(order)]
        report.row(
            f"recall, {where}, each scope's first question", await ask(memory, embedder, asked)
        )
        # Again and again whom the cache has room for, as the users of an hour are.
        few = rng.choice(order[-min(50, len(order)) :], 3 * QUESTIONS)
        asked = [(question(500 + i, n), users[at]) for i, at in enumerate(few)]
        report.row(f"recall, {where}, warm", await ask(memory, embedder, asked))
        asked = [
            (question(i, n), users[at]) for i, at in enumerate(rng.choice(scopes, 5 * QUESTIONS))
        ]
        report.row(f"recall, {where}, any scope at random", await ask(memory, embedder, asked))
    if keep_mb:
        os.environ["GRAPHMEM_RECALL_MEMORY_MB"] = str(keep_mb)
        async with memory_at(path, embedder) as memory:
            every = [(question(900 + i, n), user) for i, user in enumerate(users)]
            await ask(memory, embedder, every)
            report.row(
                f"recall, {where}, any at random, {keep_mb:,} MB kept",
                await ask(memory, embedder, asked),
            )
        del os.environ["GRAPHMEM_RECALL_MEMORY_MB"]
    await counted(report, path, embedder, users, n)
    await sizes(report, path, scopes * n, users[:20], embedder.dimension)
    report.note(f"loaded at {loaded:.0f} facts/s")
    await consolidation_into(report, path, users, where, embedder.dimension)
    await asyncio.to_thread(path.unlink)


async def counted(
    report: Report, path: Path, embedder: WordEmbedder, scopes: Sequence[Scope], n: int
) -> None:
    """Note the statements of a recall of scopes that are in memory, and of one that is not."""
    with traced() as counter:
        async with memory_at(path, embedder) as memory:
            # Of nobody first: what the file is asked once, on being opened.
            await ask(memory, embedder, [("warm", Scope(user="nobody"))])
            opened = counter.copy()
            await ask(memory, embedder, [(question(900, n), scopes[0])])
            first, before = counter.per(opened, 1), counter.copy()
            await ask(memory, embedder, [(question(i, n), scopes[0]) for i in range(COUNTED)])
            report.note(f"{counter.per(before, COUNTED)} a recall; the first of a scope: {first}")


async def consolidation_into(
    report: Report, path: Path, scopes: Sequence[Scope], where: str, dimension: int
) -> None:
    """Consolidate batches into these scopes as they stand."""
    stub = TableEmbedder(dimension)
    for told in TOLD:
        async with memory_at(path, stub, extractor_of(told)) as memory:
            await consolidate(memory, told, [Scope(user="warm")], 2)
            report.row(consolidated(told, where), await consolidate(memory, told, scopes, BATCHES))
        with traced() as counter:
            async with memory_at(path, stub, extractor_of(told)) as memory:
                await consolidate(memory, told, [Scope(user="warm")], 1)
                before = counter.copy()
                await consolidate(memory, told, scopes, COUNTED_BATCHES)
                report.note(
                    f"{counter.per(before, COUNTED_BATCHES)} a batch, appended and consolidated"
                )


async def sizes(
    report: Report, path: Path, facts: int, scopes: Sequence[Scope], dimension: int
) -> None:
    """Note disk, and what recall of these scopes adds to a process of its own."""
    argv = [sys.executable, "-m", "tests.bench", "--dimension", str(dimension), "--rss", str(path)]
    argv += [scope.user or "" for scope in scopes]
    run = await asyncio.to_thread(
        subprocess.run, argv, stdout=subprocess.PIPE, text=True, check=True
    )
    grown, held = (int(figure) for figure in run.stdout.split())
    disk = await asyncio.to_thread(lambda: path.stat().st_size)
    report.note(
        f"{disk >> 20} MB on disk, {disk / facts:.0f} KB per 1,000 facts; in memory "
        f"{1000 * grown / held / 1024:.0f} KB per 1,000 that were asked ({grown >> 20} MB for "
        f"{held:,})"
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


async def append(report: Report, folder: Path, embedder: WordEmbedder) -> None:
    scope = Scope(user="ada", session="s0")
    async with memory_at(folder / "append.db", embedder, LineExtractor()) as memory:

        async def one(i: int) -> None:
            await memory.append(scope, [event(i, sentence(i), "s0")])

        await timed(50, lambda i: one(10_000 + i))
        report.row("append of one event, on disk, one after the other", await timed(1000, one))
        spaced: list[float] = []
        for i in range(300):
            await asyncio.sleep(PAUSE_S)
            spaced += await timed(1, lambda _, i=i: one(20_000 + i))
        report.row("append of one event, on disk, with pauses", spaced)


async def writing(report: Report, folder: Path, n: int) -> None:
    """Consolidate so many events at once into a memory that was empty."""
    embedder = OnnxEmbedder()
    said = [talk(i) for i in range(n)]
    report.row(
        "embedding of a question",
        await timed(QUESTIONS, lambda i: embedder.embed([said[i % n]], purpose="query")),
    )
    selector = OnnxAnswerSelector()
    for words in (15, 30):
        texts = [" ".join(text.split()[:words]) for text in said[: DEFAULT.read]]
        hits = passages_of(*texts)
        report.row(
            f"reading of {len(hits)} hits of {words} words beside each other, where in doubt",
            await timed(QUESTIONS, lambda i, hits=hits: selector.select(said[i % n][:60], hits)),
        )
    await selector.close()
    stub, lines = TableEmbedder(), [line(i) for i in range(n)]
    for name, texts, by, extractor in (
        ("rules and encoder", said[:300], embedder, None),
        ("rules, encoder stubbed", said, stub, None),
        ("lines, encoder stubbed", lines, stub, LineExtractor()),
        ("no statements, encoder stubbed", said, stub, LineExtractor()),
    ):
        rate = await _rate(folder / f"{name}.db", texts, by, extractor)
        report.note(f"consolidation, {name}: {rate:.0f} events/s of {len(texts):,}")
    rate = await asyncio.to_thread(_rate_of_workers, folder / "workers.db", said)
    report.note(
        f"consolidation, rules, encoder stubbed, {WORKERS} workers of as many users: {rate:.0f} "
        f"events/s of {WORKERS * n:,}"
    )


def _rate_of_workers(path: Path, texts: Sequence[str]) -> float:
    """Return the events a second of processes that share a store, each with a user's events."""
    context = multiprocessing.get_context("spawn")
    all_here = context.Barrier(WORKERS + 1, timeout=600)
    workers = [
        context.Process(target=_work, args=(path, f"u{number}", texts, all_here))
        for number in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    all_here.wait()
    began = time.perf_counter()
    all_here.wait()
    rate = WORKERS * len(texts) / (time.perf_counter() - began)
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a worker failed")
    return rate


def _work(path: Path, user: str, texts: Sequence[str], all_here: Barrier) -> None:
    async def work() -> None:
        async with memory_at(path, TableEmbedder()) as memory:
            # What a process does as it begins and ends is not what is measured.
            await _append(memory, f"{user} before", texts[:50])
            await memory.generate_memories(Scope(user=f"{user} before"))
            await _append(memory, user, texts)
            await asyncio.to_thread(all_here.wait)
            await memory.generate_memories(Scope(user=user))
            await asyncio.to_thread(all_here.wait)

    asyncio.run(work())


async def _append(memory: MemoryManager, user: str, texts: Sequence[str]) -> None:
    events = [event(i, text) for i, text in enumerate(texts)]
    for start in range(0, len(events), IN_BATCH):
        batch = events[start : start + IN_BATCH]
        await memory.append(Scope(user=user, session=batch[0].session_id), batch)


async def _rate(
    path: Path, texts: Sequence[str], embedder: Embedder, extractor: Extractor | None
) -> float:
    async with memory_at(path, embedder, extractor) as memory:
        await _append(memory, "ada", texts)
        began = time.perf_counter()
        await memory.generate_memories(Scope(user="ada"))
        return len(texts) / (time.perf_counter() - began)

"""Speed of the embedded store, all figures from one run: ``python -m tests.bench``.

Prints p50 and p95 in milliseconds, rates a second, and bytes. Nothing here asserts a time. Query
embedding is measured apart from recall. ``--facts 1000 20000`` chooses the sizes of one scope.
"""

import argparse
import asyncio
import os
import platform
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from graphmem import Event, Scope, TextPart
from graphmem.bootstrap import open_memory
from graphmem.embed.onnx import OnnxEmbedder
from graphmem.manager import MemoryManager
from graphmem.models import Vector
from graphmem.testing.fakes import HashEmbedder, LineExtractor

START = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = [f"word{i}" for i in range(4000)]


def row(name: str, times: list[float]) -> None:
    p50, p95, p99 = np.percentile(np.array(times) * 1000, [50, 95, 99])
    print(f"| {name} | {p50:.2f} | {p95:.2f} | {p99:.2f} | {len(times)} |")


def sentence(i: int) -> str:
    rng = np.random.default_rng(i)
    picked = rng.zipf(1.3, 12) % len(WORDS)
    return " ".join(WORDS[w] for w in picked)


def event(i: int, text: str) -> Event:
    return Event(
        id=f"e{i}",
        parts=(TextPart(text=text),),
        occurred_at=START + timedelta(minutes=i),
        session_id=f"s{i // 50}",
    )


async def timed(n: int, work: Callable[[int], Awaitable[object]]) -> list[float]:
    found: list[float] = []
    for i in range(n):
        began = time.perf_counter()
        await work(i)
        found.append(time.perf_counter() - began)
    return found


async def fill(memory: MemoryManager, user: str, n: int) -> float:
    """Append and consolidate n facts of one user, 50 a session; return the seconds."""
    began = time.perf_counter()
    for start in range(0, n, 50):
        events = [
            event(i, f"Person{i % (n // 10 + 1)}|likes|'{sentence(i)}'")
            for i in range(start, min(n, start + 50))
        ]
        await memory.append(Scope(user=user, session=events[0].session_id), events)
    await memory.generate_memories(Scope(user=user))
    return time.perf_counter() - began


class Known(HashEmbedder):
    """Embeds a question in no time, so that recall is timed without it."""

    def __init__(self) -> None:
        super().__init__(384)
        self._cache: dict[str, Vector] = {}

    async def embed(self, texts, *, purpose):
        if purpose == "query" and len(texts) == 1:
            if texts[0] not in self._cache:
                self._cache[texts[0]] = await super().embed(texts, purpose=purpose)
            return self._cache[texts[0]]
        return await super().embed(texts, purpose=purpose)


async def recall(folder: Path, sizes: list[int]) -> None:
    for n in sizes:
        path = folder / f"recall{n}.db"
        async with open_memory(
            f"sqlite:///{path}", worker="off", extractor=LineExtractor(), embedder=Known()
        ) as memory:
            seconds = await fill(memory, "ada", n)
            questions = [f"What does Person{i} like, {sentence(7 * i)}?" for i in range(60)]
            scope = Scope(user="ada")
            for q in questions:
                await memory.retrieve_memories(q, scope)
            times = await timed(
                len(questions),
                lambda i, q=questions, s=scope, m=memory: m.retrieve_memories(q[i], s),
            )
            row(f"recall, {n} facts in one scope", times)
            size = path.stat().st_size / n
            print(
                f"| … made at {n / seconds:.0f} events/s, {size / 1024:.1f} KiB on disk each ||||"
            )


async def append(folder: Path) -> None:
    async with open_memory(
        f"sqlite:///{folder / 'append.db'}",
        worker="off",
        extractor=LineExtractor(),
        embedder=HashEmbedder(),
    ) as memory:
        scope = Scope(user="ada", session="s0")
        times = await timed(
            500,
            lambda i: memory.append(
                scope,
                [
                    Event(
                        id=f"a{i}",
                        parts=(TextPart(text=sentence(i)),),
                        occurred_at=START,
                        session_id="s0",
                    )
                ],
            ),
        )
        row("append of one event, on disk", times)


async def real(folder: Path) -> None:
    embedder = OnnxEmbedder()
    texts = [
        f"I met Tom in Lisbon on day {i} and we talked about {sentence(i)}." for i in range(300)
    ]
    row(
        "embedding of a question",
        await timed(60, lambda i: embedder.embed([texts[i]], purpose="query")),
    )
    async with open_memory(
        f"sqlite:///{folder / 'real.db'}", worker="off", embedder=embedder
    ) as memory:
        for start in range(0, 300, 50):
            events = [event(i, texts[i]) for i in range(start, start + 50)]
            await memory.append(Scope(user="ada", session=events[0].session_id), events)
        began = time.perf_counter()
        await memory.generate_memories(Scope(user="ada"))
        rate = 300 / (time.perf_counter() - began)
        print(f"| consolidation, rules and encoder: {rate:.0f} events/s ||||")
        scope = Scope(user="ada")
        row(
            "context of 1,000 tokens",
            await timed(30, lambda i: memory.build_context(texts[i], scope, 1000)),
        )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, nargs="+", default=[1000, 5000])
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("| what | p50 ms | p95 ms | p99 ms | n |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        await append(Path(folder))
        await real(Path(folder))
        await recall(Path(folder), given.facts)


asyncio.run(main())

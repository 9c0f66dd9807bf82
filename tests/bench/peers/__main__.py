"""Speed beside a peer's, same sentences, same vectors, one run: ``python -m tests.bench.peers``.

The peer runs in an environment of its own, made here by pip with a pinned version; nothing of it
is imported by graphmem. What is compared is the time from a question to ten hits, embedding apart,
and what is added one by one without any model. Prints a table; nothing here asserts a time.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphmem import Event, Scope, TextPart
from graphmem.bootstrap import open_memory
from graphmem.testing.fakes import LineExtractor
from tests.bench.load import (
    PER_PERSON,
    START,
    WordEmbedder,
    load,
    memory,
    person,
    question,
    sentence,
)

PEERS = {"mem0": ["mem0ai==2.2.1"]}
ADA = Scope(user="ada")
QUESTIONS = 60
ADDED = 200


def row(who: str, n: int, times: Sequence[float], adding: float) -> None:
    p50, p95 = np.percentile(np.array(times) * 1000, [50, 95])
    print(f"| {who} | {n:,} | {p50:.1f} | {p95:.1f} | {adding:.0f} |", flush=True)


async def ours(folder: Path, n: int, embedder: WordEmbedder) -> None:
    """Load in bulk what the peer gets, then time recall, and append with consolidation."""
    async with open_memory(
        f"sqlite:///{folder / 'ours.db'}",
        worker="off",
        embedder=embedder,
        extractor=LineExtractor(),
    ) as manager:
        await load(manager.consolidator.graph, embedder, ADA, n)
        asked = [question(i, n) for i in range(QUESTIONS)]
        for text in asked:
            await embedder.embed([text], purpose="query")
        for text in asked[:5]:
            await manager.retrieve_memories(f"{text} ", ADA)
        times: list[float] = []
        for text in asked:
            began = time.perf_counter()
            await manager.retrieve_memories(text, ADA)
            times.append(time.perf_counter() - began)
        events = [
            Event(id=f"x{i}", parts=(TextPart(text=f"Person{i}|likes|'{sentence(i)}'"),),
                  occurred_at=START, session_id="x")
            for i in range(ADDED)
        ]  # fmt: skip
        began = time.perf_counter()
        for event in events:
            await manager.append(Scope(user="ada", session="x"), [event])
        await manager.generate_memories(ADA)
        row("graphmem", n, times, ADDED / (time.perf_counter() - began))


async def told(folder: Path, n: int, embedder: WordEmbedder) -> None:
    """Write the sentences and their vectors for a peer."""
    texts = [memory(ADA, i, person(ADA, i // PER_PERSON), sentence(i))[2].text for i in range(n)]
    asked = [question(i, n) for i in range(QUESTIONS)]
    vectors = await embedder.embed([*texts, *asked], purpose="document")
    await asyncio.to_thread(np.save, folder / "vectors.npy", vectors)
    told = json.dumps({"facts": texts, "questions": asked})
    await asyncio.to_thread((folder / "told.json").write_text, told)


def theirs(python: Path, peer: str, folder: Path) -> dict[str, Any]:
    script = Path(__file__).with_name(f"{peer}_run.py")
    run = subprocess.run([python, script, folder], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def environment(home: Path, peer: str) -> Path:
    """Return the python of a peer's environment, made if it is not there."""
    python = home / peer / "bin" / "python"
    if not python.exists():
        venv.create(home / peer, with_pip=True)
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PEERS[peer]]
        subprocess.run(pip, check=True)
    return python


async def run(given: argparse.Namespace, home: Path) -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {' '.join(sys.argv[1:])}\n")
    print("| who | facts of one user | recall p50 ms | p95 ms | added one by one, a second |")
    print("|---|---|---|---|---|")
    for n in given.facts:
        for peer in given.peers:
            with tempfile.TemporaryDirectory(dir=given.folder) as name:
                folder, embedder = Path(name), WordEmbedder()
                await ours(folder, n, embedder)
                await told(folder, n, embedder)
                python = await asyncio.to_thread(environment, home, peer)
                found = await asyncio.to_thread(theirs, python, peer, folder)
                row(f"{peer} {found['version']}", n, found["search"], found["adding"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, nargs="*", default=[1000, 20000])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--environments", type=Path, help="where the peers' environments are kept")
    parser.add_argument("--folder", type=Path, help="where the files are made and removed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        asyncio.run(run(given, given.environments or Path(name)))


main()

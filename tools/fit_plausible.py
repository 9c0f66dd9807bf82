"""Find the weights by which the first hits are put in order: graphmem/retrieval/plausible.toml.

A conditional logit over the first hits of each question: which one of these answers? Learnt on the
stories of part "seen" and, so that talk of other kinds loses nothing, on the first five
conversations of LoCoMo, the ones that recipes are tuned on, and the first ten chats of BEAM 100K,
whose questions count less. Newton's method; an L2 penalty of 3 on standardised features; seed 1.
Cross-validated by story, in five folds three times: what was asked of a story is not learnt from.

    python tools/fit_plausible.py --data FOLDER [--cache FOLDER] [--store URL] [--write]
"""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from graphmem.bootstrap import make_embedder, open_memory, system_clock
from graphmem.eval import datasets, stories
from graphmem.eval.cached import CachedEmbedder
from graphmem.eval.harness import Asking, fill, scope_of, visits
from graphmem.manager import MemoryManager
from graphmem.retrieval.plausible import FEATURES, features, wordings
from graphmem.retrieval.recipes import DEFAULT
from graphmem.retrieval.retriever import Found

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FIRST = DEFAULT.plausible
PENALTY = 3.0
WRITERS = ("w1", "w2", "w3", "w4", "w5", "w6")
OTHERS = {"locomo": (5, 0.5), "beam100k": (10, 0.7)}  # conversations, and what a question counts
FOLDS, TIMES, SEED = 5, 3, 1
TARGET = Path(__file__).parent.parent / "graphmem" / "retrieval" / "plausible.toml"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question's first hits: their features, which answer it, and where it is from."""

    rows: Floats
    right: Flags
    group: str
    source: str
    counts: float
    kind: str = ""


async def _first(asking: Asking, found: Found) -> tuple[Floats, list[str], list[frozenset[str]]]:
    """Return the features, the texts and the event ids of a question's first hits."""
    kept = [hit for _, hit in wordings(asking.rank(found, top_k=FIRST))]
    texts = await asking.texts(kept)
    rows = features(kept, found.query, texts, pool=len(found.pool.candidates))
    return (
        rows,
        [texts[hit.candidate.id] for hit in kept],
        [frozenset(hit.event_ids) for hit in kept],
    )


async def gather(data: Path, cache: Path | None, store: str | None) -> list[Asked]:
    asked: list[Asked] = []
    with TemporaryDirectory() as folder:
        store = store or f"sqlite:///{Path(folder) / 'fit.db'}"
        encoder = CachedEmbedder(make_embedder("onnx"), cache or Path(folder))
        async with open_memory(store, log=store, worker="off", embedder=encoder) as manager:
            asked += await _of_stories(manager)
            for name in OTHERS:
                asked += await _of_talk(manager, name, data)
    return asked


async def _of_stories(manager: MemoryManager) -> list[Asked]:
    asked: list[Asked] = []
    for story in stories.load(None, now=system_clock()):
        if story.part != "seen":
            continue
        home = scope_of(stories.DATASET, story.id)
        await fill(manager, home, story.events)
        asking = Asking.of(manager, home, known_at=system_clock())
        at = max(event.occurred_at for event in story.events) + datasets.AFTER
        for question in story.questions:
            rows, texts, _ = await _first(asking, await asking.find(question.text, at=at))
            right = np.array([stories.is_right(text, question) for text in texts])
            asked.append(
                Asked(
                    rows=rows,
                    right=right,
                    group="stories",
                    source=story.id,
                    counts=1.0,
                    kind=question.kind,
                )
            )
    return asked


async def _of_talk(manager: MemoryManager, name: str, data: Path) -> list[Asked]:
    asked: list[Asked] = []
    most, counts = OTHERS[name]
    async for visit in visits(manager, datasets.load(name, data).head(most), clock=system_clock):
        source = f"{name} {visit.conversation.id}"
        for question in visit.conversation.questions:
            found = await visit.asking.find(question.text, at=question.asked_at)
            rows, _, events = await _first(visit.asking, found)
            gold = question.gold - question.outdated
            right = np.array([not gold.isdisjoint(e) for e in events])
            asked.append(Asked(rows=rows, right=right, group=name, source=source, counts=counts))
    return asked


# --------------------------------------------------------------------------- the model


@dataclass(frozen=True, kw_only=True)
class Table:
    """Questions side by side: ``rows`` (questions, hits, features), padded where not ``there``."""

    rows: Floats
    right: Flags
    there: Flags
    counts: Floats

    @staticmethod
    def of(asked: Sequence[Asked]) -> "Table":
        most = max(len(one.right) for one in asked)
        rows = np.zeros((len(asked), most, len(FEATURES)))
        right, there = np.zeros((2, len(asked), most), dtype=np.bool_)
        for number, one in enumerate(asked):
            rows[number, : len(one.right)] = one.rows
            right[number, : len(one.right)] = one.right
            there[number, : len(one.right)] = True
        return Table(
            rows=rows, right=right, there=there, counts=np.array([one.counts for one in asked])
        )

    def chances(self, weights: Floats) -> Floats:
        scores = np.where(self.there, self.rows @ weights, -np.inf)
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        return chances / chances.sum(axis=1, keepdims=True)


def fit(asked: Sequence[Asked]) -> Floats:
    """Return the weights of the features, for those questions that some hits answer and not all."""
    table = Table.of([one for one in asked if one.right.any() and not one.right.all()])
    spread = table.rows[table.there].std(axis=0)
    spread[spread == 0] = 1.0
    table = replace(table, rows=table.rows / spread)
    flat = table.rows.reshape(-1, len(FEATURES))
    weights = np.zeros(len(FEATURES))

    def worth(weights: Floats) -> float:
        right = np.where(table.right, table.chances(weights), 0.0).sum(axis=1)
        return float(table.counts @ np.log(right + 1e-12) - PENALTY / 2 * weights @ weights)

    for _ in range(30):
        chances = table.chances(weights)
        right = np.where(table.right, chances, 0.0)
        right /= right.sum(axis=1, keepdims=True) + 1e-12
        slope = (table.counts[:, None] * (right - chances)).ravel() @ flat - PENALTY * weights
        mean = np.matmul(chances[:, None, :], table.rows)[:, 0]
        bend = (flat * (table.counts[:, None] * chances).reshape(-1, 1)).T @ flat
        bend -= (mean * table.counts[:, None]).T @ mean
        step = np.linalg.solve(bend + PENALTY * np.eye(len(FEATURES)), slope)
        share = 1.0
        while share > 0.05 and worth(weights + share * step) < worth(weights):
            share /= 2
        weights = weights + share * step
        if np.abs(step).max() < 1e-4:
            break
    return weights / spread


def firsts(asked: Sequence[Asked], weights: Floats) -> Floats:
    """Return, per question, 1 where the hit that the weights put first answers it."""
    return np.array([float(one.right[np.argmax(one.rows @ weights)]) for one in asked])


def validated(asked: Sequence[Asked]) -> Floats:
    """Return, per question, how often it is right first where its story was not learnt from."""
    sources = sorted({one.source for one in asked})
    chance = np.random.default_rng(SEED)
    total = np.zeros(len(asked))
    for _ in range(TIMES):
        chance.shuffle(sources)
        fold = {source: number % FOLDS for number, source in enumerate(sources)}
        of = np.array([fold[one.source] for one in asked])
        for number in range(FOLDS):
            learnt = fit([one for one, f in zip(asked, of, strict=True) if f != number])
            total[of == number] += firsts([asked[i] for i in np.flatnonzero(of == number)], learnt)
    return total / TIMES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--cache", type=Path, help="keep embeddings here between runs")
    parser.add_argument("--store", help="keep what was ingested in this SQLite store, a URL")
    parser.add_argument("--write", action="store_true", help="write the weights")
    given = parser.parse_args()
    asked = asyncio.run(gather(given.data, given.cache, given.store))
    # The sets of stories by their writers: an id's letter and digit, if it has one.
    sets = [one.source[:2] if one.group == "stories" else one.group for one in asked]
    sets = [name if name in (*WRITERS, *OTHERS) else "older" for name in sets]
    weights = fit(asked)
    before = np.array([float(one.right[:1].any()) for one in asked])
    learnt, kept = firsts(asked, weights), validated(asked)
    print(f"{'right first':12}{'n':>6}{'fused':>8}{'learnt':>8}{'others':>8}")
    # By set, and by kind over all the writers' sets.
    kinds = [
        f"  {one.kind}" if name in WRITERS else "" for one, name in zip(asked, sets, strict=True)
    ]
    for name in (*sorted(set(sets)), *sorted(set(kinds) - {""})):
        of = np.array([name in pair for pair in zip(sets, kinds, strict=True)])
        print(
            f"{name:12}{of.sum():>6}{before[of].mean():>8.3f}{learnt[of].mean():>8.3f}"
            f"{kept[of].mean():>8.3f}"
        )
    lines = [f'"{name}" = {weight:.3f}' for name, weight in zip(FEATURES, weights, strict=True)]
    head = "# How much each feature of a hit counts; made by tools/fit_plausible.py.\n[weights]\n"
    text = head + "\n".join(lines) + "\n"
    if given.write:
        TARGET.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()

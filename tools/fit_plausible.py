"""Find by what the first hits are put in order: plausible.toml and plausible.json in retrieval.

A conditional logit over the first hits of each question: which one of these answers? Learnt on the
stories of part "seen" and, so that talk of other kinds loses nothing, on the first five
conversations of LoCoMo, the ones that recipes are tuned on, and the first ten chats of BEAM 100K,
whose questions count less. Newton's method; an L2 penalty of 3 on standardised features; seed 1.
Then boosted trees with the same likelihood, on what the weights leave open: ``TREES`` of
``LEAVES`` leaves over all that is known of a hit, by LightGBM (Ke et al., NeurIPS 2017; the group
"fit" of pyproject.toml).
A memory that holds little yet is like none of these: each question is asked once more of a few of
its candidates, one of which answers it, and counts ``FEW`` then.
Cross-validated by story, in five folds: what was asked of a story is not learnt from.

    python tools/fit_plausible.py --data FOLDER [--cache FOLDER] [--store URL] [--write]
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

import lightgbm
import numpy as np
import numpy.typing as npt

from graphmem.bootstrap import make_embedder, open_memory, system_clock
from graphmem.eval import datasets, stories
from graphmem.eval.cached import CachedEmbedder
from graphmem.eval.harness import Asking, fill, scope_of, visits
from graphmem.manager import MemoryManager
from graphmem.models import Passage
from graphmem.retrieval.features import FEATURES
from graphmem.retrieval.plausible import passage, rows_of, wordings
from graphmem.retrieval.recipes import DEFAULT
from graphmem.retrieval.retriever import Found
from graphmem.retrieval.trees import planted

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FIRST = DEFAULT.plausible
PENALTY = 3.0
WRITERS = tuple(f"w{number}" for number in range(1, 18))
HALF = frozenset({"w16", "w17"})  # their stories ask six times each for what has changed
OTHERS = {"locomo": (5, 0.5), "beam100k": (10, 0.7)}  # conversations, and what a question counts
FEW = 0.3
FOLDS, SEED = 5, 1
TARGET = Path(__file__).parent.parent / "graphmem" / "retrieval"
TREES, LEAVES = 400, 16
GROWING = {
    "num_leaves": LEAVES,
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "lambda_l2": 5.0,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "seed": SEED,
    "num_threads": 1,  # the same trees on any machine
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question's first hits: their features, which answer it, and where it is from."""

    question: str
    passages: Sequence[Passage]
    rows: Floats
    right: Flags
    group: str
    source: str
    counts: float
    kind: str = ""


async def _first(
    asking: Asking, found: Found
) -> tuple[Floats, list[Passage], list[frozenset[str]], list[str]]:
    """Return the rows, the passages, the event ids and the ids of a question's first hits."""
    kept = [hit for _, hit in wordings(asking.rank(found, top_k=FIRST))]
    texts = await asking.texts(kept)
    rows = rows_of(kept, found.query, texts, pool=len(found.pool.candidates))
    return (
        rows,
        [passage(hit, texts[hit.candidate.id]) for hit in kept],
        [frozenset(hit.event_ids) for hit in kept],
        [hit.candidate.id for hit in kept],
    )


def _of_few(right: Collection[str], found: Found, chance: np.random.Generator) -> Found | None:
    """Return what was found as if the memory held only two to five, one of them right.

    ``right`` are ids of hits that answer. None where no candidate of such an id was found.
    """
    candidates = found.pool.candidates
    gold = [place for place, candidate in enumerate(candidates) if candidate.id in right]
    if not gold or len(candidates) < 2:
        return None
    places = chance.permutation(len(candidates))[: chance.integers(1, 5)].tolist()
    kept = sorted({int(chance.choice(gold)), *places})
    few = tuple(candidates[place] for place in kept)
    return replace(found, pool=replace(found.pool, candidates=few))


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
            asked += await _asked(
                asking,
                await asking.find(question.text, at=at),
                lambda text, _, question=question: stories.is_right(text, question),
                group="stories",
                source=story.id,
                counts=0.5 if _writer(story.id) in HALF else 1.0,
                kind=question.kind,
            )
    return asked


def _writer(story: str) -> str:
    """Return who wrote a story, by its id."""
    return story.partition("-")[0]


async def _of_talk(manager: MemoryManager, name: str, data: Path) -> list[Asked]:
    asked: list[Asked] = []
    most, counts = OTHERS[name]
    async for visit in visits(manager, datasets.load(name, data).head(most), clock=system_clock):
        for question in visit.conversation.questions:
            gold = question.gold - question.outdated
            asked += await _asked(
                visit.asking,
                await visit.asking.find(question.text, at=question.asked_at),
                lambda _, events, gold=gold: not gold.isdisjoint(events),
                group=name,
                source=f"{name} {visit.conversation.id}",
                counts=counts,
            )
    return asked


async def _asked(
    asking: Asking,
    found: Found,
    answers: Callable[[str, frozenset[str]], bool],
    *,
    group: str,
    source: str,
    counts: float,
    kind: str = "",
) -> list[Asked]:
    """Return a question as it was asked, and as asked of few; ``answers`` judges a hit."""

    async def judged(found: Found, **of: Any) -> tuple[Asked, set[str]]:
        rows, passages, events, ids = await _first(asking, found)
        right = [answers(p.text, e) for p, e in zip(passages, events, strict=True)]
        asked = Asked(
            question=found.query.text,
            passages=passages,
            rows=rows,
            right=np.array(right, dtype=np.bool_),
            source=source,
            **of,
        )
        return asked, {i for i, r in zip(ids, right, strict=True) if r}

    whole, ids = await judged(found, group=group, counts=counts, kind=kind)
    chance = np.random.default_rng([SEED, *found.query.text.encode()])
    few = _of_few(ids, found, chance)
    if few is None:
        return [whole]
    again, _ = await judged(few, group="few", counts=FEW * counts)
    return [whole, again]


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
        rows = np.zeros((len(asked), most, len(FEATURES)))  # of the features alone
        right, there = np.zeros((2, len(asked), most), dtype=np.bool_)
        for number, one in enumerate(asked):
            rows[number, : len(one.right)] = one.rows[:, : len(FEATURES)]
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
    table = Table.of(telling(asked))
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


class Told(Protocol):
    """Hits of a question of which it is known which are right."""

    @property
    def right(self) -> Flags: ...


T = TypeVar("T", bound=Told)


def telling(asked: Sequence[T]) -> list[T]:
    """Return those questions that some hits answer and not all."""
    return [one for one in asked if one.right.any() and not one.right.all()]


def boosted(asked: Sequence[Asked], weights: Floats) -> lightgbm.Booster:
    """Return trees over whole rows, grown by how far the weights are from the likelihood's best."""
    asked = telling(asked)
    rows = np.vstack([one.rows for one in asked])
    right = np.concatenate([one.right for one in asked])
    sizes = [len(one.right) for one in asked]
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    question = np.repeat(np.arange(len(asked)), sizes)
    counts = np.array([one.counts for one in asked])[question]
    base = rows[:, : len(FEATURES)] @ weights

    def shares(values: Floats) -> Floats:
        return values / (np.add.reduceat(values, begins)[question] + 1e-12)

    def slope(found: Floats, _: lightgbm.Dataset) -> tuple[Floats, Floats]:
        scores = base + found
        chances = shares(np.exp(scores - np.maximum.reduceat(scores, begins)[question]))
        wanted = shares(np.where(right, chances, 0.0))
        return (chances - wanted) * counts, np.maximum(chances * (1 - chances), 1e-3) * counts

    data = lightgbm.Dataset(rows, right.astype(np.float64))
    return lightgbm.train({**GROWING, "objective": slope}, data, num_boost_round=TREES)


def nested(booster: lightgbm.Booster) -> list[Any]:
    """Return the trees as ``planted`` reads them."""

    def of(node: dict[str, Any]) -> Any:
        if "leaf_value" in node:
            return round(node["leaf_value"], 5)
        if node["decision_type"] != "<=":
            raise ValueError(f"a split by {node['decision_type']}")
        low, high = of(node["left_child"]), of(node["right_child"])
        return [node["split_feature"], node["threshold"], low, high]

    return [of(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]


def firsts(asked: Sequence[Asked], weights: Floats, trees: Sequence[Any] = ()) -> Floats:
    """Return, per question, 1 where the hit that is put first answers it."""
    forest = planted(trees)
    scores = (one.rows[:, : len(FEATURES)] @ weights + forest.values(one.rows) for one in asked)
    return np.array([float(one.right[np.argmax(s)]) for one, s in zip(asked, scores, strict=True)])


def validated(asked: Sequence[Asked]) -> tuple[Floats, Floats]:
    """Return, per question, 1 if right first where its story was not learnt from.

    By the weights alone, and with the trees.
    """
    sources = sorted({one.source for one in asked})
    np.random.default_rng(SEED).shuffle(sources)
    fold = {source: number % FOLDS for number, source in enumerate(sources)}
    of = np.array([fold[one.source] for one in asked])
    plain, whole = np.zeros((2, len(asked)))
    for number in range(FOLDS):
        known = [one for one, f in zip(asked, of, strict=True) if f != number]
        others = [asked[i] for i in np.flatnonzero(of == number)]
        weights = fit(known)
        plain[of == number] = firsts(others, weights)
        whole[of == number] = firsts(others, weights, nested(boosted(known, weights)))
    return plain, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--cache", type=Path, help="keep embeddings here between runs")
    parser.add_argument("--store", help="keep what was ingested in this SQLite store, a URL")
    parser.add_argument("--write", action="store_true", help="write the weights")
    given = parser.parse_args()
    asked = asyncio.run(gather(given.data, given.cache, given.store))
    sets = [_writer(one.source) if one.group == "stories" else one.group for one in asked]
    sets = [name if name in (*WRITERS, *OTHERS, "few") else "older" for name in sets]
    weights = fit(asked)
    trees = nested(boosted(asked, weights))
    before = np.array([float(one.right[:1].any()) for one in asked])
    learnt, (plain, whole) = firsts(asked, weights, trees), validated(asked)
    print("right first; of others: weights alone, and with trees")
    print(f"{'':12}{'n':>6}{'fused':>8}{'learnt':>8}{'weights':>8}{'trees':>8}")
    # By set, and by kind over all the writers' sets.
    kinds = [
        f"  {one.kind}" if name in WRITERS else "" for one, name in zip(asked, sets, strict=True)
    ]
    for name in (*sorted(set(sets)), *sorted(set(kinds) - {""})):
        of = np.array([name in pair for pair in zip(sets, kinds, strict=True)])
        shown = (figures[of].mean() for figures in (before, learnt, plain, whole))
        print(f"{name:12}{of.sum():>6}" + "".join(f"{share:>8.3f}" for share in shown))
    lines = [f'"{name}" = {weight:.3f}' for name, weight in zip(FEATURES, weights, strict=True)]
    head = "# How much each feature of a hit counts; made by tools/fit_plausible.py.\n[weights]\n"
    text = head + "\n".join(lines) + "\n"
    if given.write:
        (TARGET / "plausible.toml").write_text(text, encoding="utf-8")
        by_line = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in trees)
        (TARGET / "plausible.json").write_text(f"[\n{by_line}\n]\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()

"""Run a benchmark through the real store: every conversation in, every question asked.

Each conversation is a user of its own, in an app named after the data set, so that no other's
words move a ranking. What is measured is what a caller of recall gets: the hits of the Retriever.
Baselines see the same texts and the same vectors; ablations rank the very candidates that the
default recipe ranked, without one arm. Does not know how the manager it is given was made.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import Stemmer  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]  # C, no stubs

from graphmem.eval import metrics
from graphmem.eval.datasets import Conversation, Dataset, Question
from graphmem.eval.harness import Asking, OpenManager, Progress, visits
from graphmem.eval.metrics import Answer
from graphmem.models import Hit
from graphmem.ports import Embedder
from graphmem.retrieval.bm25 import bm25
from graphmem.retrieval.recipes import ABLATIONS, DEFAULT, Recipe
from graphmem.retrieval.text import (
    QUESTION,
    STOP,
    analyse,
    analyse_query,
    date_words,
    embedded_text,
    indexed_text,
)

Floats = npt.NDArray[np.float64]

TOP_K: Final = 60  # so many hits hold 1,000 words of talk, and 20 distinct events in any case
SEED: Final = 20_231


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The metrics of one question: ours, the baselines' and the ablations' by name.

    ``models`` is empty unless the manager has a reranker or a rewriter.
    """

    question: Question
    tuned: bool
    ours: dict[str, float]
    baselines: dict[str, dict[str, float]]
    ablations: dict[str, dict[str, float]]
    models: dict[str, dict[str, float]]


async def run(
    dataset: Dataset,
    open_manager: OpenManager,
    *,
    clock: Callable[[], datetime],
    recipe: Recipe = DEFAULT,
    ablations: Mapping[str, Recipe] = ABLATIONS,
    seed: int = SEED,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the figures of a data set as a JSON object; ``render`` makes a table of it.

    ``open_manager`` opens a manager on an empty store, or on one that holds this data set already:
    then ingesting changes nothing. Its worker must be off; the run consolidates by itself. A
    question is asked as of the end of its conversation, with all that is known by ``clock``. Where
    the manager has a reranker or a rewriter, what they make of the hits is a row beside.
    ``progress`` is told (what, done, of).
    """
    rows: list[_Row] = []
    async with open_manager() as manager:
        async for visit in visits(manager, dataset, clock=clock, recipe=recipe, progress=progress):
            bench = _Bench(
                asking=visit.asking,
                baselines=await Baselines.of(visit.conversation, manager.consolidator.embedder),
                ablations=ablations,
            )
            rows += [
                await bench.ask(question, tuned=visit.tuned)
                for question in visit.conversation.questions
            ]
        model = manager.consolidator.embedder.model_id
    return {
        "dataset": dataset.name,
        "conversations": len(dataset.conversations),
        "model": model,
        "recipe": recipe.name,
        "seed": seed,
    } | _figures(rows, seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """One conversation, ready to be asked."""

    asking: Asking
    baselines: "Baselines"
    ablations: Mapping[str, Recipe]

    async def ask(self, question: Question, *, tuned: bool) -> _Row:
        found = await self.asking.find(question.text, at=question.asked_at)
        hits = await self.asking.hits(found, top_k=TOP_K)
        helpers = self.asking.configured.helpers
        orders = await self.baselines.rankings(question.text)
        return _Row(
            question=question,
            tuned=tuned,
            ours=metrics.judge(_answers(hits), question.gold),
            baselines={name: metrics.judge(order, question.gold) for name, order in orders.items()},
            ablations={
                name: metrics.judge(
                    _answers(await self.asking.hits(found, top_k=TOP_K, recipe=recipe)),
                    question.gold,
                )
                for name, recipe in self.ablations.items()
            },
            models={
                ", ".join(helpers): metrics.judge(
                    _answers(
                        await self.asking.ask_configured(
                            question.text, at=question.asked_at, top_k=TOP_K
                        )
                    ),
                    question.gold,
                )
            }
            if helpers
            else {},
        )


def _answers(hits: Sequence[Hit]) -> list[Answer]:
    return [Answer(event_ids=h.event_ids, words=len(h.text.split())) for h in hits]


# --------------------------------------------------------------------------- baselines


def order_of(scores: Floats) -> npt.NDArray[np.int64]:
    """Return rows from the best to the last; ties keep the order of the conversation."""
    return np.argsort(-scores, kind="stable")


def reciprocal_ranks(orders: Sequence[npt.NDArray[np.int64]], cut: int, k: int = 60) -> Floats:
    """Return the sums of 1 / (k + rank) over the first ``cut`` of each (Cormack et al., 2009)."""
    sums = np.zeros(max((len(order) for order in orders), default=0))
    for order in orders:
        head = order[:cut]
        sums[head] += 1 / (k + 1 + np.arange(len(head)))
    return sums


def plain_terms(text: str) -> tuple[str, ...]:
    """Return the terms of ordinary full text: ASCII words, a stop list, Snowball stems.

    What the baseline "bm25" is made of; ``analyse`` knows irregular forms and questions besides.
    """
    stemmer = Stemmer.Stemmer("english")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # C, no stubs
    words = [w for w in re.findall(r"[a-z0-9]+", text.lower()) if w not in STOP | QUESTION]
    return tuple(cast(list[str], stemmer.stemWords(words)))  # pyright: ignore[reportUnknownMemberType]  # C, no stubs


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """A conversation's events as plain documents: the same texts and vectors, no graph."""

    answers: tuple[Answer, ...]
    plain: tuple[str, ...]
    documents: tuple[str, ...]
    vectors: npt.NDArray[np.float32]
    owner: npt.NDArray[np.int64]
    embedder: Embedder

    @staticmethod
    async def of(conversation: Conversation, embedder: Embedder) -> "Baselines":
        events = conversation.events
        windows = [
            (number, embedded_text(event.author, event.occurred_at, window))
            for number, event in enumerate(events)
            for window in embedder.windows(event.text)
        ]
        return Baselines(
            answers=tuple(
                Answer(event_ids=(event.id,), words=len(event.text.split())) for event in events
            ),
            plain=tuple(
                " ".join(plain_terms(f"{date_words(e.occurred_at)} {e.author or ''}: {e.text}"))
                for e in events
            ),
            documents=tuple(
                " ".join(analyse(indexed_text(event.author, event.occurred_at, event.text)))
                for event in events
            ),
            vectors=await embedder.embed([text for _, text in windows], purpose="document"),
            owner=np.array([number for number, _ in windows], dtype=np.int64),
            embedder=embedder,
        )

    async def rankings(self, question: str) -> dict[str, list[Answer]]:
        """Return the order of all events under each baseline, by name."""
        text = order_of(bm25(analyse_query(question), self.documents, k1=1.5, b=0.75))
        vector = (await self.embedder.embed([question], purpose="query"))[0]
        best = np.full(len(self.documents), -1.0)
        np.maximum.at(best, self.owner, (self.vectors @ vector).astype(np.float64))
        dense = order_of(best)
        orders = {
            "bm25": order_of(bm25(plain_terms(question), self.plain, k1=1.5, b=0.75)),
            "bm25, our terms": text,
            "dense": dense,
            "rrf, full lists": order_of(reciprocal_ranks((text, dense), len(text))),
            "rrf, top 20": order_of(reciprocal_ranks((text, dense), 20)),
        }
        return {name: [self.answers[row] for row in order] for name, order in orders.items()}


# --------------------------------------------------------------------------- figures


def _figures(rows: Sequence[_Row], seed: int) -> dict[str, Any]:
    ours = [row.ours for row in rows]

    def against(others: Sequence[Mapping[str, float]]) -> dict[str, float]:
        return metrics.paired_bootstrap(
            [row["r@10"] for row in ours], [row["r@10"] for row in others], seed=seed
        )

    def whole(others: Mapping[str, Sequence[dict[str, float]]]) -> dict[str, Any]:
        return {n: metrics.mean(found) | {"gain": against(found)} for n, found in others.items()}

    baselines = {
        name: [row.baselines[name] for row in rows] for name in (rows[0].baselines if rows else ())
    }
    models = {name: [row.models[name] for row in rows] for name in (rows[0].models if rows else ())}
    ablations = {
        name: [row.ablations[name] for row in rows] for name in (rows[0].ablations if rows else ())
    }
    return {
        "all": metrics.mean(ours),
        "by_category": metrics.group(ours, lambda i: rows[i].question.category),
        "by_half": metrics.group(ours, lambda i: "tuned on" if rows[i].tuned else "unseen"),
        "baselines": whole(baselines),
        "with_models": whole(models),
        "ablation": {
            name: {
                key: value for key, value in metrics.mean(others).items() if not key.endswith("w")
            }
            | {"gain": against(others)}
            for name, others in ablations.items()
        },
    }


def render(figures: Mapping[str, Any]) -> str:
    """Return the figures as a text table; ``gain`` is what ours has over the row, with its 95 %."""
    columns = ("n", "r@5", "r@10", "r@20", "mrr", "ndcg@10", "r@250w", "r@500w", "r@1000w")
    lines = [
        f"{figures['dataset']}: {figures['conversations']} conversations, model "
        f"{figures['model']}, recipe {figures['recipe']}, seed {figures['seed']}",
        "",
        f"{'':28}" + "".join(f"{column:>9}" for column in columns) + "  gain in r@10",
    ]

    def line(name: str, row: Mapping[str, Any]) -> str:
        cells = "".join(
            f"{row[column]:>9}"
            if column == "n"
            else f"{row[column]:>9.3f}"
            if column in row
            else " " * 9
            for column in columns
        )
        gain = row.get("gain")
        told = f"  {gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" if gain else ""
        return f"{name:28}{cells}{told}"

    lines.append(line("all", figures["all"]))
    for part in ("by_category", "by_half", "baselines", "with_models", "ablation"):
        if not figures[part]:
            continue
        lines += ["", part.replace("_", " ")]
        lines += [line(f"  {name}", row) for name, row in figures[part].items()]
    return "\n".join(lines)

"""The runner on a benchmark of two invented conversations, through the real store."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphmem.bootstrap import open_memory
from graphmem.eval.datasets import Conversation, Dataset, Question
from graphmem.eval.runner import Baselines, order_of, plain_terms, reciprocal_ranks, render, run
from graphmem.manager import MemoryManager
from graphmem.models import Event, TextPart
from graphmem.retrieval.recipes import ABLATIONS
from graphmem.testing.fakes import HashEmbedder, LineExtractor, WordReranker

START = datetime(2024, 1, 1, 9, tzinfo=UTC)
NOW = datetime(2024, 12, 31, tzinfo=UTC)
OpenManager = Callable[[], AbstractAsyncContextManager[MemoryManager]]


def conversation(name: str, *texts: str, asked: dict[str, str]) -> Conversation:
    events = tuple(
        Event(
            id=f"{name}{number}",
            parts=(TextPart(text=text),),
            occurred_at=START + timedelta(hours=number),
            session_id=f"s{number // 3}",
            author="Ada" if number % 2 else "Karl",
        )
        for number, text in enumerate(texts)
    )
    questions = tuple(
        Question(
            id=f"{name}/{gold}",
            text=text,
            category="easy" if name == "a" else "hard",
            gold=frozenset({gold}),
            asked_at=events[-1].occurred_at,
        )
        for gold, text in asked.items()
    )
    return Conversation(id=name, events=events, questions=questions)


SMALL = Dataset(
    name="small",
    conversations=(
        conversation(
            "a",
            "the boat has a new engine",
            "we baked bread in the garden",
            "the violin is out of tune",
            asked={"a0": "What has the boat?", "a2": "What about the violin?"},
        ),
        conversation(
            "b",
            "my sister planted roses",
            "the roses need water",
            "a storm broke the fence",
            "who repairs the fence",
            asked={"b2": "What did the storm break?"},
        ),
    ),
    tuned_on=1,
)


@pytest.fixture
def open_store(tmp_path: Path) -> OpenManager:
    return lambda: open_memory(
        f"sqlite:///{tmp_path / 'eval.db'}",
        worker="off",
        embedder=HashEmbedder(),
        extractor=LineExtractor(),
        clock=lambda: NOW,
    )


async def figures(open_store: OpenManager, dataset: Dataset = SMALL) -> dict[str, Any]:
    return await run(dataset, open_store, clock=lambda: NOW)


async def test_run_reports_every_part(open_store: OpenManager) -> None:
    found = await figures(open_store)

    assert found["all"]["n"] == 3
    assert found["all"]["r@5"] == 1
    assert found["all"]["mrr"] == 1
    assert {name: row["n"] for name, row in found["by_category"].items()} == {"easy": 2, "hard": 1}
    assert {name: row["n"] for name, row in found["by_half"].items()} == {
        "tuned on": 2,
        "unseen": 1,
    }
    assert set(found["baselines"]) == {
        "bm25",
        "bm25, our terms",
        "dense",
        "rrf, full lists",
        "rrf, top 20",
    }
    assert set(found["ablation"]) == set(ABLATIONS)
    assert found["ablation"]["without importance"]["gain"] == {"mean": 0, "low": 0, "high": 0}


async def test_models_are_a_row_beside(open_store: OpenManager, tmp_path: Path) -> None:
    def with_models() -> AbstractAsyncContextManager[MemoryManager]:
        return open_memory(
            f"sqlite:///{tmp_path / 'eval.db'}",
            worker="off",
            embedder=HashEmbedder(),
            extractor=LineExtractor(),
            clock=lambda: NOW,
            reranker=WordReranker(),
        )

    plain, helped = await figures(open_store), await figures(with_models)

    assert plain["with_models"] == {}
    assert "with models" not in render(plain)
    row = helped["with_models"][WordReranker().model_id]
    assert row["n"] == plain["all"]["n"]
    assert helped["all"] == plain["all"], "our own figures are those without"
    assert WordReranker().model_id in render(helped)


async def test_second_run_changes_nothing(open_store: OpenManager) -> None:
    first = await figures(open_store)

    assert await figures(open_store) == first


async def test_run_on_some_conversations(open_store: OpenManager) -> None:
    found = await figures(open_store, SMALL.head(1))

    assert (found["all"]["n"], found["conversations"]) == (2, 1)
    assert set(found["by_half"]) == {"tuned on"}


async def test_run_without_conversations_has_no_questions(open_store: OpenManager) -> None:
    found = await figures(open_store, SMALL.head(0))

    assert found["all"] == {"n": 0}
    assert (found["baselines"], found["ablation"]) == ({}, {})


async def test_progress_is_told(open_store: OpenManager) -> None:
    told: list[tuple[str, int, int]] = []

    await run(
        SMALL.head(1),
        open_store,
        clock=lambda: NOW,
        progress=lambda what, done, of: told.append((what, done, of)),
    )

    assert told == [("reading a", 0, 1), ("asking a", 0, 1), ("done", 1, 1)]


async def test_table_shows_each_row_once(open_store: OpenManager) -> None:
    table = render(await figures(open_store))

    for name in ("all", "easy", "unseen", "bm25", "dense", "rrf, top 20", *ABLATIONS):
        assert sum(line[:28].strip() == name for line in table.splitlines()) == 1
    assert "seed" in table.splitlines()[0]


async def test_conversations_do_not_mix(open_store: OpenManager) -> None:
    twins = Dataset(
        name="twins",
        conversations=tuple(
            conversation(name, "the boat is red", asked={f"{name}0": "Which boat?"})
            for name in ("a", "b")
        ),
        tuned_on=0,
    )

    assert (await figures(open_store, twins))["all"]["mrr"] == 1


async def test_baselines_rank_every_event_once() -> None:
    baselines = await Baselines.of(SMALL.conversations[1], HashEmbedder())

    for name, order in (await baselines.rankings("What did the storm break?")).items():
        assert sorted(hit.event_ids[0] for hit in order) == ["b0", "b1", "b2", "b3"], name
    bm25 = (await baselines.rankings("What did the storm break?"))["bm25"]
    assert bm25[0].event_ids == ("b2",)


def test_plain_terms_stem_and_stop_and_no_more() -> None:
    assert plain_terms("What did the boats bring? Brought 1,200") == (
        "boat",
        "bring",
        "brought",
        "1",
        "200",
    )


def test_reciprocal_ranks_of_known_orders() -> None:
    first, second = np.array([2, 0, 1]), np.array([0, 2, 1])

    whole = reciprocal_ranks((first, second), 3)
    cut = reciprocal_ranks((first, second), 1)

    assert whole.tolist() == pytest.approx([1 / 61 + 1 / 62, 2 / 63, 1 / 61 + 1 / 62])
    assert cut.tolist() == pytest.approx([1 / 61, 0, 1 / 61])
    assert order_of(cut).tolist() == [0, 2, 1]

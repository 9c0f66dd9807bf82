"""Where it is in doubt which hit answers, the first ones are read beside each other."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphmem.errors import ModelUnavailable
from graphmem.models import Hit, Passage, Scope, Vector
from graphmem.retrieval.cache import RecallCache
from graphmem.retrieval.recipes import DEFAULT, Recipe
from graphmem.retrieval.retriever import Retriever
from graphmem.testing.fakes import WordSelector
from tests.retrieval.test_retriever import ADA, NOW, START, World, boats, texts, world

UNSURE = replace(DEFAULT, sure=1.0, reading=100.0)
"""A recipe to which nothing is ever sure, and what is read all that counts."""

QUESTION = "Which boat?"


class Last(WordSelector):
    """Takes whatever was told last for the answer."""

    async def select(self, question: str, passages: Sequence[Passage]) -> Vector:
        return np.arange(len(await super().select(question, passages)), dtype=np.float32)


class Faulty(WordSelector):
    """Fails with an error, answers what is no answer, or, with None, never."""

    def __init__(self, fault: "Exception | Vector | None") -> None:
        super().__init__()
        self.fault = fault

    async def select(self, question: str, passages: Sequence[Passage]) -> Vector:
        await super().select(question, passages)
        if self.fault is None:
            await asyncio.Event().wait()
        if isinstance(self.fault, Exception):
            raise self.fault
        assert self.fault is not None
        return self.fault


async def ask(
    w: World,
    selector: WordSelector | None,
    *,
    question: str = QUESTION,
    recipe: Recipe = UNSURE,
    **others: Any,
) -> tuple[Hit, ...]:
    return await w.ask(question, selector=selector, recipe=recipe, **others)


async def test_what_was_read_orders_the_hits(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await boats(w)
        plain = await ask(w, None)

        hits = await ask(w, Last())

    assert texts(hits) == ["we baked bread", "a boat and a garden", "the boat is red"]
    assert [hit.score for hit in hits] == [hit.score for hit in plain]
    assert "looks like the answer" in hits[0].reason
    assert all(sum(hit.arms.values()) == pytest.approx(hit.score) for hit in hits)


async def test_nothing_is_read_where_one_hit_stands_out(tmp_path: Path) -> None:
    selector = Last()
    async with world(tmp_path) as w:
        await boats(w)
        plain = await ask(w, None)

        assert await ask(w, selector, recipe=replace(UNSURE, sure=0.0)) == plain
        assert await ask(w, selector, recipe=replace(UNSURE, read=0)) == plain

    assert selector.shown == []


async def test_six_are_read_in_the_order_they_were_told(tmp_path: Path) -> None:
    selector = WordSelector()
    async with world(tmp_path) as w:
        for day in range(12):
            await w.hear(f"boat number {day}", day=day)

        hits = await ask(w, selector)

    ((question, passages),) = selector.shown
    moments = [passage.occurred_at for passage in passages]
    assert question == QUESTION
    assert len(passages) == DEFAULT.read == 6
    assert moments == sorted(moments)
    assert {passage.speaker for passage in passages} == {"Ada"}
    assert {passage.text for passage in passages} == set(texts(hits)[:6])


async def test_only_what_may_be_seen_is_read(tmp_path: Path) -> None:
    selector = WordSelector()
    karl = Scope(user="karl", session="s1")
    async with world(tmp_path) as w:
        await boats(w)
        gone = await w.hear("the boat is secret", day=4)
        await w.hear("the boat is blue", day=5, scope=karl, author="Karl")
        await w.hear("the boat is new", day=200)

        await ask(w, selector, hidden=[gone], known_at=START + timedelta(days=100))

    ((_, passages),) = selector.shown
    assert {passage.text for passage in passages} == {
        "the boat is red",
        "a boat and a garden",
        "we baked bread",
    }


async def test_what_has_ended_passes_nothing_that_holds(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.hear("I|lives_in|Porto", day=100)
        await w.hear("I|lives_in|Lisbon|to=2024-01-01", day=101)

        hits = await ask(w, Last(), question="Where does Ada live?")

    assert not hits[0].ended


@pytest.mark.parametrize(
    "fault",
    [
        ModelUnavailable("about the boat"),
        RuntimeError("about the boat"),
        np.zeros(2, dtype=np.float32),
        np.array([1, np.nan, 2], dtype=np.float32),
    ],
    ids=["unavailable", "bug", "shape", "nan"],
)
async def test_failing_to_read_leaves_the_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: "Exception | Vector"
) -> None:
    async with world(tmp_path) as w:
        await boats(w)
        plain = await ask(w, None)

        with caplog.at_level(logging.WARNING):
            hits = await ask(w, Faulty(fault))

    assert hits == plain
    (record,) = caplog.records
    assert record.getMessage().startswith("reading left out: ")
    assert (record.__dict__["model"], record.__dict__["texts"]) == ("words", 3)
    assert "boat" not in str(record.__dict__)


async def test_late_reading_leaves_the_order_and_is_not_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = RecallCache(10)
    async with world(tmp_path) as w:
        await boats(w)
        plain = await ask(w, None)

        assert await ask(w, Faulty(None), budget_s=0, cache=cache) == plain
        assert texts(await ask(w, Last(), cache=cache))[0] == "we baked bread"

        assert texts(await ask(w, None, cache=cache))[0] == "we baked bread", "that one is kept"
    assert [r.getMessage() for r in caplog.records] == ["reading left out: TimeoutError"]


async def test_other_recipes_of_a_memory_read_too(tmp_path: Path) -> None:
    selector = Last()
    async with world(tmp_path) as w:
        await boats(w)
        core = w.memory.consolidator
        retriever = Retriever(core.graph, core.embedder, selector=selector).following(UNSURE)

        await retriever.retrieve(QUESTION, ADA.levels(), now=NOW, as_of=NOW, known_at=NOW)

    assert len(selector.shown) == 1

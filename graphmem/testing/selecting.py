"""What every ``AnswerSelector`` must do, as a pytest class.

Subclass it and provide ``selector``. It asks for the contract that recall relies on, and for a
judgement only where none could be easier. The fixture may have any scope; the suite never closes
what it is given. Needs pytest with ``asyncio_mode = "auto"``.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pytest

from graphmem.models import Passage, Vector
from graphmem.ports import AnswerSelector
from graphmem.testing.rerank import HOSTILE, ODD, assert_scores

QUESTION: Final = "Where does Ida keep the spare key?"
NOISE: Final = 1e-4


def told(*texts: str, speaker: str = "user") -> tuple[Passage, ...]:
    """Return passages that were said a day apart."""
    first = datetime(2026, 3, 1, 9, tzinfo=UTC)
    return tuple(
        Passage(speaker=speaker, text=text, occurred_at=first + timedelta(days=day))
        for day, text in enumerate(texts)
    )


PASSAGES: Final = told(
    "We had soup.",
    "Ida keeps the spare key under the blue flowerpot.",
    "Tomás wants the invoice split into three parts.",
)


class AnswerSelectorConformance:
    """The contract of the port; a subclass gives the fixture ``selector``."""

    @pytest.fixture
    def selector(self) -> AnswerSelector:
        """The selector under test."""
        raise NotImplementedError("the subclass provides this fixture")

    def test_model_id_is_stable_text(self, selector: AnswerSelector) -> None:
        assert selector.model_id
        assert selector.model_id == selector.model_id

    async def test_every_passage_has_a_score(self, selector: AnswerSelector) -> None:
        assert_scores(await selector.select(QUESTION, PASSAGES), len(PASSAGES))

    async def test_one_passage_has_a_score(self, selector: AnswerSelector) -> None:
        assert_scores(await selector.select(QUESTION, PASSAGES[:1]), 1)

    async def test_no_passages_no_scores(self, selector: AnswerSelector) -> None:
        assert_scores(await selector.select(QUESTION, ()), 0)

    async def test_eight_long_passages_have_scores(self, selector: AnswerSelector) -> None:
        passages = told(*(f"note {number}: " + "goat mill " * 700 for number in range(8)))

        assert_scores(await selector.select("goat " * 900, passages), 8)

    async def test_same_passages_same_scores(self, selector: AnswerSelector) -> None:
        first = await selector.select(QUESTION, PASSAGES)
        second = await selector.select(QUESTION, PASSAGES)

        np.testing.assert_array_equal(first, second)

    @pytest.mark.parametrize("place", range(3))
    async def test_plain_answer_is_the_best(self, selector: AnswerSelector, place: int) -> None:
        texts = [PASSAGES[0].text, PASSAGES[2].text]
        texts.insert(place, PASSAGES[1].text)

        scores = await selector.select(QUESTION, told(*texts))

        assert int(scores.argmax()) == place

    async def test_score_depends_on_the_question(self, selector: AnswerSelector) -> None:
        scores = await selector.select("What does Tomás want with the invoice?", PASSAGES)

        assert int(scores.argmax()) == 2

    @pytest.mark.parametrize("text", [*ODD, *HOSTILE], ids=range(len(ODD) + len(HOSTILE)))
    async def test_odd_text_is_taken(self, selector: AnswerSelector, text: str) -> None:
        passages = (*PASSAGES, *told(text, speaker=text))

        assert_scores(await selector.select(QUESTION, passages), len(passages))
        assert_scores(await selector.select(text, PASSAGES), len(PASSAGES))

    async def test_concurrent_calls_agree(self, selector: AnswerSelector) -> None:
        expected = await selector.select(QUESTION, PASSAGES)

        answers = await asyncio.gather(*(selector.select(QUESTION, PASSAGES) for _ in range(4)))

        for answer in answers:
            np.testing.assert_allclose(answer, expected, atol=NOISE)

    def test_two_threads_two_loops(self, selector: AnswerSelector) -> None:
        def select_in_a_loop(_: int) -> Vector:
            return asyncio.run(_selected(selector))

        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(select_in_a_loop, range(4)))

        for answer in answers:
            np.testing.assert_allclose(answer, answers[0], atol=NOISE)


async def _selected(selector: AnswerSelector) -> Vector:
    return await selector.select(QUESTION, PASSAGES)

"""The listwise reranker against a local chat server: real HTTP, and answers of every kind."""

import asyncio
import os
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

if find_spec("litellm") is None:
    if os.environ.get("CI") == "true":
        pytest.fail("not installed: litellm", pytrace=False)
    pytest.skip("not installed: litellm", allow_module_level=True)

from graphmem.bootstrap import open_memory
from graphmem.errors import ExtractionError, MalformedAnswer, ModelUnavailable
from graphmem.models import Event, Scope, TextPart
from graphmem.rerank.listwise import (  # known to be there only now
    TEXT_CHARS,
    ListwiseReranker,
    messages,
    numbers,
)
from graphmem.testing.fakes import HashEmbedder, LineExtractor
from graphmem.testing.openai_server import OpenAIServer
from graphmem.testing.rerank import (
    HOSTILE,
    ODD,
    QUESTION,
    TEXTS,
    RerankerConformance,
    order_by_words,
)
from tests.litellm_clients import USES_LITELLM

pytestmark = USES_LITELLM


def make_reranker(server: OpenAIServer) -> ListwiseReranker:
    return ListwiseReranker("openai/words", api_base=server.base_url, api_key="none")


class TestListwiseReranker(RerankerConformance):
    @pytest.fixture
    def reranker(self, server: OpenAIServer) -> ListwiseReranker:
        server.reply = order_by_words
        return make_reranker(server)


async def test_scores_are_descending_ranks(server: OpenAIServer) -> None:
    server.reply = lambda _: '{"order": [3, 1, 2]}'

    scores = await make_reranker(server).score(QUESTION, TEXTS[:3])

    assert scores.tolist() == [2.0, 1.0, 3.0]


async def test_what_is_left_out_keeps_its_order(server: OpenAIServer) -> None:
    server.reply = lambda _: '{"order": [4, 9, 4, 2]}'

    scores = await make_reranker(server).score(QUESTION, TEXTS[:5])

    assert scores.tolist() == [3.0, 4.0, 2.0, 5.0, 1.0]


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ('{"order": [2, 3, 1]}', (2, 3, 1)),
        ('```json\n{\n "order": ["2", "1"]\n}\n```', (2, 1)),
        ('Text [3] is off topic.\n{"order": [2, 1]}', (2, 1)),
        ('{"order": [1]} no, rather {"order": [3, 2]}', (3, 2)),
        ('{"order": [3, 1', (3, 1)),
        ('{"order": [3, 1, 2.5, -2, 1e3, 0, 4, 99999999999]}', (3, 1)),
        ("[2, 1, 3]", (2, 1, 3)),
        ("[3] > [1] > [2]", (3, 1, 2)),
        ("2, 3, 1", (2, 3, 1)),
        ("3\n1\n2", (3, 1, 2)),
        ('{"order": [2, 2, 2]}', (2,)),
        ('{"order": []}', ()),
        ("", ()),
        ("I would put 3 before 1.", ()),
        ('{"order": [[3], [1]]}', ()),
        ('{"order": [true, null, "x1"]}', ()),
        ("٣, ٢", ()),
        ("[" * 50_000, ()),
        ("1" * 50_000, ()),
    ],
)
def test_numbers_of_an_answer(answer: str, named: tuple[int, ...]) -> None:
    assert numbers(answer, 3) == named


@given(st.text() | st.text("[]{}0123456789,:> \"order'-.").map(lambda t: f'{{"order": [{t}'))
def test_numbers_are_distinct_and_in_range(answer: str) -> None:
    found = numbers(answer, 5)

    assert len(set(found)) == len(found)
    assert set(found) <= {1, 2, 3, 4, 5}


@given(
    st.text() | st.sampled_from((*HOSTILE, *ODD)),
    st.lists(st.text() | st.sampled_from((*HOSTILE, *ODD)), max_size=4),
)
def test_every_text_is_a_line_of_its_own(question: str, texts: list[str]) -> None:
    asked = messages(question, texts)[-1]["content"].splitlines()

    labels = [line.partition(": ")[0] for line in asked]
    assert labels == ["question", *(str(n) for n in range(1, len(texts) + 1))]
    assert all(len(line) <= 2 * TEXT_CHARS + 10 for line in asked[1:])


@pytest.mark.parametrize("answer", ["", "   ", "I cannot do that.", '{"order": []}', "{"])
async def test_answer_without_numbers_is_an_error(server: OpenAIServer, answer: str) -> None:
    server.reply = lambda _: answer

    with pytest.raises(MalformedAnswer, match="openai/words"):
        await make_reranker(server).score(QUESTION, TEXTS)


async def test_no_texts_ask_nothing(server: OpenAIServer) -> None:
    await make_reranker(server).score(QUESTION, [])

    assert server.requests == []


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_passing_failure_is_retryable(server: OpenAIServer, status: int) -> None:
    server.fail(1, status=status)

    with pytest.raises(ModelUnavailable):
        await make_reranker(server).score(QUESTION, TEXTS)

    assert len(server.requests) == 1, "nothing is retried"


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_refusal_is_not_retryable(server: OpenAIServer, status: int) -> None:
    server.fail(1, status=status)

    with pytest.raises(ExtractionError, match="openai/words") as caught:
        await make_reranker(server).score(QUESTION, TEXTS)

    assert not caught.value.retryable


async def test_waiting_call_can_be_given_up(server: OpenAIServer) -> None:
    server.reply = order_by_words
    reranker = make_reranker(server)

    with server.held() as waits:
        call = asyncio.create_task(reranker.score(QUESTION, TEXTS))
        await asyncio.to_thread(waits.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert len(await reranker.score(QUESTION, TEXTS)) == len(TEXTS)


async def test_setting_puts_a_reranker_in_recall(
    tmp_path: Path, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply = order_by_words
    monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("GRAPHMEM_RERANKER", "listwise:openai/words")
    monkeypatch.setenv("GRAPHMEM_RERANK_BUDGET_S", "60")
    scope, now = Scope(user="ada", session="s1"), datetime(2026, 3, 1, tzinfo=UTC)
    events = [
        Event(id=f"v{n}", parts=(TextPart(text=text),), occurred_at=now, session_id="s1")
        for n, text in enumerate(TEXTS)
    ]

    async with open_memory(
        f"sqlite:///{tmp_path / 'memory.db'}",
        worker="off",
        embedder=HashEmbedder(),
        extractor=LineExtractor(),
    ) as memory:
        await memory.append(scope, events)
        await memory.generate_memories(scope)
        hits = await memory.retrieve_memories(QUESTION, scope)

    shown = [hit.text for hit in hits]
    judged = await make_reranker(server).score(QUESTION, TEXTS)
    assert shown == [TEXTS[row] for row in (-judged).argsort()]
    assert any("placed by the reranker" in hit.reason for hit in hits)


def test_model_id_names_the_model(server: OpenAIServer) -> None:
    assert make_reranker(server).model_id == "listwise/openai/words"

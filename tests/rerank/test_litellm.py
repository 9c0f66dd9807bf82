"""The LiteLLM reranker against a local server of Cohere's and Jina's form: real HTTP."""

import asyncio
import importlib
import math
import os
import sys
from importlib.util import find_spec
from typing import Any

import pytest

if find_spec("litellm") is None:
    if os.environ.get("CI") == "true":
        pytest.fail("not installed: litellm", pytrace=False)
    pytest.skip("not installed: litellm", allow_module_level=True)

from graphmem.bootstrap import make_reranker as make_reranker_of
from graphmem.errors import ExtractionError, MalformedAnswer, MissingExtra, ModelUnavailable
from graphmem.rerank.litellm import LiteLLMReranker  # known to be there only now
from graphmem.testing.openai_server import OpenAIServer, relevance
from graphmem.testing.rerank import QUESTION, TEXTS, RerankerConformance
from tests.litellm_clients import USES_LITELLM

pytestmark = USES_LITELLM

PATH = "/v1/rerank"


def make_reranker(server: OpenAIServer, model: str = "jina_ai/words") -> LiteLLMReranker:
    # Each provider has its own idea of what a base is.
    base = server.base_url if model.startswith("jina_ai/") else server.base_url.removesuffix("/v1")
    return LiteLLMReranker(model, api_base=base, api_key="none")


class TestLiteLLMReranker(RerankerConformance):
    @pytest.fixture
    def reranker(self, server: OpenAIServer) -> LiteLLMReranker:
        return make_reranker(server)


@pytest.mark.parametrize("model", ["jina_ai/words", "cohere/words"])
async def test_scores_come_in_order_asked(server: OpenAIServer, model: str) -> None:
    scores = await make_reranker(server, model).score(QUESTION, TEXTS)

    expected = [relevance(QUESTION, text, server.dimension) for text in TEXTS]
    assert scores.tolist() == pytest.approx(expected, abs=1e-6)
    assert [request.path[3:] for request in server.requests] == ["/rerank"]
    assert server.requests[0].body["documents"] == list(TEXTS)


async def test_no_texts_ask_nothing(server: OpenAIServer) -> None:
    await make_reranker(server).score(QUESTION, [])

    assert server.requests == []


async def test_empty_text_is_sent_as_a_dash(server: OpenAIServer) -> None:
    await make_reranker(server).score(QUESTION, ["", "a boat"])

    assert server.requests[0].body["documents"] == ["-", "a boat"]


@pytest.mark.parametrize("model", ["jina_ai/words", "cohere/words"])
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_passing_failure_is_retryable(server: OpenAIServer, model: str, status: int) -> None:
    server.fail(1, status=status)
    reranker = make_reranker(server, model)

    with pytest.raises(ModelUnavailable):
        await reranker.score(QUESTION, TEXTS)

    assert len(server.requests) == 1, "nothing is retried"
    assert len(await reranker.score(QUESTION, TEXTS)) == len(TEXTS)


@pytest.mark.parametrize("status", [400, 401])
async def test_refusal_is_not_retryable(server: OpenAIServer, status: int) -> None:
    server.fail(1, status=status)

    with pytest.raises(ExtractionError, match="jina_ai/words") as caught:
        await make_reranker(server).score(QUESTION, TEXTS)

    assert not caught.value.retryable


async def test_waiting_call_can_be_given_up(server: OpenAIServer) -> None:
    reranker = make_reranker(server)

    with server.held() as waits:
        call = asyncio.create_task(reranker.score(QUESTION, TEXTS))
        await asyncio.to_thread(waits.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert len(await reranker.score(QUESTION, TEXTS)) == len(TEXTS)


async def test_silence_is_retryable() -> None:
    with OpenAIServer() as gone:
        reranker = make_reranker(gone)

    with pytest.raises(ModelUnavailable):
        await reranker.score(QUESTION, TEXTS)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"index": 0, "relevance_score": 1.0}],
        [{"index": 0, "relevance_score": 1.0}, {"index": 0, "relevance_score": 0.5}],
        [{"index": 0, "relevance_score": 1.0}, {"index": 2, "relevance_score": 0.5}],
        [{"index": 0, "relevance_score": 1.0}, {"index": -1, "relevance_score": 0.5}],
        [{"index": 0, "relevance_score": 1.0}, {"index": 1, "relevance_score": math.inf}],
    ],
)
async def test_other_than_a_score_each_is_an_error(
    server: OpenAIServer, rows: list[dict[str, Any]]
) -> None:
    server.routes[PATH] = lambda body: {"id": "r", "results": rows}

    with pytest.raises(MalformedAnswer, match="jina_ai/words"):
        await make_reranker(server).score(QUESTION, TEXTS[:2])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"results": "none"},
        {"results": [1, 2]},
        {"results": [{"index": 0, "relevance_score": None}]},
        {"results": [{"index": "first", "relevance_score": 0.5}]},
        {"results": [{"relevance_score": 0.5}]},
    ],
)
async def test_answer_of_another_form_is_an_error(
    server: OpenAIServer, answer: dict[str, Any]
) -> None:
    server.routes[PATH] = lambda body: answer

    with pytest.raises(ExtractionError):
        await make_reranker(server).score(QUESTION, TEXTS[:1])


def test_setting_makes_a_reranker() -> None:
    reranker = make_reranker_of("litellm:cohere/rerank-v3.5")

    assert reranker is not None
    assert reranker.model_id == "litellm/cohere/rerank-v3.5"
    assert make_reranker_of("none") is None


def test_model_id_names_the_model(server: OpenAIServer) -> None:
    assert make_reranker(server).model_id == "litellm/jina_ai/words"


def test_key_is_not_shown(server: OpenAIServer) -> None:
    reranker = LiteLLMReranker("jina_ai/words", api_base=server.base_url, api_key="secret")

    assert "secret" not in repr(reranker._model)


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    monkeypatch.delitem(sys.modules, "graphmem.llm")
    monkeypatch.delitem(sys.modules, "graphmem.rerank.remote")
    monkeypatch.delitem(sys.modules, "graphmem.rerank.litellm")

    with pytest.raises(MissingExtra, match=r"graphmem\[llm\]"):
        importlib.import_module("graphmem.rerank.litellm")

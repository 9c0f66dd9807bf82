"""The LiteLLM embedder against a local OpenAI-compatible server: real client, real HTTP."""

import importlib
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest

if find_spec("litellm") is None:
    if os.environ.get("CI") == "true":
        pytest.fail("not installed: litellm", pytrace=False)
    pytest.skip("not installed: litellm", allow_module_level=True)

from graphmem.embed.litellm import LiteLLMEmbedder  # known to be there only now
from graphmem.errors import (
    ExtractionError,
    InvalidInput,
    MissingExtra,
    ModelUnavailable,
)
from graphmem.testing.embedder import EmbedderConformance
from graphmem.testing.openai_server import OpenAIServer, hashed_vector
from tests.litellm_clients import USES_LITELLM

pytestmark = USES_LITELLM

DIMENSION = 32


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(dimension=DIMENSION) as server:
        yield server


def make_embedder(
    server: OpenAIServer, *, dimension: int = DIMENSION, **options: object
) -> LiteLLMEmbedder:
    return LiteLLMEmbedder(
        "openai/hashed",
        dimension,
        api_base=server.base_url,
        api_key="none",
        **options,  # pyright: ignore[reportArgumentType]  # a test passes what it names
    )


class TestLiteLLMEmbedder(EmbedderConformance):
    @pytest.fixture
    def embedder(self, server: OpenAIServer) -> LiteLLMEmbedder:
        return make_embedder(server)


async def test_vectors_come_in_order_asked(server: OpenAIServer) -> None:
    texts = [f"note {number}" for number in range(5)]

    vectors = await make_embedder(server).embed(texts, purpose="document")

    expected = np.stack([hashed_vector(text, DIMENSION) for text in texts])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


async def test_texts_go_in_batches(server: OpenAIServer) -> None:
    texts = [f"note {number}" for number in range(7)]

    await make_embedder(server, batch_size=3).embed(texts, purpose="document")

    asked = [request.body["input"] for request in server.requests]
    assert asked == [texts[:3], texts[3:6], texts[6:]]


async def test_no_texts_ask_nothing(server: OpenAIServer) -> None:
    await make_embedder(server).embed([], purpose="query")

    assert server.requests == []


async def test_prompt_of_the_purpose_is_put_before(server: OpenAIServer) -> None:
    embedder = make_embedder(server, prompts={"query": "query: "})

    await embedder.embed(["goats"], purpose="query")
    await embedder.embed(["goats"], purpose="document")

    assert [request.body["input"] for request in server.requests] == [["query: goats"], ["goats"]]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_passing_failure_is_retryable(server: OpenAIServer, status: int) -> None:
    server.fail(1, status=status)
    embedder = make_embedder(server)

    with pytest.raises(ModelUnavailable) as caught:
        await embedder.embed(["goats"], purpose="document")

    assert caught.value.retryable
    assert caught.value.__cause__ is not None
    assert len(server.requests) == 1, "retrying is the worker's business"
    assert (await embedder.embed(["goats"], purpose="document")).shape == (1, DIMENSION)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_refusal_is_not_retryable(server: OpenAIServer, status: int) -> None:
    server.fail(1, status=status)

    with pytest.raises(ExtractionError, match="openai/hashed") as caught:
        await make_embedder(server).embed(["goats"], purpose="document")

    assert not caught.value.retryable
    assert len(server.requests) == 1


async def test_silence_is_retryable() -> None:
    with OpenAIServer(dimension=DIMENSION) as gone:
        embedder = make_embedder(gone)

    with pytest.raises(ModelUnavailable):
        await embedder.embed(["goats"], purpose="query")


async def test_slow_answer_is_retryable(server: OpenAIServer) -> None:
    with pytest.raises(ModelUnavailable):
        await make_embedder(server, timeout_s=1e-4).embed(["goats"], purpose="query")


async def test_other_width_is_an_error(server: OpenAIServer) -> None:
    with pytest.raises(ExtractionError, match="expected width 33"):
        await make_embedder(server, dimension=33).embed(["goats"], purpose="query")


async def test_missing_row_is_an_error(server: OpenAIServer) -> None:
    whole = server.routes["/v1/embeddings"]
    server.routes["/v1/embeddings"] = lambda body: {**whole(body), "data": whole(body)["data"][1:]}

    with pytest.raises(ExtractionError, match="1 vectors"):
        await make_embedder(server).embed(["goats", "boats"], purpose="query")


async def test_zero_vector_is_an_error(server: OpenAIServer) -> None:
    whole = server.routes["/v1/embeddings"]
    zero = {"object": "embedding", "index": 0, "embedding": [0.0] * DIMENSION}
    server.routes["/v1/embeddings"] = lambda body: {**whole(body), "data": [zero]}

    with pytest.raises(ExtractionError, match="no direction"):
        await make_embedder(server).embed(["goats"], purpose="query")


def test_windows_follow_max_tokens(server: OpenAIServer) -> None:
    windows = make_embedder(server, max_tokens=10).windows(" goat" * 26)

    assert [window.count("goat") for window in windows] == [10, 10, 10]


def test_model_id_names_model_and_prompts(server: OpenAIServer) -> None:
    plain = make_embedder(server).model_id
    prompted = make_embedder(server, prompts={"query": "query: "}).model_id

    assert plain == "litellm/openai/hashed/32"
    assert prompted.startswith(plain + "/")
    assert make_embedder(server, prompts={"query": "other: "}).model_id != prompted


@pytest.mark.parametrize("name", ["max_tokens", "batch_size", "dimension"])
def test_sizes_must_be_positive(server: OpenAIServer, name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        make_embedder(server, **{name: 0})


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    monkeypatch.delitem(sys.modules, "graphmem.llm")
    monkeypatch.delitem(sys.modules, "graphmem.embed.litellm")

    with pytest.raises(MissingExtra, match=r"graphmem\[llm\]"):
        importlib.import_module("graphmem.embed.litellm")

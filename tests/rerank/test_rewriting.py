"""The rewriter against a local chat server: real HTTP, and answers of every kind."""

import json
import os
from importlib.util import find_spec

import pytest

if find_spec("litellm") is None:
    if os.environ.get("CI") == "true":
        pytest.fail("not installed: litellm", pytrace=False)
    pytest.skip("not installed: litellm", allow_module_level=True)

from graphmem.bootstrap import make_rewriter as make_rewriter_of
from graphmem.errors import ExtractionError, MalformedAnswer, ModelUnavailable
from graphmem.rerank.rewriting import (  # known to be there only now
    QUERY_CHARS,
    LiteLLMRewriter,
    queries,
)
from graphmem.testing.openai_server import OpenAIServer
from graphmem.testing.rerank import QUESTION, RewriterConformance, words_apart
from tests.litellm_clients import USES_LITELLM

pytestmark = USES_LITELLM


def make_rewriter(server: OpenAIServer) -> LiteLLMRewriter:
    return LiteLLMRewriter("openai/words", api_base=server.base_url, api_key="none")


class TestLiteLLMRewriter(RewriterConformance):
    @pytest.fixture
    def rewriter(self, server: OpenAIServer) -> LiteLLMRewriter:
        server.reply = words_apart
        return make_rewriter(server)


async def test_question_and_repeats_are_left_out(server: OpenAIServer) -> None:
    given = ["a ferry", QUESTION.upper(), "A Ferry", "  a  ferry ", "a mended boat"]
    server.reply = lambda _: json.dumps({"queries": given})

    found = await make_rewriter(server).rewrite(QUESTION, limit=3)

    assert found == ("a ferry", "a mended boat")


async def test_limit_is_told_to_the_model(server: OpenAIServer) -> None:
    server.reply = words_apart

    await make_rewriter(server).rewrite(QUESTION, limit=2)

    assert "at most 2 " in server.requests[0].body["messages"][0]["content"]


async def test_limit_of_none_asks_nothing(server: OpenAIServer) -> None:
    assert await make_rewriter(server).rewrite(QUESTION, limit=0) == ()
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('{"queries": ["a", "b"]}', ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        ('As you [kindly] asked:\n```json\n{"queries": ["a"]}\n```', ("a",)),
        ('{"queries": ["a", 3, null, {"b": 1}, "  "]}', ("a",)),
        ('{"queries": ["a\\nb\\u0000\\ud800"]}', ("a b\ufffd",)),
        ('{"queries": []}', ()),
        ("[]", ()),
        ('{"queries": "a"}', None),
        ('{"other": ["a"]}', ("a",)),
        ('{"queries": ["a"', None),
        ("a\nb", None),
        ("[" * 50_000, None),
    ],
)
def test_queries_of_an_answer(answer: str, found: tuple[str, ...] | None) -> None:
    assert queries(answer) == found


def test_long_query_is_cut() -> None:
    found = queries(json.dumps(["goat " * 1000]))

    assert found is not None
    assert len(found[0]) <= QUERY_CHARS


@pytest.mark.parametrize("answer", ["", "Sure, I can help.", "{}"])
async def test_answer_without_a_list_is_an_error(server: OpenAIServer, answer: str) -> None:
    server.reply = lambda _: answer

    with pytest.raises(MalformedAnswer, match="openai/words"):
        await make_rewriter(server).rewrite(QUESTION, limit=3)


@pytest.mark.parametrize(("status", "retryable"), [(503, True), (400, False)])
async def test_failure_is_ours(server: OpenAIServer, status: int, retryable: bool) -> None:
    server.fail(1, status=status)

    with pytest.raises(ExtractionError) as caught:
        await make_rewriter(server).rewrite(QUESTION, limit=3)

    assert isinstance(caught.value, ModelUnavailable) == retryable
    assert len(server.requests) == 1, "nothing is retried"


async def test_setting_makes_a_rewriter(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    server.reply = words_apart

    rewriter = make_rewriter_of("litellm:openai/words")

    assert rewriter is not None
    assert len(await rewriter.rewrite(QUESTION, limit=2)) == 2
    assert make_rewriter_of("none") is None


def test_model_id_names_the_model(server: OpenAIServer) -> None:
    assert make_rewriter(server).model_id == "litellm/openai/words"

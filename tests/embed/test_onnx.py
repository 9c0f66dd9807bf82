"""The embedder that ships with the package."""

import asyncio
import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from graphmem.embed.onnx import OnnxEmbedder
from graphmem.errors import InvalidInput
from graphmem.onnx import ASSETS, encode
from graphmem.testing.embedder import EmbedderConformance

MINILM = ASSETS / "minilm"


@pytest.fixture(scope="module")
def shared() -> Iterator[OnnxEmbedder]:
    embedder = OnnxEmbedder()
    yield embedder
    asyncio.run(embedder.close())


class TestOnnxEmbedder(EmbedderConformance):
    @pytest.fixture
    def embedder(self, shared: OnnxEmbedder) -> OnnxEmbedder:
        return shared


def test_asset_is_the_recorded_one() -> None:
    lines = (MINILM / "SHA256SUMS").read_text(encoding="ascii").splitlines()

    recorded = {name: digest for digest, name in (line.split("  ") for line in lines)}

    assert set(recorded) == {"model.onnx", "tokenizer.json"}
    for name, expected in recorded.items():
        assert hashlib.sha256((MINILM / name).read_bytes()).hexdigest() == expected


def test_asset_stays_small() -> None:
    assert (MINILM / "model.onnx").stat().st_size <= 25_000_000


def test_model_id_names_the_weights(shared: OnnxEmbedder) -> None:
    digest = hashlib.sha256((MINILM / "model.onnx").read_bytes()).hexdigest()

    assert shared.model_id == f"all-MiniLM-L6-v2/int8-{digest[:12]}"


def test_dimension_is_384(shared: OnnxEmbedder) -> None:
    assert shared.dimension == 384


async def test_meaning_is_nearer_than_words(shared: OnnxEmbedder) -> None:
    question, near, far = await shared.embed(
        [
            "Where does she live?",
            "Her flat is in Bergen, near the harbour.",
            "Where does the parser keep its state?",
        ],
        purpose="query",
    )

    assert question @ near > question @ far


async def test_query_and_document_agree(shared: OnnxEmbedder) -> None:
    text = ["The two sessions run the same weights."]

    query = await shared.embed(text, purpose="query")
    document = await shared.embed(text, purpose="document")

    np.testing.assert_allclose(query, document, atol=2e-6)


async def test_batch_noise_is_tiny(shared: OnnxEmbedder) -> None:
    texts = [f"{'very ' * (number % 9)}small note {number}" for number in range(40)]

    together = await shared.embed(texts, purpose="document")
    alone = np.concatenate([await shared.embed([text], purpose="query") for text in texts])

    np.testing.assert_allclose(together, alone, atol=2e-6)


async def test_text_counts_to_256_tokens(shared: OnnxEmbedder) -> None:
    """254 words fill the model beside its two marks: what comes after changes nothing."""
    full = " ".join(["goat"] * 254)

    whole, more, less = await shared.embed(
        [full, f"{full} and a boat", full.removesuffix(" goat")], purpose="document"
    )

    np.testing.assert_allclose(whole, more, atol=2e-6)
    assert np.abs(whole - less).max() > 1e-5


def test_windows_are_200_tokens_over_40(shared: OnnxEmbedder) -> None:
    words = [f"w{number}" for number in range(10)] * 50

    windows = shared.windows(" ".join(["goat"] * 361))

    assert [len(window.split()) for window in windows] == [200, 200, 41]
    assert shared.windows(" ".join(words))[0].startswith("w0 w1")


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
async def test_surrogates_are_refused(shared: OnnxEmbedder, text: str) -> None:
    with pytest.raises(InvalidInput, match="Unicode"):
        await shared.embed([text], purpose="query")
    with pytest.raises(InvalidInput, match="Unicode"):
        shared.windows(text)


@pytest.mark.parametrize("text", ["goat " * 40, "\uac01" * 150, "g" * 201])
def test_short_texts_stay_whole(shared: OnnxEmbedder, text: str) -> None:
    """Also where a character takes several tokens, and where the count must be made to know."""
    tokens = encode(shared._tokenizer, text, special=False)

    assert (shared.windows(text) == (text,)) == (len(tokens.ids) <= 200)


async def test_model_waits_for_need() -> None:
    embedder = OnnxEmbedder()
    try:
        assert not embedder.loaded
        await embedder.embed(["goat"], purpose="query")
        assert embedder.loaded
    finally:
        await embedder.close()


async def test_close_is_idempotent_and_final() -> None:
    embedder = OnnxEmbedder()
    await embedder.embed(["goat"], purpose="query")

    await embedder.close()
    await embedder.close()

    assert not embedder.loaded
    with pytest.raises(RuntimeError, match="shutdown"):
        await embedder.embed(["goat"], purpose="query")


async def test_loop_stays_free_meanwhile(shared: OnnxEmbedder) -> None:
    ticks = 0
    work = asyncio.ensure_future(shared.embed(["goat " * 250] * 16, purpose="document"))
    while not work.done():
        await asyncio.sleep(0)
        ticks += 1

    assert (await work).shape == (16, 384)
    assert ticks > 100

"""The cross-encoder, with a small BERT of seeded weights made on the spot: no download.

Needs the extra ``st``. Without it this is a loud skip, and a failure in CI.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

if find_spec("sentence_transformers") is None:
    if os.environ.get("CI") == "true":
        pytest.fail("not installed: sentence-transformers", pytrace=False)
    pytest.skip("not installed: sentence-transformers", allow_module_level=True)

import torch  # an extra  # pyright: ignore[reportMissingImports]
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (  # an extra  # pyright: ignore[reportMissingImports]
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
)

from graphmem.bootstrap import make_reranker, open_memory
from graphmem.errors import InvalidInput, MissingExtra
from graphmem.rerank.cross_encoder import CrossEncoderReranker
from graphmem.testing.fakes import HashEmbedder
from graphmem.testing.rerank import QUESTION, TEXTS, RerankerConformance

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,?!"


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Return WordPiece over letters: every word of them has tokens of its own."""
    pieces = (*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS))
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=128,
    )


def save_model(folder: Path, *, outputs: int = 1) -> Path:
    tokenizer = make_tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = BertForSequenceClassification(
            BertConfig(
                vocab_size=len(tokenizer),
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=128,
                initializer_range=0.5,
                num_labels=outputs,  # pyright: ignore[reportCallIssue]  # of its base
            )
        )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrossEncoderReranker]:
    reranker = CrossEncoderReranker(
        save_model(tmp_path_factory.mktemp("models") / "small"), device="cpu"
    )
    yield reranker
    asyncio.run(reranker.close())


class TestCrossEncoderReranker(RerankerConformance):
    @pytest.fixture
    def reranker(self, small: CrossEncoderReranker) -> CrossEncoderReranker:
        return small


async def test_scores_are_the_models_logits(small: CrossEncoderReranker, tmp_path: Path) -> None:
    model = BertForSequenceClassification.from_pretrained(save_model(tmp_path)).eval()
    tokenizer = make_tokenizer()
    expected: list[float] = []
    for text in TEXTS:
        encoded = tokenizer(QUESTION, text, truncation=True, max_length=128, return_tensors="pt")
        with torch.no_grad():
            expected.append(float(model(**encoded).logits))

    scores = await small.score(QUESTION, TEXTS)

    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_model_id_names_no_folder(small: CrossEncoderReranker) -> None:
    assert small.model_id == "cross-encoder/small"


async def test_given_up_call_harms_no_later_one(small: CrossEncoderReranker) -> None:
    expected = await small.score(QUESTION, TEXTS)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await small.score(QUESTION, TEXTS)

    np.testing.assert_allclose(await small.score(QUESTION, TEXTS), expected, atol=1e-5)


async def test_memory_closes_its_reranker(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "model")

    async with open_memory(
        f"sqlite:///{tmp_path / 'memory.db'}",
        worker="off",
        embedder=HashEmbedder(),
        reranker=(reranker := CrossEncoderReranker(folder, device="cpu")),
    ):
        assert len(await reranker.score(QUESTION, TEXTS)) == len(TEXTS)

    with pytest.raises(RuntimeError):
        await reranker.score(QUESTION, TEXTS)


async def test_setting_names_a_folder(tmp_path: Path) -> None:
    reranker = make_reranker(f"cross-encoder:{save_model(tmp_path / 'small')}")

    assert reranker is not None
    assert reranker.model_id == "cross-encoder/small"
    await reranker.close()


async def test_closed_reranker_refuses(tmp_path: Path) -> None:
    reranker = CrossEncoderReranker(save_model(tmp_path), device="cpu")
    await reranker.close()
    await reranker.close()

    with pytest.raises(RuntimeError):
        await reranker.score(QUESTION, TEXTS)


def test_model_with_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="3 outputs"):
        CrossEncoderReranker(save_model(tmp_path, outputs=3), device="cpu")


def test_batch_size_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="batch_size"):
        CrossEncoderReranker(tmp_path, batch_size=0)


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.delitem(sys.modules, "graphmem.rerank.cross_encoder")

    with pytest.raises(MissingExtra, match=r"graphmem\[st\]"):
        importlib.import_module("graphmem.rerank.cross_encoder")

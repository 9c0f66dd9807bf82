"""The bundled answer selector: its file, its sequence, and what it makes of plain cases."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from graphmem.bootstrap import make_selector
from graphmem.errors import InvalidInput, StoreError
from graphmem.onnx import ASSETS
from graphmem.select.onnx import MOST_PASSAGES, OnnxAnswerSelector, sequence
from graphmem.testing.selecting import PASSAGES, QUESTION, AnswerSelectorConformance, told

MOST_TOKENS = 512  # places that the model knows


@pytest.fixture(scope="module")
def bundled() -> Iterator[OnnxAnswerSelector]:
    selector = OnnxAnswerSelector()
    yield selector
    asyncio.run(selector.close())


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(ASSETS / "minilm" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


class TestBundled(AnswerSelectorConformance):
    @pytest.fixture
    def selector(self, bundled: OnnxAnswerSelector) -> OnnxAnswerSelector:
        return bundled


@pytest.mark.parametrize(
    ("question", "texts", "answer"),
    [
        (
            "What does the harbour fee come to now?",
            (
                "The harbour fee is forty pounds a month.",
                "They have put the fee for the harbour up, it is fifty-five from May.",
                "Lovely evening at the harbour, the fee hut was closed.",
            ),
            1,
        ),
        (
            "Which vegetable did I decide against growing?",
            (
                "Broad beans, I think. Arthur always did them.",
                "I'll leave out the courgettes, I'm the only one who'd have to eat them.",
                "The carrots are up!",
            ),
            1,
        ),
        (
            "Whose umbrella was left in the hall?",
            (
                "Whose umbrella is that in the hall?",
                "Could be Per's, I suppose.",
                "Mystery solved, the umbrella was Gudrun's all along.",
            ),
            2,
        ),
    ],
)
async def test_hits_are_read_in_the_light_of_each_other(
    bundled: OnnxAnswerSelector, question: str, texts: tuple[str, ...], answer: int
) -> None:
    scores = await bundled.select(question, told(*texts))

    assert int(scores.argmax()) == answer


def test_sequence_tells_who_spoke_and_when_a_day_was_over(tokenizer: Tokenizer) -> None:
    one, other = told("blue", "red", speaker="Ada")
    later = replace(one, text="red", occurred_at=one.occurred_at + timedelta(hours=1))

    next_day, marks = sequence(tokenizer, "Which?", (one, other))
    same_day, _ = sequence(tokenizer, "Which?", (one, later))

    ids = tokenizer.encode("Ada: blue", add_special_tokens=False).ids
    assert marks[0] == 4, "[CLS], two tokens, [SEP]"
    assert next_day[marks[0] : marks[0] + 1 + len(ids)] == [1, *ids]
    assert [n for n in next_day if n == 2] == [2]
    assert 2 not in same_day
    assert len(next_day) == len(same_day) + 1


def test_sequence_fits_whatever_is_told(tokenizer: Tokenizer) -> None:
    long = told(*["goat mill " * 9000] * MOST_PASSAGES, speaker="Somebody " * 90)

    ids, marks = sequence(tokenizer, "boat " * 9000, long)

    assert len(ids) <= MOST_TOKENS
    assert len(marks) == MOST_PASSAGES


async def test_too_many_passages_are_refused(bundled: OnnxAnswerSelector) -> None:
    with pytest.raises(InvalidInput, match="at most 8"):
        await bundled.select(QUESTION, told(*"abcdefghi"))


async def test_text_that_is_not_unicode_is_refused(bundled: OnnxAnswerSelector) -> None:
    with pytest.raises(InvalidInput, match="not valid Unicode"):
        await bundled.select(QUESTION, told("\ud800"))


async def test_closed_selector_refuses(tmp_path: Path) -> None:
    selector = OnnxAnswerSelector()
    await selector.select(QUESTION, PASSAGES)
    await selector.close()
    await selector.close()

    with pytest.raises(RuntimeError):
        await selector.select(QUESTION, PASSAGES)


async def test_words_of_another_embedding_model_are_refused(tmp_path: Path) -> None:
    words = tmp_path / "minilm"
    shutil.copytree(ASSETS / "minilm", words)
    with (words / "model.onnx").open("ab") as file:
        file.write(b"\0")
    selector = OnnxAnswerSelector(words=words)
    try:
        with pytest.raises(StoreError, match="not the embedding model"):
            await selector.select(QUESTION, PASSAGES)
    finally:
        await selector.close()


def test_files_are_the_ones_that_were_written() -> None:
    folder = ASSETS / "answers"
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    embedding = hashlib.sha256((ASSETS / "minilm" / "model.onnx").read_bytes()).hexdigest()
    assert json.loads((folder / "words.json").read_text())["sha256"] == embedding


async def test_setting_names_it() -> None:
    selector = make_selector("onnx")
    assert isinstance(selector, OnnxAnswerSelector)
    await selector.close()
    assert make_selector("none") is None
    with pytest.raises(InvalidInput, match="expected onnx or none"):
        make_selector("bert")

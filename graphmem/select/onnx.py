"""Select the answer among the first hits, with the model that ships with the package.

Joint answer sentence selection (Zhang, Vu and Moschitti, "Joint Models for Answer Verification in
Question Answering Systems", ACL 2021): question and hits are one sequence, in the order in which
they were told, so each is read in the light of the others. What has become of something, who is
meant by a description, what a later message takes back stands in no hit alone. Decision 0030.

Knows no store and no network. Words have the embedding model's vectors, which are read out of its
file; ``tools/fit_answers.py`` has learnt the rest, ``tools/build_answers_asset.py`` written it.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Final, cast

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from graphmem.errors import InvalidInput, StoreError
from graphmem.models import Passage, Vector
from graphmem.onnx import ASSETS, Model, encode, load_tokenizer

NAME: Final = "answers/int8"
QUESTION_TOKENS: Final = 48
SPEAKER_TOKENS: Final = 7
PASSAGE_TOKENS: Final = 48
MOST_PASSAGES: Final = 8
"""What is read of a question, of a name and of a text, and how many: at most 506 of 512 places."""
THREADS: Final = 2

_CLS, _SEP, _HIT, _NEXT_DAY = 101, 102, 1, 2
"""Ids of [CLS] and [SEP], and of two unused tokens that learning has given a meaning."""
_CHARS_A_TOKEN: Final = 24
_DAY_S: Final = 86_400
_WIDTH: Final = 384


def sequence(tokenizer: Tokenizer, question: str, passages: Sequence[Passage]) -> tuple[
    list[int], list[int]
]:  # fmt: skip
    """Return the ids of a question and of passages, told in this order, and where each begins."""
    ids = [_CLS, *_ids(tokenizer, question, QUESTION_TOKENS), _SEP]
    marks: list[int] = []
    day = None
    for passage in passages:
        told = passage.occurred_at.timestamp() // _DAY_S
        if day is not None and told != day:
            ids.append(_NEXT_DAY)
        day = told
        marks.append(len(ids))
        ids += [_HIT, *_ids(tokenizer, f"{passage.speaker}: ", SPEAKER_TOKENS)]
        ids += _ids(tokenizer, passage.text, PASSAGE_TOKENS)
    return [*ids, _SEP], marks


def _ids(tokenizer: Tokenizer, text: str, most: int) -> list[int]:
    return encode(tokenizer, text[: _CHARS_A_TOKEN * most], special=False).ids[:most]


def shares(marks: Sequence[int], length: int) -> npt.NDArray[np.float32]:
    """Return rows of sum 1, (hits, tokens): from its mark to the next the tokens of each hit."""
    table = np.zeros((len(marks), length), dtype=np.float32)
    for row, (start, end) in enumerate(zip(marks, [*marks[1:], length - 1], strict=True)):
        table[row, start:end] = 1 / (end - start)
    return table


class OnnxAnswerSelector:
    """An ``AnswerSelector`` that needs no network, no extra and no key.

    One instance serves any number of threads and event loops. Model and words are loaded on first
    use. Closing is idempotent, and after it ``select`` raises RuntimeError.
    """

    def __init__(self, folder: Path = ASSETS / "answers", words: Path = ASSETS / "minilm") -> None:
        self._folder, self._words_of = folder, words
        self._model = Model(folder / "model.onnx")
        self._model_id = f"{NAME}-{self._model.digest()}"
        self._pool = ThreadPoolExecutor(THREADS, "graphmem-select")

    @property
    def model_id(self) -> str:
        """The model's name and the first 12 digits of the SHA-256 of its weights."""
        return self._model_id

    async def select(self, question: str, passages: Sequence[Passage]) -> Vector:
        """Return float32 of shape (n,): log-odds, up to a constant, that each is the answer.

        ``passages`` are at most ``MOST_PASSAGES``, in the order in which they were told. Of the
        question and of each text the first 48 tokens count. Linear in their number, but for
        attention; 15 ms for six of 30 words on one core.
        """
        if len(passages) > MOST_PASSAGES:
            raise InvalidInput(f"{len(passages)} passages; at most {MOST_PASSAGES} are read")
        if not passages:
            return np.empty(0, dtype=np.float32)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._select, question, tuple(passages))

    async def close(self) -> None:
        """Wait for the calls at work, then free the threads and the model."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        self._model.unload()

    def _select(self, question: str, passages: Sequence[Passage]) -> Vector:
        ids, marks = sequence(self._tokenizer, question, passages)
        table, scale = self._words
        inputs = {
            "words": table[ids].astype(np.float32) * scale[ids],
            "marks": np.array(marks, dtype=np.int64),
            "shares": shares(marks, len(ids)),
        }
        return self._model.run(inputs)[0]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(self._words_of / "tokenizer.json")

    @cached_property
    def _words(self) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
        """The embedding model's table of words, (words, 384), and its scales, (words, 1)."""
        path = self._words_of / "model.onnx"
        place = cast("dict[str, str | int]", json.loads((self._folder / "words.json").read_text()))
        if hashlib.sha256(path.read_bytes()).hexdigest() != place["sha256"]:
            raise StoreError(f"{path} is not the embedding model that {NAME} has its words from")
        count = self._tokenizer.get_vocab_size()
        table = np.memmap(path, np.int8, "r", int(place["table"]), (count, _WIDTH))
        scale = np.fromfile(path, np.float32, count, offset=int(place["scale"]))
        return table, scale[:, np.newaxis]

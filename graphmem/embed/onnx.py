"""Embed text with the model that ships with the package: all-MiniLM-L6-v2 on ONNX Runtime.

Knows no store and no network. One session for all, which computes in the thread that calls it: a
question takes one thread, and of documents every core takes batches of its own. That is a fifth
faster than all cores on one batch, who wait for each other at every step of the graph.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, Literal, cast

import numpy as np
import numpy.typing as npt

from graphmem.embed.windows import WINDOW_TOKENS, cut
from graphmem.onnx import ASSETS, Model, encode, load_tokenizer

Purpose = Literal["query", "document"]
Vectors = npt.NDArray[np.float32]

NAME: Final = "all-MiniLM-L6-v2/int8"
DIMENSION: Final = 384
# As sentence-transformers runs this model; [CLS] and [SEP] included.
MAX_TOKENS: Final = 256
BATCH: Final = 8
QUERY_THREADS: Final = 2


class OnnxEmbedder:
    """An ``Embedder`` that needs no network, no extra and no key.

    One instance serves any number of threads and event loops. The model is loaded on first use, in
    a fifth of a second; the constructor only reads the files. Closing is idempotent, and after it
    ``embed`` raises RuntimeError.
    """

    def __init__(self, folder: Path = ASSETS / "minilm") -> None:
        self._model = Model(folder / "model.onnx")
        self._model_id = f"{NAME}-{self._model.digest()}"
        # Encoding changes nothing in the tokenizer, so all threads may share it.
        self._tokenizer = load_tokenizer(folder / "tokenizer.json")
        self._separator = cast("int", self._tokenizer.token_to_id("[SEP]"))
        # Pools of our own: asyncio's default one is bound to a loop and shared with everything.
        # Questions have theirs, so that they do not queue behind documents.
        self._pools: dict[Purpose, ThreadPoolExecutor] = {
            "query": ThreadPoolExecutor(QUERY_THREADS, "graphmem-embed-query"),
            "document": ThreadPoolExecutor(os.cpu_count() or 1, "graphmem-embed-document"),
        }

    @property
    def model_id(self) -> str:
        """The model's name and the first 12 digits of the SHA-256 of its weights."""
        return self._model_id

    @property
    def dimension(self) -> int:
        """384."""
        return DIMENSION

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._model.loaded

    def windows(self, text: str) -> tuple[str, ...]:
        """Cut a text into windows of 200 tokens that overlap by 40; a short one stays whole."""
        if len(text) <= WINDOW_TOKENS and text.isascii():
            return (text,)  # a token has a character at least
        encoding = encode(self._tokenizer, text, special=False)
        return cut(text, [start for start, _ in encoding.offsets])

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return float32 of shape (n, 384), rows of length 1, in the order given.

        A text counts up to its first 256 tokens; ``windows`` cuts longer ones. The same text in
        another batch may differ in the seventh decimal. Cancelling stops after the batches at work.
        InvalidInput on lone surrogates.
        """
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        run = partial(asyncio.get_running_loop().run_in_executor, self._pools[purpose])
        if len(texts) <= 1:
            return await run(self._one, texts[0]) if texts else vectors
        ids = await run(self._token_ids, tuple(texts))
        # Texts of like length side by side, so that a batch carries little padding; the longest
        # first, so that no core is left with one of them at the end.
        order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
        batches = [order[begin : begin + BATCH] for begin in range(0, len(order), BATCH)]
        found = await asyncio.gather(
            *(run(self._infer, [ids[row] for row in rows]) for rows in batches)
        )
        for rows, made in zip(batches, found, strict=True):
            vectors[rows] = made
        return vectors

    async def close(self) -> None:
        """Wait for the batch at work, then free the threads and the models."""
        for pool in self._pools.values():
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        self._model.unload()

    def _one(self, text: str) -> Vectors:
        return self._infer(self._token_ids([text]))

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, at most 256, still closed by [SEP] when cut."""
        found: list[list[int]] = []
        for text in texts:
            ids = encode(self._tokenizer, text, special=True).ids
            if len(ids) > MAX_TOKENS:
                ids = [*ids[: MAX_TOKENS - 1], self._separator]
            found.append(ids)
        return found

    def _infer(self, batch: Sequence[Sequence[int]]) -> Vectors:
        ids = np.zeros((len(batch), max(map(len, batch))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        return self._model.run({"input_ids": ids, "attention_mask": mask})[0]

"""Embed text with the model that ships with the package: all-MiniLM-L6-v2 on ONNX Runtime.

Knows no store and no network. Two sessions over one file: questions get one thread, so that their
latency does not depend on what else runs; documents get every core, and their session is made
when the first document comes. Neither spins: ONNX Runtime's default burns a core between calls.
"""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]  # it ships no types
from tokenizers import Encoding, Tokenizer

from graphmem.embed.windows import cut
from graphmem.errors import InvalidInput

_runtime = cast("Any", onnxruntime)

Purpose = Literal["query", "document"]
Vectors = npt.NDArray[np.float32]

ASSETS: Final = Path(__file__).parent.parent / "assets" / "minilm"
NAME: Final = "all-MiniLM-L6-v2/int8"
DIMENSION: Final = 384
# As sentence-transformers runs this model; [CLS] and [SEP] included.
MAX_TOKENS: Final = 256
BATCH: Final = 16
QUERY_THREADS: Final = 2


class OnnxEmbedder:
    """An ``Embedder`` that needs no network, no extra and no key.

    One instance serves any number of threads and event loops. Sessions are loaded on first use,
    a fifth of a second each; the constructor only reads the files. Closing is idempotent, and
    after it ``embed`` raises RuntimeError.
    """

    def __init__(self, folder: Path = ASSETS) -> None:
        self._path = folder / "model.onnx"
        self._model_id = f"{NAME}-{hashlib.sha256(self._path.read_bytes()).hexdigest()[:12]}"
        # Encoding changes nothing in the tokenizer, so all threads may share it.
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._separator = cast("int", self._tokenizer.token_to_id("[SEP]"))
        self._lock = Lock()
        self._sessions: dict[Purpose, Any] = {}
        # Pools of our own: asyncio's default one is bound to a loop and shared with everything.
        self._pools: dict[Purpose, ThreadPoolExecutor] = {
            "query": ThreadPoolExecutor(QUERY_THREADS, "graphmem-embed-query"),
            "document": ThreadPoolExecutor(1, "graphmem-embed-document"),
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
    def loaded(self) -> frozenset[Purpose]:
        """The purposes whose session is in memory."""
        with self._lock:
            return frozenset(self._sessions)

    def windows(self, text: str) -> tuple[str, ...]:
        """Cut a text into windows of 200 tokens that overlap by 40; a short one stays whole."""
        encoding = self._encode(text, special=False)
        return cut(text, [start for start, _ in encoding.offsets])

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return float32 of shape (n, 384), rows of length 1, in the order given.

        A text counts up to its first 256 tokens; ``windows`` cuts longer ones. The same text in
        another batch may differ in the seventh decimal. Cancelling stops after the batch at work.
        InvalidInput on lone surrogates.
        """
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        if not texts:
            return vectors
        run = partial(asyncio.get_running_loop().run_in_executor, self._pools[purpose])
        ids = await run(self._token_ids, tuple(texts))
        # Texts of like length side by side, so that a batch carries little padding.
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        for begin in range(0, len(order), BATCH):
            rows = order[begin : begin + BATCH]
            vectors[rows] = await run(self._infer, purpose, [ids[row] for row in rows])
        return vectors

    async def close(self) -> None:
        """Wait for the batch at work, then free the threads and the models."""
        for pool in self._pools.values():
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        with self._lock:
            self._sessions.clear()

    def _encode(self, text: str, *, special: bool) -> Encoding:
        try:
            return self._tokenizer.encode(text, add_special_tokens=special)
        except TypeError as error:
            raise InvalidInput(f"text that is not valid Unicode: {text[:40]!r}") from error

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, at most 256, still closed by [SEP] when cut."""
        found: list[list[int]] = []
        for text in texts:
            ids = self._encode(text, special=True).ids
            if len(ids) > MAX_TOKENS:
                ids = [*ids[: MAX_TOKENS - 1], self._separator]
            found.append(ids)
        return found

    def _infer(self, purpose: Purpose, batch: Sequence[Sequence[int]]) -> Vectors:
        ids = np.zeros((len(batch), max(map(len, batch))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        outputs = self._session(purpose).run(None, {"input_ids": ids, "attention_mask": mask})
        return cast("Vectors", outputs[0])

    def _session(self, purpose: Purpose) -> Any:
        with self._lock:
            if purpose not in self._sessions:
                options = _runtime.SessionOptions()
                cores = os.cpu_count() or 1
                options.intra_op_num_threads = 1 if purpose == "query" else cores
                options.inter_op_num_threads = 1
                options.add_session_config_entry("session.intra_op.allow_spinning", "0")
                options.log_severity_level = 3
                self._sessions[purpose] = _runtime.InferenceSession(
                    str(self._path), options, providers=["CPUExecutionProvider"]
                )
            return self._sessions[purpose]

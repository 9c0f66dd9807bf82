"""Embed text with any model of the sentence-transformers library (extra ``st``).

Knows no store. The library decides where the weights come from: a folder, or a model hub and its
cache on this machine.
"""

# The extra may not be installed where types are checked; then nothing of it is known.
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false
# pyright: reportUnnecessaryTypeIgnoreComment=false

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt

from graphmem.context.tokens import starts
from graphmem.embed.windows import OVERLAP_TOKENS, WINDOW_TOKENS, cut
from graphmem.errors import InvalidInput, MissingExtra

try:
    import torch
    from sentence_transformers import SentenceTransformer
except ImportError as error:
    raise MissingExtra("st", "sentence-transformers") from error

Purpose = Literal["query", "document"]
Vectors = npt.NDArray[np.float32]

BATCH: Final = 16


class SentenceTransformerEmbedder:
    """An ``Embedder`` around one ``SentenceTransformer``.

    The constructor loads the model, which takes seconds and may download it: make the embedder
    before the loop starts, or in a thread. Questions and documents get the model's own prompts and
    routes where it has them. One instance serves any number of threads and event loops; calls run
    one after the other. Closing is idempotent, and after it ``embed`` raises RuntimeError.
    """

    def __init__(
        self,
        model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        device: str | None = None,
        batch_size: int = BATCH,
    ) -> None:
        if batch_size < 1:
            raise InvalidInput(f"batch_size is {batch_size}; it must be at least 1")
        name = str(model_name_or_path)
        self._model = SentenceTransformer(name, revision=revision, device=device)
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise InvalidInput(f"the model {name!r} does not say how many dimensions it has")
        self._dimension = dimension
        self._batch_size = batch_size
        # A folder's own name: where it lies is nobody's business, and changes nothing.
        label = Path(name).resolve().name if Path(name).is_dir() else name
        self._model_id = f"{label}/{_fingerprint(self._model)}"
        self._window, self._overlap = _window_size(self._model)
        self._pool = ThreadPoolExecutor(1, "graphmem-embed-st")

    @property
    def model_id(self) -> str:
        """The model's name and the first 12 digits of a SHA-256 over its weights and prompts."""
        return self._model_id

    @property
    def dimension(self) -> int:
        """What the model says."""
        return self._dimension

    def windows(self, text: str) -> tuple[str, ...]:
        """Cut a text into overlapping windows of 200 tokens, or fewer if the model reads fewer.

        Tokens are the model's own. A tokenizer that cannot tell offsets (a slow one, or one for
        images) is stood in for by cl100k_base, whose tokens are about as long.
        """
        tokenizer = self._model.tokenizer
        if getattr(tokenizer, "is_fast", False):
            encoding = tokenizer(
                text,
                add_special_tokens=False,
                truncation=False,
                return_offsets_mapping=True,
                verbose=False,
            )
            offsets = cast("list[tuple[int, int]]", encoding["offset_mapping"])
            begins = [begin for begin, _ in offsets]
        else:
            begins = starts(text, "cl100k_base")
        return cut(text, begins, size=self._window, overlap=self._overlap)

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return float32 of shape (n, d), rows of length 1, in the order given.

        A text counts up to the model's own limit; ``windows`` cuts longer ones.
        """
        if not texts:
            return np.empty((0, self._dimension), dtype=np.float32)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._encode, list(texts), purpose)

    async def close(self) -> None:
        """Wait for the call at work, then free the thread."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    def _encode(self, texts: list[str], purpose: Purpose) -> Vectors:
        # The library's overloads end in types of its own that it does not declare.
        model = cast("Any", self._model)
        encode = model.encode_query if purpose == "query" else model.encode_document
        vectors = encode(
            texts,
            batch_size=self._batch_size,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return np.asarray(vectors, dtype=np.float32)


def _fingerprint(model: SentenceTransformer) -> str:
    """Return 12 hexadecimal digits that change with the weights and with the prompts."""
    digest = hashlib.sha256(repr(sorted(model.prompts.items())).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:12]


def _window_size(model: SentenceTransformer) -> tuple[int, int]:
    """Return window and overlap in tokens: 200 and 40, or as much as fits beside the prompt."""
    limit = model.max_seq_length
    if limit is None:
        return WINDOW_TOKENS, OVERLAP_TOKENS
    tokenizer = model.tokenizer
    prompts = [prompt or "" for prompt in (*model.prompts.values(), None)]
    # Called without text beside the prompt, a tokenizer adds its special tokens to it.
    reserved = max(len(tokenizer(prompt)["input_ids"]) for prompt in prompts)
    window = max(1, min(WINDOW_TOKENS, limit - reserved))
    return window, window * OVERLAP_TOKENS // WINDOW_TOKENS

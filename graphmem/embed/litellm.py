"""Embed text with any provider that LiteLLM speaks to (extra ``llm``), or a local server.

Knows no store, and nothing of LiteLLM but that it has been asked (``graphmem/llm.py``).
"""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from graphmem.context.tokens import starts
from graphmem.embed.windows import OVERLAP_TOKENS, WINDOW_TOKENS, cut
from graphmem.errors import ExtractionError, InvalidInput
from graphmem.llm import TIMEOUT_S, RemoteModel

Purpose = Literal["query", "document"]
Vectors = npt.NDArray[np.float32]

BATCH: Final = 64
NO_PROMPTS: Final[Mapping[Purpose, str]] = MappingProxyType({})


class LiteLLMEmbedder:
    """An ``Embedder`` that asks a remote model, or a local OpenAI-compatible server.

    ``model`` is LiteLLM's name for it, such as ``openai/text-embedding-3-small``; with
    ``api_base`` any server that speaks OpenAI's protocol answers to ``openai/<name>``. Without
    ``api_key`` the provider's own variable counts, as LiteLLM documents. ``prompts`` are put
    before the texts of a purpose, for models that were trained with them. ``max_tokens`` is the
    length of a window, counted in cl100k_base, which is near enough to other models' tokens when
    it stays well below their limit. Nothing is retried here: the worker retries.
    """

    def __init__(
        self,
        model: str,
        dimension: int,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        max_tokens: int = WINDOW_TOKENS,
        batch_size: int = BATCH,
        timeout_s: float = TIMEOUT_S,
        prompts: Mapping[Purpose, str] = NO_PROMPTS,
    ) -> None:
        for name, value in (
            ("dimension", dimension),
            ("max_tokens", max_tokens),
            ("batch_size", batch_size),
        ):
            if value < 1:
                raise InvalidInput(f"{name} is {value}; it must be at least 1")
        self._model = RemoteModel(
            name=model, api_base=api_base, api_key=api_key, timeout_s=timeout_s
        )
        self._dimension = dimension
        self._max_tokens = max_tokens
        self._batch_size = batch_size
        self._prompts = dict(prompts)

    @property
    def model_id(self) -> str:
        """The model's name and dimension, and a digest of the prompts if there are any.

        What a provider changes behind a name cannot be seen from here.
        """
        named = f"litellm/{self._model.name}/{self._dimension}"
        if not any(self._prompts.values()):
            return named
        prompts = repr(sorted(self._prompts.items()))
        return f"{named}/{hashlib.sha256(prompts.encode()).hexdigest()[:12]}"

    @property
    def dimension(self) -> int:
        """As given; an answer of another width is an error."""
        return self._dimension

    def windows(self, text: str) -> tuple[str, ...]:
        """Cut a text into windows of ``max_tokens`` tokens that overlap by a fifth."""
        overlap = self._max_tokens * OVERLAP_TOKENS // WINDOW_TOKENS
        return cut(text, starts(text, "cl100k_base"), size=self._max_tokens, overlap=overlap)

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return float32 of shape (n, d), rows of length 1, in the order given.

        ModelUnavailable when the model cannot be reached, is overloaded, or takes too long;
        ExtractionError when it refuses, or answers with anything but n vectors of width d.
        """
        vectors = np.empty((len(texts), self._dimension), dtype=np.float32)
        prompt = self._prompts.get(purpose, "")
        for begin in range(0, len(texts), self._batch_size):
            batch = [prompt + text for text in texts[begin : begin + self._batch_size]]
            vectors[begin : begin + len(batch)] = self._vectors(
                await self._model.embed(batch), len(batch)
            )
        return vectors

    async def close(self) -> None:
        """Do nothing: LiteLLM keeps its connections for the whole process and shares them."""

    def _vectors(self, rows: Sequence[Mapping[str, Any]], count: int) -> Vectors:
        """Return the answer's vectors in the order asked, brought to length 1."""
        # The protocol numbers the rows; their order in the answer is not promised.
        found = [row["embedding"] for row in sorted(rows, key=lambda row: int(row["index"]))]
        if len(found) != count or any(len(vector) != self._dimension for vector in found):
            widths = sorted({len(vector) for vector in found})
            raise ExtractionError(
                f"the embedding model {self._model.name!r} gave {len(found)} vectors of width "
                f"{widths} for {count} texts; expected width {self._dimension}"
            )
        vectors = np.asarray(found, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise ExtractionError(
                f"the embedding model {self._model.name!r} gave a vector that has no direction"
            )
        return vectors / lengths

"""Embed text with any provider that LiteLLM speaks to (extra ``llm``), or a local server.

Knows no store. LiteLLM is imported here and in ``graphmem/extract/llm.py``, nowhere else; its
errors become ours here. Left alone, its import reads a ``.env`` file of the working folder and
downloads a price list: both are switched off before.
"""

# The extra may not be installed where types are checked; then nothing of it is known.
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false
# pyright: reportUnnecessaryTypeIgnoreComment=false

import hashlib
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt

from graphmem.context.tokens import starts
from graphmem.embed.windows import OVERLAP_TOKENS, WINDOW_TOKENS, cut
from graphmem.errors import ExtractionError, InvalidInput, MissingExtra, ModelUnavailable

os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
try:
    import litellm
    import openai
    from litellm.exceptions import BadGatewayError, ServiceUnavailableError
except ImportError as error:
    raise MissingExtra("llm", "litellm") from error

Purpose = Literal["query", "document"]
Vectors = npt.NDArray[np.float32]

BATCH: Final = 64
TIMEOUT_S: Final = 30.0
NO_PROMPTS: Final[Mapping[Purpose, str]] = MappingProxyType({})

# What passes with time; every other refusal needs a person.
_PASSING: Final = (
    openai.APIConnectionError,  # and its subclass, the timeout
    openai.RateLimitError,
    openai.InternalServerError,
    ServiceUnavailableError,
    BadGatewayError,
)


class _NoRetries(int):
    """A zero that counts as given: LiteLLM reads a plain 0 as absent and retries twice."""

    def __bool__(self) -> bool:
        return True


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
        self._model = model
        self._dimension = dimension
        self._max_tokens = max_tokens
        self._batch_size = batch_size
        self._prompts = dict(prompts)
        self._options: dict[str, Any] = {
            "api_base": api_base,
            "api_key": api_key,
            "timeout": timeout_s,
            "num_retries": 0,
            "max_retries": _NoRetries(0),
            "encoding_format": "float",
        }

    @property
    def model_id(self) -> str:
        """The model's name and dimension, and a digest of the prompts if there are any.

        What a provider changes behind a name cannot be seen from here.
        """
        named = f"litellm/{self._model}/{self._dimension}"
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
            vectors[begin : begin + len(batch)] = await self._ask(batch)
        return vectors

    async def close(self) -> None:
        """Do nothing: LiteLLM keeps its connections for the whole process and shares them."""

    async def _ask(self, batch: list[str]) -> Vectors:
        try:
            asked = litellm.aembedding(model=self._model, input=batch, **self._options)
            answer = cast("Any", await asked)
        except _PASSING as error:
            raise ModelUnavailable(f"the embedding model {self._model!r}: {error}") from error
        except openai.OpenAIError as error:
            raise ExtractionError(f"the embedding model {self._model!r}: {error}") from error
        return self._vectors(cast("list[dict[str, Any]]", answer.data or []), len(batch))

    def _vectors(self, rows: Sequence[Mapping[str, Any]], count: int) -> Vectors:
        """Return the answer's vectors in the order asked, brought to length 1."""
        # The protocol numbers the rows; their order in the answer is not promised.
        found = [row["embedding"] for row in sorted(rows, key=lambda row: int(row["index"]))]
        if len(found) != count or any(len(vector) != self._dimension for vector in found):
            widths = sorted({len(vector) for vector in found})
            raise ExtractionError(
                f"the embedding model {self._model!r} gave {len(found)} vectors of width {widths} "
                f"for {count} texts; expected width {self._dimension}"
            )
        vectors = np.asarray(found, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise ExtractionError(
                f"the embedding model {self._model!r} gave a vector that has no direction"
            )
        return vectors / lengths

"""LiteLLM, made ready once and asked in one way: the only module that imports it (extra ``llm``).

Left alone, its import reads a ``.env`` file of the working folder and downloads a price list: both
are switched off before. Its errors become ours here. Does not know what it is asked for.
"""

# The extra may not be installed where types are checked; then nothing of it is known.
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false
# pyright: reportUnnecessaryTypeIgnoreComment=false

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

from graphmem.errors import ExtractionError, MalformedAnswer, MissingExtra, ModelUnavailable

os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
try:
    import litellm
    import openai
    from litellm.exceptions import BadGatewayError, ServiceUnavailableError
except ImportError as error:
    raise MissingExtra("llm", "litellm") from error

TIMEOUT_S: Final = 30.0

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteModel:
    """A model by LiteLLM's name for it, and how it is reached.

    With ``api_base`` any server that speaks OpenAI's protocol answers to ``openai/<name>``. Without
    ``api_key`` the provider's own variable counts, as LiteLLM documents.
    """

    name: str
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S

    @property
    def options(self) -> dict[str, Any]:
        """What goes with every request. Nothing is retried: who asks decides about that."""
        return {
            "api_base": self.api_base,
            "api_key": self.api_key,
            "timeout": self.timeout_s,
            "num_retries": 0,
            "max_retries": _NoRetries(0),
        }

    @contextmanager
    def asked(self) -> Generator[None]:
        """Turn what LiteLLM raises inside into ModelUnavailable, or ExtractionError if refused."""
        try:
            yield
        except _PASSING as error:
            raise ModelUnavailable(f"the model {self.name!r}: {error}") from error
        except openai.OpenAIError as error:
            raise ExtractionError(f"the model {self.name!r}: {error}") from error

    async def embed(self, texts: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return the rows of an answer of ``/embeddings``, as they came."""
        with self.asked():
            answer = await litellm.aembedding(
                model=self.name, input=list(texts), encoding_format="float", **self.options
            )
        return cast("Any", answer).data or ()

    async def rerank(self, query: str, texts: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return the rows of an answer of ``/rerank``, as they came."""
        with self.asked():
            answer = await litellm.arerank(
                model=self.name,
                query=query,
                documents=list(texts),
                top_n=len(texts),
                return_documents=False,
                **self.options,
            )
        return cast("Any", answer).results or ()

    async def chat(self, messages: Sequence[Mapping[str, str]], *, max_tokens: int) -> str:
        """Return what the model says; MalformedAnswer if that is nothing."""
        with self.asked():
            answer = await litellm.acompletion(
                model=self.name,
                messages=[dict(message) for message in messages],
                max_tokens=max_tokens,
                temperature=0,
                drop_params=True,  # some models take no temperature
                **self.options,
            )
        choices = cast("Any", answer).choices
        said = choices[0].message.content if choices else None
        if not isinstance(said, str) or not said.strip():
            raise MalformedAnswer(f"the model {self.name!r} said nothing")
        return said

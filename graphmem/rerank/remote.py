"""What the steps that ask a model through LiteLLM share: how they reach it. Asks nothing itself."""

from graphmem.llm import TIMEOUT_S, RemoteModel


class RemoteStep:
    """Reaches one model by LiteLLM's name for it; with ``api_base``, at a server of one's own."""

    def __init__(
        self,
        model: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._model = RemoteModel(
            name=model, api_base=api_base, api_key=api_key, timeout_s=timeout_s
        )

    @property
    def model_id(self) -> str:
        return f"litellm/{self._model.name}"

    async def close(self) -> None:
        """Do nothing: LiteLLM keeps its connections for the whole process and shares them."""

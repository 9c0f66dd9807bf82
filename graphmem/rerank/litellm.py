"""Score texts with any reranking service that LiteLLM speaks to (extra ``llm``).

Knows no store, and nothing of LiteLLM but that it has been asked (``graphmem/llm.py``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphmem.errors import MalformedAnswer
from graphmem.models import Vector
from graphmem.rerank.remote import RemoteStep
from graphmem.rerank.shown import shown


class LiteLLMReranker(RemoteStep):
    """A ``Reranker`` that asks a service with a ``/rerank`` of Cohere's form.

    ``model`` is LiteLLM's name for it, such as ``cohere/rerank-v3.5`` or ``jina_ai/…``. Nothing is
    retried.
    """

    async def score(self, query: str, texts: Sequence[str]) -> Vector:
        """Return float32 of shape (n,), higher is better.

        ModelUnavailable when the service cannot be reached, is overloaded, or takes too long;
        ExtractionError when it refuses; MalformedAnswer unless it scores every text once.
        """
        if not texts:
            return np.empty(0, dtype=np.float32)
        rows = await self._model.rerank(shown(query), [shown(text) for text in texts])
        return self._scores(rows, len(texts))

    def _scores(self, rows: Sequence[Mapping[str, Any]], count: int) -> Vector:
        scores = np.full(count, np.nan, dtype=np.float32)
        for row in rows:
            if 0 <= row["index"] < count:
                scores[row["index"]] = row["relevance_score"]
        if len(rows) != count or not np.isfinite(scores).all():
            raise MalformedAnswer(
                f"the reranker {self._model.name!r} gave {len(rows)} rows for {count} texts; "
                "expected a finite score for each"
            )
        return scores

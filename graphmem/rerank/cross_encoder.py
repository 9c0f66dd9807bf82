"""Score texts with a cross-encoder of the sentence-transformers library (extra ``st``).

A cross-encoder reads question and text together (Nogueira and Cho, "Passage re-ranking with BERT",
2019). Knows no store. The library decides where the weights come from: a folder, or a model hub and
its cache on this machine.
"""

# The extra may not be installed where types are checked; then nothing of it is known.
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnnecessaryTypeIgnoreComment=false

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from graphmem.errors import InvalidInput, MissingExtra
from graphmem.models import Vector
from graphmem.rerank.shown import shown

try:
    import torch
    from sentence_transformers import CrossEncoder
except ImportError as error:
    raise MissingExtra("st", "sentence-transformers") from error

BATCH: Final = 16


class CrossEncoderReranker:
    """A ``Reranker`` around one ``CrossEncoder`` with one output.

    The constructor loads the model, which takes seconds and may download it. Scores are the model's
    logits. One instance serves any number of threads and event loops; calls run one after the
    other, and one that nobody waits for any more does not start. Closing is idempotent, and after
    it ``score`` raises RuntimeError.
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
        # Without the sigmoid, which is 1.0 in float32 for all that is very good.
        self._model = CrossEncoder(
            name, revision=revision, device=device, activation_fn=torch.nn.Identity()
        )
        if self._model.num_labels != 1:
            raise InvalidInput(
                f"the model {name!r} has {self._model.num_labels} outputs; a reranker has 1"
            )
        self._batch_size = batch_size
        # A folder's own name: where it lies is nobody's business.
        self._name = Path(name).resolve().name if Path(name).is_dir() else name
        self._pool = ThreadPoolExecutor(1, "graphmem-rerank-st")

    @property
    def model_id(self) -> str:
        return f"cross-encoder/{self._name}"

    async def score(self, query: str, texts: Sequence[str]) -> Vector:
        """Return float32 of shape (n,), higher is better; a text counts up to the model's limit."""
        pairs = [(shown(query), shown(text)) for text in texts]
        if not pairs:
            return np.empty(0, dtype=np.float32)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._predict, pairs)

    async def close(self) -> None:
        """Wait for the call at work, then free the thread."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    def _predict(self, pairs: list[tuple[str, str]]) -> Vector:
        # The library's overloads end in types of its own that it does not declare.
        scores = cast("Any", self._model).predict(
            pairs,
            batch_size=self._batch_size,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return np.asarray(scores, dtype=np.float32).reshape(len(pairs))

"""An embedder that keeps what it has embedded on disk, so that a second run need not.

Knows no model. A vector is named by the model, the purpose and the SHA-256 of the text; two files
per model, one of names and one of vectors, are only ever appended to, and what a crash has left
half written is cut off.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from graphmem.models import Vector
from graphmem.ports import Embedder

_NAME_BYTES = 32


class CachedEmbedder:
    """An ``Embedder`` in front of another one. For one process at a time."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        stem = hashlib.sha256(embedder.model_id.encode()).hexdigest()[:16]
        self._embedder = embedder
        self._names = folder / f"{stem}.names"
        self._vectors = folder / f"{stem}.f32"
        self._rows: dict[bytes, Vector] = {}
        self._load()

    @property
    def model_id(self) -> str:
        return self._embedder.model_id

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    def windows(self, text: str) -> tuple[str, ...]:
        return self._embedder.windows(text)

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "document"]) -> Vector:
        """Return the vectors in the order given; only texts never seen go to the model."""
        names = [hashlib.sha256(f"{purpose}\0{text}".encode()).digest() for text in texts]
        missing = {
            name: text for name, text in zip(names, texts, strict=True) if name not in self._rows
        }
        if missing:
            fresh = await self._embedder.embed(list(missing.values()), purpose=purpose)
            self._keep(list(missing), fresh)
        if not names:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([self._rows[name] for name in names])

    async def close(self) -> None:
        await self._embedder.close()

    def _load(self) -> None:
        row_bytes = 4 * self.dimension
        names = self._names.read_bytes() if self._names.exists() else b""
        vectors = self._vectors.read_bytes() if self._vectors.exists() else b""
        whole = min(len(names) // _NAME_BYTES, len(vectors) // row_bytes)
        for path, size, held in (
            (self._names, whole * _NAME_BYTES, len(names)),
            (self._vectors, whole * row_bytes, len(vectors)),
        ):
            if held != size:
                with path.open("r+b") as file:
                    file.truncate(size)
        table = np.frombuffer(vectors[: whole * row_bytes], dtype=np.float32)
        for place, row in enumerate(table.reshape(whole, self.dimension)):
            self._rows[names[place * _NAME_BYTES : (place + 1) * _NAME_BYTES]] = row

    def _keep(self, names: Sequence[bytes], vectors: Vector) -> None:
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        with self._vectors.open("ab") as file:
            file.write(rows.tobytes())
        with self._names.open("ab") as file:
            file.write(b"".join(names))
        self._rows.update(zip(names, rows, strict=True))

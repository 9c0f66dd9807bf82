"""Exact nearest neighbours of one scope: a matrix, a product, a sort.

The matrix of a scope is kept while the scope's version stands; the version is read in the same
snapshot as the rest of the answer, so that what another process has just written is seen. Does not
know SQL.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphmem.models import Vector

_CACHE_BYTES: Final = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Matrix:
    """The vectors of one scope: row i belongs to item ``owner[i]`` of ``items``, in order."""

    items: tuple[str, ...]
    kinds: tuple[str, ...]
    starts: npt.NDArray[np.intp]
    rows: Vector

    @property
    def bytes(self) -> int:
        return self.rows.nbytes + 100 * len(self.items)

    def cosines(self, query: Vector) -> npt.NDArray[np.float32]:
        """Return each item's best cosine, shape (items,)."""
        if not self.items:
            return np.zeros(0, dtype=np.float32)
        return np.maximum.reduceat(self.rows @ query, self.starts)


def build(found: Iterable[tuple[str, str, bytes]], dimension: int) -> Matrix:
    """Return the matrix of rows (item, kind, float32 bytes) that come ordered by item."""
    items: list[str] = []
    kinds: list[str] = []
    starts: list[int] = []
    blobs: list[bytes] = []
    for item, kind, blob in found:
        if not items or items[-1] != item:
            items.append(item)
            kinds.append(kind)
            starts.append(len(blobs))
        blobs.append(blob)
    rows = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, dimension)
    return Matrix(tuple(items), tuple(kinds), np.asarray(starts, dtype=np.intp), rows)


class Matrices:
    """The matrices of the scopes used last, within a bound of memory; safe across threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], tuple[int, Matrix]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, scope: str, model: int, version: int, load: Callable[[], Matrix]) -> Matrix:
        """Return the scope's matrix as of ``version``, by ``load`` where it is not kept."""
        with self._lock:
            found = self._kept.get((scope, model))
            if found is not None and found[0] == version:
                self._kept.move_to_end((scope, model))
                return found[1]
        matrix = load()
        with self._lock:
            self._kept[scope, model] = (version, matrix)
            self._kept.move_to_end((scope, model))
            while (
                len(self._kept) > 1 and sum(m.bytes for _, m in self._kept.values()) > _CACHE_BYTES
            ):
                self._kept.popitem(last=False)
        return matrix


def best(
    matrices: Sequence[Matrix], query: Vector
) -> tuple[list[tuple[float, str, str]], dict[str, float]]:
    """Return (cosine, item, kind) of all items, best first, ties by id; and the cosine by item."""
    ranked: list[tuple[float, str, str]] = []
    for matrix in matrices:
        values = matrix.cosines(query).tolist()
        ranked += zip(values, matrix.items, matrix.kinds, strict=True)
    cosine = {item: value for value, item, _ in ranked}
    ranked.sort(key=lambda r: (-r[0], r[1]))
    return ranked, cosine

"""Nearest neighbours within one scope: a matrix, a product, a partition.

Up to ``LARGE`` vectors the search is exact. Beyond, memory bandwidth is the cost (1.5 KB a vector),
so a search looks at all vectors through their 64 principal axes and takes the cosine only of those
that can still be among the nearest. "Can" is a bound on what the other axes may add: by Cauchy and
Schwarz it is the product of both remainders; half of that is asked for, which none but nearly
parallel remainders reach (measured with the bundled model: .999 of the 50 nearest, the cosine of
3 % taken; the full bound finds all and takes a quarter). The cosine of what is found is exact.

Does not know SQL, nor what an item is.
"""

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from graphmem.models import Vector

Places: TypeAlias = npt.NDArray[np.intp]
Numbered: TypeAlias = tuple[int, str, bytes]
"""The store's number of a vector, its item, and its float32 components, little-endian."""

LARGE: Final = 16_384
_AXES: Final = 64
_SAMPLE: Final = 4096  # so many vectors tell the principal axes
_ROUNDS: Final = 4
_SLACK: Final = 0.5
_BEAM: Final = 8  # times the limit: whose cosines tell how good one must be
_ROUNDING: Final = 1e-5
_SMALL: Final = 4_000_000


class Grown:
    """Rows that others are added to; what was handed out before stays as it was.

    What is added goes into the room behind the rows, if nobody has used it yet; else all is copied,
    with room for an eighth more.
    """

    def __init__(self, rows: Vector) -> None:
        self.rows = rows
        self._buffer = rows
        self._used = [len(rows)]  # shared by all who share the buffer
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        return self._buffer.nbytes

    def plus(self, more: Vector) -> "Grown":
        """Return these rows and more. Amortised O(more)."""
        held, total = len(self.rows), len(self.rows) + len(more)
        grown = Grown(self.rows)
        with self._lock:
            if self._used[0] == held and total <= len(self._buffer):
                self._used[0] = total
                grown._buffer, grown._used, grown._lock = self._buffer, self._used, self._lock
        if grown._used is not self._used:
            grown._buffer = np.empty((total + total // 8, *more.shape[1:]), dtype=np.float32)
            grown._buffer[:held] = self.rows
            grown._used = [total]
        grown._buffer[held:total] = more  # ours alone: whoever else would add here copies
        grown.rows = grown._buffer[:total]
        return grown


@dataclass(frozen=True, slots=True)
class Outline:
    """Vectors through their principal axes, shape (n, 64), and the lengths of what is left out."""

    axes: Vector
    rows: Grown
    rest: Grown

    @property
    def bytes(self) -> int:
        return self.rows.bytes + self.rest.bytes

    def plus(self, more: Vector) -> "Outline":
        """Return the outline of these vectors and more, through the same axes."""
        seen, rest = _through(self.axes, more)
        return Outline(self.axes, self.rows.plus(seen), self.rest.plus(rest))

    def most(self, query: Vector) -> Vector:
        """Return, per row, what its product with the query will hardly exceed."""
        head = np.asarray(query @ self.axes, dtype=np.float32)
        rest = np.sqrt(max(float(query @ query - head @ head), 0.0))
        most = _product(self.rows.rows, head)
        most += np.float32(_SLACK * rest) * self.rest.rows
        most += np.float32(_ROUNDING)
        return most


def outline(rows: Vector) -> Outline:
    sample = rows[:: max(1, len(rows) // _SAMPLE)]
    moment = sample.T @ sample
    axes = np.eye(len(moment), _AXES, dtype=np.float32)
    for _ in range(_ROUNDS):  # any axes serve, the principal ones best: nearly those will do
        axes = np.linalg.qr(moment @ axes)[0]
    seen, rest = _through(axes, rows)
    return Outline(axes, Grown(seen), Grown(rest))


def _through(axes: Vector, rows: Vector) -> tuple[Vector, Vector]:
    """Return vectors through these axes, and the lengths of what that leaves out."""
    seen = np.asarray(rows @ axes, dtype=np.float32)
    squares = np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", seen, seen)
    return seen, np.sqrt(np.maximum(squares, 0.0)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The vectors of a scope: item ``place`` has ``rows[starts[place]:starts[place + 1]]``.

    An item has a row per window. ``numbers`` are the store's of the rows, -1 where a row has gone:
    its item is in ``places`` no more. ``outline`` is there where the rows are many.
    """

    places: dict[str, int]
    starts: Places
    kept: Grown
    numbers: npt.NDArray[np.int64]
    outline: Outline | None = None

    @property
    def rows(self) -> Vector:
        return self.kept.rows

    @property
    def bytes(self) -> int:
        outlined = 0 if self.outline is None else self.outline.bytes
        small = self.starts.nbytes + self.numbers.nbytes + 200 * len(self.places)
        return self.kept.bytes + outlined + small

    def __len__(self) -> int:
        return len(self.places)

    def without(self, gone: Collection[int]) -> "Matrix | None":
        """Return the matrix without these rows, by number; None if that parts an item's."""
        dead = np.isin(self.numbers, np.fromiter(gone, dtype=np.int64, count=len(gone)))
        if not dead.any():
            return self
        touched = np.unique(np.searchsorted(self.starts, np.flatnonzero(dead), "right") - 1)
        if np.diff(self.starts)[touched].sum() != dead.sum():
            return None
        doomed = set(touched.tolist())
        places = {item: place for item, place in self.places.items() if place not in doomed}
        return replace(self, places=places, numbers=np.where(dead, -1, self.numbers))

    def plus(self, found: Sequence[Numbered]) -> "Matrix | None":
        """Return the matrix with more rows, see ``build``; None if they are of items it has."""
        if not found:
            return self
        dimension = self.rows.shape[1]
        more = build(found, dimension)
        if not self.places.keys().isdisjoint(more.places):
            return None
        items, rows = len(self.starts) - 1, len(self.rows)
        kept = self.kept.plus(more.rows)
        outlined = None if self.outline is None else self.outline.plus(more.rows)
        if outlined is None and len(kept.rows) > LARGE:
            outlined = outline(kept.rows)
        return Matrix(
            places=self.places | {item: place + items for item, place in more.places.items()},
            starts=np.concatenate([self.starts, more.starts[1:] + rows]),
            kept=kept,
            numbers=np.concatenate([self.numbers, more.numbers]),
            outline=outlined,
        )


def build(found: Sequence[Numbered], dimension: int) -> Matrix:
    """Return the matrix of rows in any order."""
    columns = list(zip(*found, strict=True)) or [()] * 3
    ns, items, blobs = cast("tuple[tuple[int, ...], tuple[str, ...], tuple[bytes, ...]]", columns)
    rows = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, dimension)
    numbers = np.array(ns, dtype=np.int64)
    places = dict(zip(items, range(len(items)), strict=True))
    starts = np.arange(len(items) + 1)
    if len(places) < len(items):
        places = {item: place for place, item in enumerate(dict.fromkeys(items))}
        owner = np.fromiter(map(places.__getitem__, items), dtype=np.intp, count=len(items))
        if (owner[1:] < owner[:-1]).any():
            order = np.argsort(owner, kind="stable")
            rows, owner, numbers = rows[order], owner[order], numbers[order]
        starts = np.searchsorted(owner, np.arange(len(places) + 1))
    outlined = outline(rows) if len(rows) > LARGE else None
    return Matrix(places, starts, Grown(rows), numbers, outlined)


class Nearness:
    """How near the items of a matrix are to one question; computes as little as is asked."""

    def __init__(self, matrix: Matrix, query: Vector) -> None:
        self.matrix = matrix
        self.query = query

    @cached_property
    def all(self) -> Vector:
        """The cosine of each item, of its best window, shape (items,)."""
        return self._best(_product(self.matrix.rows, self.query), self.matrix.starts)

    def of(self, places: Places) -> Vector:
        """Return the exact cosines of these items; each is computed once."""
        if self.matrix.outline is None or "all" in self.__dict__:
            return self.all[places]
        asked = places[np.isnan(self._known[places])]
        if len(asked):
            self._known[asked] = self._of(asked)
        return self._known[places]

    def _of(self, places: Places) -> Vector:
        matrix = self.matrix
        if len(matrix.rows) == len(matrix.starts) - 1:  # a row each
            return _product(np.take(matrix.rows, places, axis=0), self.query)
        first, counts = matrix.starts[places], matrix.starts[places + 1] - matrix.starts[places]
        starts: Places = np.r_[0, np.cumsum(counts)]
        rows: Places = np.arange(int(starts[-1])) + np.repeat(first - starts[:-1], counts)
        return self._best(_product(np.take(matrix.rows, rows, axis=0), self.query), starts)

    @cached_property
    def _known(self) -> Vector:
        return np.full(len(self.matrix.starts) - 1, np.nan, dtype=np.float32)

    def nearest(self, places: Places, limit: int) -> tuple[Places, Vector]:
        """Return which of these items are the ``limit`` nearest, as indices, and their cosines.

        In no order. What ties with the last comes too, so there may be more.
        """
        if len(places) <= limit:
            return np.arange(len(places)), self.of(places)
        beam = _BEAM * limit
        if self.matrix.outline is None or len(places) <= 4 * beam:
            near = np.arange(len(places))
        else:
            most = self._most[places]
            first = np.argpartition(most, len(most) - beam)[len(most) - beam :]
            enough = min(_at(self.of(places[first]), limit), most[first].min())
            near = np.flatnonzero(most >= enough)
            if len(near) > len(places) // 4:
                near = np.arange(len(places))  # a product of all is cheaper than so many picked
                _ = self.all
        cosines = self.of(places[near])
        best = np.flatnonzero(cosines >= _at(cosines, limit))
        return near[best], cosines[best]

    @cached_property
    def _most(self) -> Vector:
        assert self.matrix.outline is not None
        return self._best(self.matrix.outline.most(self.query), self.matrix.starts)

    @staticmethod
    def _best(values: Vector, starts: Places) -> Vector:
        """Return the highest value of each run, [starts[i], starts[i + 1])."""
        if len(values) == len(starts) - 1:
            return values
        return np.maximum.reduceat(values, starts[:-1])


def _product(rows: Vector, query: Vector) -> Vector:
    """Return the product of rows with a query, shape (rows,)."""
    if rows.size > _SMALL:
        return rows @ query
    # BLAS would share this out to threads, and on a busy machine wait 10 ms to save .2 of them.
    return np.einsum("ij,j->i", rows, query)


def _at(values: Vector, limit: int) -> np.float32:
    """Return the value at a place, counted from the highest, 1-based."""
    if len(values) <= limit:
        return np.float32(-np.inf)
    return np.partition(values, len(values) - limit)[len(values) - limit]

"""Candidates in columns: what ranking computes with, made into objects only when looked at.

A pool holds hundreds of candidates and an answer ten. ``Columns`` is a sequence of Candidates to
whoever reads it as one; scoring takes its columns instead. A store fills it from the rows of its
statement, in the order of ``FIXED``, beside what differs from question to question. Times are
integers there, microseconds since 1970 in UTC, and no end is None. Does not know where rows come
from.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Literal, TypeAlias, cast, overload

import numpy as np
import numpy.typing as npt

from graphmem.models import Candidate, MemoryType, Role, Status

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Fixed: TypeAlias = tuple[Any, ...]
"""The fields named by ``FIXED``; a store keeps them as long as its row stands."""

FIXED: Final = (
    "id",
    "kind",
    "scope_key",
    "terms",
    "seq",
    "session_id",
    "author",
    "role",
    "occurred_at",
    "recorded_at",
    "valid_from",
    "valid_to",
    "status",
    "slot",
    "confidence",
    "importance",
    "source_class",
    "type",
    "episode_ids",
    "event_ids",
    "text",
)
"""The fields of a Candidate that are the same for every question."""

_REMEMBERED: Final = 8192  # documents, of some 1.5 KB each
_TIMES: Final = range(8, 12)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_fixed_of: Final = attrgetter(*FIXED)


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _TICK


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


@dataclass(frozen=True, slots=True)
class Words:
    """How often the terms of a question occur in candidates, (terms, candidates).

    ``lengths`` are the candidates' in words, shape (candidates,).
    """

    terms: tuple[str, ...]
    counts: Floats
    lengths: Floats

    def take(self, places: Sequence[int]) -> "Words":
        return Words(self.terms, self.counts[:, places], self.lengths[places])


@lru_cache(maxsize=_REMEMBERED)
def bag(document: str) -> frozenset[str]:
    """Return a document's blank-separated words, of those asked last from memory.

    A scope's documents are asked about again and again: nobody wants to take them apart each time.
    """
    return frozenset(document.split(" ") if document else ())


def words_of(terms: Iterable[str], documents: Sequence[str]) -> Words:
    """Count distinct terms in documents, given as their blank-separated words. O(words)."""
    distinct = tuple(dict.fromkeys(terms))
    counts = np.zeros((len(distinct), len(documents)))
    lengths = np.array([d.count(" ") + 1 if d else 0 for d in documents], dtype=np.float64)
    numbers = {term: number for number, term in enumerate(distinct)}
    asked = frozenset(distinct)
    for place, document in enumerate(documents):
        held = asked & bag(document)
        if held:
            words = document.split(" ")
            for term in held:
                counts[numbers[term], place] = words.count(term)
    return Words(distinct, counts, lengths)


def _in_numbers(values: tuple[Any, ...]) -> Fixed:
    times = [None if v is None else microseconds(v) for v in values[_TIMES.start : _TIMES.stop]]
    return (*values[: _TIMES.start], *times, *values[_TIMES.stop :])


class Columns(Sequence[Candidate]):
    """An immutable sequence of candidates that also has each of their fields as a tuple.

    Equal to any sequence of equal candidates in the same order. ``words`` may be there for the
    terms of the question that found them.
    """

    __slots__ = (
        "_fixed",
        "author",
        "cosine",
        "ended",
        "episode_ids",
        "event_ids",
        "id",
        "importance",
        "kind",
        "occurred_at",
        "partly_ended",
        "recorded_at",
        "role",
        "scope_key",
        "seq",
        "session_id",
        "slot",
        "status",
        "terms",
        "type",
        "valid_from",
        "valid_to",
        "words",
    )
    __hash__ = None  # pyright: ignore[reportAssignmentType]  # equal to tuples, whose hash differs

    def __init__(
        self,
        fixed: Sequence[Fixed],
        *,
        cosine: Sequence[float | None],
        endings: Sequence[tuple[bool, bool]],
        words: Words | None = None,
    ) -> None:
        self._fixed = fixed
        self.words = words
        self.cosine = cosine
        self.ended = [ended for ended, _ in endings]
        self.partly_ended = [partly for _, partly in endings]
        columns: list[Any] = list(zip(*fixed, strict=True)) if fixed else [()] * len(FIXED)
        self.id: tuple[str, ...] = columns[0]
        self.kind: tuple[Literal["fact", "episode"], ...] = columns[1]
        self.scope_key: tuple[str, ...] = columns[2]
        self.terms: tuple[str, ...] = columns[3]
        self.seq: tuple[int, ...] = columns[4]
        self.session_id: tuple[str, ...] = columns[5]
        self.author: tuple[str | None, ...] = columns[6]
        self.role: tuple[Role | None, ...] = columns[7]
        self.occurred_at: tuple[int, ...] = columns[8]
        self.recorded_at: tuple[int, ...] = columns[9]
        self.valid_from: tuple[int | None, ...] = columns[10]
        self.valid_to: tuple[int | None, ...] = columns[11]
        self.status: tuple[Status, ...] = columns[12]
        self.slot: tuple[str | None, ...] = columns[13]
        self.importance: tuple[float, ...] = columns[15]
        self.type: tuple[MemoryType, ...] = columns[17]
        self.episode_ids: tuple[tuple[str, ...], ...] = columns[18]
        self.event_ids: tuple[tuple[str, ...], ...] = columns[19]

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> "Columns":
        """Return candidates in columns; Columns as they are."""
        if isinstance(candidates, Columns):
            return candidates
        rows = list(candidates)
        return cls(
            [_in_numbers(_fixed_of(c)) for c in rows],
            cosine=[c.cosine for c in rows],
            endings=[(c.ended, c.partly_ended) for c in rows],
        )

    def take(self, places: Iterable[int]) -> "Columns":
        """Return the candidates at these places, in the order given."""
        at = list(places)
        return Columns(
            [self._fixed[i] for i in at],
            cosine=[self.cosine[i] for i in at],
            endings=[(self.ended[i], self.partly_ended[i]) for i in at],
            words=None if self.words is None else self.words.take(at),
        )

    def __len__(self) -> int:
        return len(self._fixed)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...

    @overload
    def __getitem__(self, index: slice) -> "Columns": ...

    def __getitem__(self, index: int | slice) -> "Candidate | Columns":
        if isinstance(index, slice):
            return self.take(range(len(self))[index])
        values = list(self._fixed[index])
        for time in _TIMES:
            if values[time] is not None:
                values[time] = moment(values[time])
        return Candidate(
            **dict(zip(FIXED, values, strict=True)),
            cosine=self.cosine[index],
            ended=self.ended[index],
            partly_ended=self.partly_ended[index],
        )

    def __iter__(self) -> Iterator[Candidate]:
        return (self[place] for place in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return tuple(self) == tuple(cast("Sequence[object]", other))

    def __repr__(self) -> str:
        return f"Columns({list(self)!r})"

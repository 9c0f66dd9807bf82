"""Answers of recall, kept until something could make them another.

An answer is a function of the question, of who asks, of what the scopes hold and of the time. The
first two are the key. Of the third the store tells a version, which changes with every write, in
any process. Of the time: a relative date is part of the key once it is understood; the store tells
until when nothing begins, ends, or comes to be known; and recency counts from the moment of asking,
so that an answer is no longer served after ``DRIFT``. Knows no store and no clock.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from graphmem.models import CandidatePool, Filter, Hit
from graphmem.retrieval.query import Query
from graphmem.retrieval.recipes import Recipe

DRIFT: Final = timedelta(hours=1)
"""How long recency may stand still.

By default it is worth ± 2 % over half-lives of 90 days and more: in an hour a score moves by less
than 1 part in 70,000 against another.
"""
MOST_CHARACTERS: Final = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """All that an answer depends on; ``version`` is what the scopes hold, as a number.

    ``hidden`` are the episodes that are being erased: no answer from before their erasure began is
    an answer to this.
    """

    scopes: tuple[str, ...]
    query: Query
    filter: Filter
    top_k: int
    hidden: frozenset[str]
    model_id: str
    recipe: Recipe
    now: datetime
    as_of: datetime
    known_at: datetime
    version: int

    @property
    def key(self) -> Hashable:
        """What must be the same; a clock that stands at ``now`` may go on with it."""
        as_of = None if self.as_of == self.now else self.as_of
        known_at = None if self.known_at == self.now else self.known_at
        # A filter may hold a mapping, which has no hash; its text says all of it.
        given = (self.top_k, repr(self.filter), self.hidden, self.model_id, as_of, known_at)
        return (self.scopes, self.query, *given)


@dataclass(frozen=True, slots=True)
class _Entry:
    asked: Asked
    holds_until: datetime
    known_until: datetime
    hits: tuple[Hit, ...]
    characters: int

    def answers(self, asked: Asked) -> bool:
        """Return whether asking again now could give nothing else."""
        then = self.asked
        return (
            then.version == asked.version
            and then.recipe == asked.recipe
            and then.as_of <= asked.as_of < self.holds_until
            and then.known_at <= asked.known_at < self.known_until
            and then.now <= asked.now < then.now + DRIFT
        )


class RecallCache:
    """The answers used last, at most ``most`` and 16 million characters of text.

    Not for several threads. Answers of an older version go as soon as a newer one is seen, so that
    an erased text does not stay in memory longer than its scope goes unasked.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._versions: dict[tuple[str, ...], tuple[int, set[Hashable]]] = {}
        self._characters = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, asked: Asked) -> tuple[Hit, ...] | None:
        """Return the answer that is kept, None if there is none or it may be another by now."""
        self._forget_older(asked)
        key = asked.key
        entry = self._kept.get(key)
        if entry is None:
            return None
        if not entry.answers(asked):
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return entry.hits

    def put(self, asked: Asked, pools: Sequence[CandidatePool], hits: tuple[Hit, ...]) -> None:
        """Keep an answer from these pools.

        Not where the store does not tell how long it stands, nor where somebody wrote between the
        reading of ``asked.version`` and that of a pool.
        """
        holds = [p.holds_until for p in pools if p.holds_until and p.version == asked.version]
        known = [p.known_until for p in pools if p.known_until]
        if not pools or len(holds) < len(pools) or len(known) < len(pools):
            return
        self._forget_older(asked)
        key = asked.key
        self._drop(key)
        characters = sum(len(hit.text) for hit in hits)
        self._kept[key] = _Entry(asked, min(holds), min(known), hits, characters)
        self._versions.setdefault(asked.scopes, (asked.version, set()))[1].add(key)
        self._characters += characters
        while len(self._kept) > self._most or self._characters > MOST_CHARACTERS:
            self._drop(next(iter(self._kept)))

    def _forget_older(self, asked: Asked) -> None:
        version, keys = self._versions.get(asked.scopes, (asked.version, set[Hashable]()))
        if version != asked.version:
            for key in list(keys):
                self._drop(key)

    def _drop(self, key: Hashable) -> None:
        entry = self._kept.pop(key, None)
        if entry is None:
            return
        self._characters -= entry.characters
        keys = self._versions[entry.asked.scopes][1]
        keys.discard(key)
        if not keys:
            del self._versions[entry.asked.scopes]

"""What a whole memory consists of, record by record: what stores export and restore.

The log's records, then the graph's, each kind in the order of the tables below; one may name
another of its own kind that comes later, never one of a later kind. What a store keeps for itself
(row numbers, versions, indexes, who holds a lease) is no record. Does not know stores or files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeAlias

from graphmem.models import (
    Assertion,
    Embedding,
    Entity,
    Episode,
    Event,
    Extraction,
    Fact,
    Scope,
    Session,
    Stage,
    Watermark,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureKey:
    """What the log hashes the ids of erased events with; without it they could come back."""

    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a stream stands, without its lease; ``batch_first`` is 0 before its first batch.

    ``scope`` is app and user; ``stage`` and the bounds are those of the batch begun last.
    """

    scope: Scope
    last_seq: int
    done_seq: int
    fence: int
    attempts: int = 0
    not_before: datetime | None = None
    parked: bool = False
    reason: str | None = None
    batch_first: int = 0
    batch_last: int = 0
    stage: Stage = "episodes"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event as ``read`` returns it, with the app and user whose stream it is in."""

    scope: Scope
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedEvent:
    """What is left of an event whose content was erased: its place."""

    scope: Scope
    seq: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptExtraction:
    """What was read in the event at ``seq``, so that no model is asked again."""

    scope: Scope
    seq: int
    extraction: Extraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A receipt; an open one (``closed_at`` is None) names what is still to go, a closed nothing.

    ``events`` is how many there are or were.
    """

    id: str
    scope: Scope
    episode_ids: tuple[str, ...] = ()
    events: int
    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedId:
    """The keyed hash (HMAC-SHA256) of the episode id of an erased event: it stays erased."""

    scope: Scope
    mac: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingModel:
    """A model that the graph holds vectors of; exactly one is active, unless there is none."""

    id: str
    dimension: int
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The highest fence that a stream has been written under."""

    stream: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEmbedding:
    """The vectors of an item by one model. By content it is compared as a line of ``archive``."""

    model_id: str
    embedding: Embedding


# A session's count of events is left at 0 here: it is counted where they are.
LogRecord: TypeAlias = (
    ErasureKey | Session | Cursor | LoggedEvent | ErasedEvent | KeptExtraction | Erasure | ErasedId
)
GraphRecord: TypeAlias = (
    EmbeddingModel | Fence | Watermark | Entity | Episode | Assertion | Fact | StoredEmbedding
)

LOG_KINDS: Final[Mapping[str, type[LogRecord]]] = MappingProxyType(
    {
        "erasure_key": ErasureKey,
        "session": Session,
        "cursor": Cursor,
        "event": LoggedEvent,
        "erased_event": ErasedEvent,
        "extraction": KeptExtraction,
        "erasure": Erasure,
        "erased_id": ErasedId,
    }
)
GRAPH_KINDS: Final[Mapping[str, type[GraphRecord]]] = MappingProxyType(
    {
        "model": EmbeddingModel,
        "fence": Fence,
        "watermark": Watermark,
        "entity": Entity,
        "episode": Episode,
        "assertion": Assertion,
        "fact": Fact,
        "embedding": StoredEmbedding,
    }
)

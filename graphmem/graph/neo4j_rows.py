"""Memories as properties of Neo4j nodes, and questions as parameters; rows come back as in SQLite.

Times are ZONED DATETIME on the nodes, so that people and vector indexes can read them, and
integers in the rows that come back. ``candidate`` is what recall needs of a memory, ready for
``retrieval.columns``: one property to read instead of twenty. Does not run statements.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json

from graphmem import codec
from graphmem.consolidation.identity import names_of
from graphmem.graph import rows
from graphmem.models import (
    Assertion,
    Embedding,
    Entity,
    Episode,
    Fact,
    Filter,
    SourceClass,
)
from graphmem.retrieval.columns import Fixed
from graphmem.times import BEGINNING, FOREVER, from_us

Row = dict[str, Any]

FOREVER_AT: Final = from_us(FOREVER)
BEGINNING_AT: Final = from_us(BEGINNING)
TICK: Final = timedelta(microseconds=1)
_CAPTION: Final = 60
MARK: Final = 9  # characters of a scope's key, eight of them hexadecimal
_TIMES: Final = frozenset(
    {
        "occurred_at",
        "recorded_at",
        "retired_at",
        "valid_from",
        "valid_to",
        "created_at",
        "updated_at",
    }
)
_LABELS: Final = {
    "person": "MemoryPerson",
    "organization": "MemoryOrganization",
    "place": "MemoryPlace",
    "thing": "MemoryThing",
    "event": "MemoryHappening",
    "concept": "MemoryConcept",
}
_SOURCES: Final = {source.value: source for source in SourceClass}


def _dated(row: Row) -> Row:
    return {k: from_us(v) if k in _TIMES and v is not None else v for k, v in row.items()}


def _caption(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CAPTION else f"{line[: _CAPTION - 1]}…"


def episode_row(e: Episode) -> Row:
    row = rows.episode_row(e)
    fixed = (
        e.id,
        "episode",
        row["scope"],
        e.terms,
        e.seq,
        e.session_id,
        e.author,
        e.role,
        row["occurred_at"],
        row["recorded_at"],
        None,
        None,
        "active",
        None,
        1.0,
        0.5,
        row["source_class"],
        "episodic",
        (e.id,),
        (e.event_id,),
        e.text,
    )
    properties = _dated(row) | {
        "name": _caption(f"{e.author or e.role}: {e.text}"),
        "words": len(e.terms.split(" ")) if e.terms else 0,
        "tokens": " ".join(tokens(row["scope"], e.terms.split())),
        "metadata_pairs": metadata_pairs(dict(e.metadata)),
        "candidate": codec.dumps(fixed),
    }
    return {"id": e.id, "properties": properties}


def tokens(scope_key: str, terms: Iterable[str]) -> list[str]:
    """Return terms as full text finds them: each with its scope's mark before it.

    So an index of all scopes is searched as one of this scope alone, and how often others use a
    word changes nothing. Two scopes of one mark are told apart by their keys.
    """
    return [scope_key[:MARK] + term for term in terms]


def metadata_pairs(metadata: dict[str, Any]) -> list[str]:
    """Return an object's members as texts that are equal where key and value are."""
    return [codec.dumps([key, value]) for key, value in metadata.items()]


def entity_row(e: Entity) -> Row:
    row = rows.entity_row(e)
    properties: Row = _dated(row) | {"aliases": list(e.aliases), "descriptors": list(e.descriptors)}
    return {
        "id": e.id,
        "properties": properties,
        "label": _LABELS[e.kind],
        "names": sorted(set(names_of(e))),
    }


def assertion_row(a: Assertion) -> Row:
    row = rows.assertion_row(a)
    changing: Row = {k: row[k] for k in ("subject_id", "object_id", "slot", "statement")}
    changing["quarantined"] = a.quarantined
    quote = a.statement.quote.text
    properties: Row = {
        **_dated(row),
        **changing,
        "name": _caption(quote or a.statement.predicate),
        "names": [],
    }
    return {
        "id": a.id,
        "scope": row["scope"],
        "episode_id": a.episode_id,
        "properties": properties,
        "changing": changing,
        "names": sorted(set(a.names)),
    }


def fact_row(f: Fact) -> Row:
    row = rows.fact_row(f)
    events = {s.episode_id: s.event_id for s in f.support}
    fixed = (
        f.id,
        "fact",
        row["scope"],
        f.terms,
        0,
        "",
        None,
        None,
        row["recorded_at"],
        row["recorded_at"],
        row["valid_from"] if f.valid_from is not None else None,
        row["valid_to"] if f.valid_to is not None else None,
        f.status,
        f.slot,
        f.confidence,
        f.importance,
        row["source_class"],
        f.type,
        tuple(events),
        tuple(events.values()),
        f.text,
    )
    support = [(s.assertion_id, s.event_id, s.episode_id, s.quote, s.polarity) for s in f.support]
    properties = _dated(row) | {
        "name": _caption(f.text),
        "words": len(f.terms.split(" ")) if f.terms else 0,
        "tokens": " ".join(tokens(row["scope"], f.terms.split())),
        "contradicts": list(f.contradicts),
        "support": json.dumps(support),
        "episodes": [s.episode_id for s in f.support],
        "candidate": codec.dumps(fixed),
        "seq": None,
        "session_id": None,
        "author": None,
        "occurred": None,
    }
    keys = ("assertion_id", "event_id", "episode_id", "quote", "polarity")
    return {
        "id": f.id,
        "scope": row["scope"],
        "recorded_at": f.recorded_at,
        "properties": properties,
        "subject_id": f.subject_id,
        "object_id": f.object_id,
        "supersedes": f.supersedes,
        "contradicts": list(f.contradicts),
        "reason": f.reason,
        "support": [
            {"ordinal": i, **dict(zip(keys, s, strict=True))} for i, s in enumerate(support)
        ],
    }


def vector_row(e: Embedding) -> Row:
    first, *more = e.vectors.tolist()
    return {"id": e.item_id, "vector": first, "more": more}


def filter_keys(f: Filter) -> Row:
    """Return the parameters of the filter fragments; what is not asked lets everything pass."""
    kinds = ("episode", "fact", "entity") if f.kinds is None else f.kinds
    plain = f.type is None and f.topic is None and f.predicate is None
    by_episode = bool(f.session or f.metadata or f.occurred_from or f.occurred_to)
    return {
        "f_episodes": "episode" in kinds
        and f.type in (None, "episodic")
        and f.topic is None
        and f.predicate is None
        and (f.min_importance or 0.0) <= 0.5,
        "f_facts": "fact" in kinds,
        "f_entities": "entity" in kinds
        and plain
        and f.source is None
        and f.min_confidence is None
        and not by_episode,
        "f_type": f.type,
        "f_topic": f.topic,
        "f_predicate": f.predicate,
        "f_source": f.source.value if f.source else None,
        "f_session": f.session,
        "f_entity": f.entity,
        "f_importance": f.min_importance or 0.0,
        "f_confidence": f.min_confidence or 0.0,
        "f_occurred_from": f.occurred_from or BEGINNING_AT,
        "f_occurred_to": f.occurred_to or FOREVER_AT,
        "f_valid_from": f.valid_from or BEGINNING_AT,
        "f_valid_to": f.valid_to or FOREVER_AT,
        "f_recorded_from": f.recorded_from or BEGINNING_AT,
        "f_recorded_to": f.recorded_to or FOREVER_AT,
        "f_metadata": metadata_pairs(dict(f.metadata)) if f.metadata is not None else [],
        "f_by_episode": by_episode,
    }


@lru_cache(maxsize=1 << 15)  # the same memories are found again and again
def candidate_of(candidate: str, slot: str | None = None) -> Fixed:
    """Return the columns of a ``candidate`` property; ``slot`` is an episode's, kept beside it."""
    row: list[Any] = from_json(candidate)  # four times as fast as the standard library's
    row[16] = _SOURCES[row[16]]
    row[18], row[19] = tuple(row[18]), tuple(row[19])
    if slot is not None:
        row[13] = slot
    return tuple(row)


def bounded(moment: datetime | None, default: datetime) -> datetime:
    """Return a moment within what the store can hold."""
    return default if moment is None else min(max(moment, BEGINNING_AT), FOREVER_AT)

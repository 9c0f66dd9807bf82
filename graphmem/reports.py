"""What commands report, as JSON-able values; memories themselves are written by ``wire``.

Knows no store and no terminal.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from graphmem import wire
from graphmem.consolidation.plan import Outcome
from graphmem.ingest import Ingestion
from graphmem.models import Entity, Episode, Fact, ForgetReceipt, Json, StreamState


def outcomes_json(outcomes: Sequence[Outcome]) -> list[Json]:
    return [
        {
            "operation": o.operation,
            "fact_id": o.fact_id,
            "text": o.text,
            "event_ids": list(o.event_ids),
        }
        for o in outcomes
    ]


def ingestion_json(made: Ingestion) -> dict[str, Json]:
    return {
        "stored": made.stored,
        "known": made.known,
        "forgotten": made.forgotten,
        "bad": [{"line": number, "why": why} for number, why in made.bad],
        "operations": outcomes_json(made.outcomes),
    }


def forget_json(gone: ForgetReceipt) -> dict[str, Json]:
    return {
        "receipt_id": gone.receipt_id,
        "dry_run": gone.dry_run,
        "events": list(gone.events),
        "episodes": list(gone.episodes),
        "facts": list(gone.facts),
        "entities": list(gone.entities),
    }


def stream_json(stream: StreamState) -> dict[str, Json]:
    return {
        "app": stream.scope.app,
        "user": stream.scope.user,
        "events": stream.last_seq,
        "consolidated": stream.done_seq,
        "pending": stream.pending,
        "parked": stream.parked,
        "reason": stream.reason,
        "attempts": stream.attempts,
        "owner": stream.owner,
    }


def memory_json(
    item: Fact | Episode | Entity, near: Sequence[Fact], names: Mapping[str, str], *, now: datetime
) -> dict[str, Json]:
    """Return one memory of any kind with what supports it, or what is known about it."""
    facts: list[Json] = [wire.fact_json(f, names, now=now) for f in near]
    match item:
        case Fact():
            support: list[Json] = [
                {
                    "event_id": s.event_id,
                    "episode_id": s.episode_id,
                    "quote": s.quote,
                    "polarity": s.polarity,
                }
                for s in item.support
            ]
            return {"kind": "fact", **wire.fact_json(item, names, now=now), "support": support}
        case Episode():
            return {
                "kind": "episode",
                "id": item.id,
                "event_id": item.event_id,
                "session_id": item.session_id,
                "role": item.role,
                "author": item.author,
                "text": item.text,
                "occurred_at": item.occurred_at.isoformat(),
                "recorded_at": item.recorded_at.isoformat(),
                "source_class": item.source_class.value,
                "facts": facts,
            }
        case Entity():
            return {"kind": "entity", **entity_json(item), "facts": facts}


def entity_json(entity: Entity) -> dict[str, Json]:
    return {
        "id": entity.id,
        "name": entity.name,
        "entity_kind": entity.kind,
        "aliases": list(entity.aliases),
        "same_as": entity.same_as,
    }

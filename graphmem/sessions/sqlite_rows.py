"""Sessions, events and streams as rows of the SQLite schema, and back; exact both ways.

The column order is that of the statements in ``sql/sqlite.sql``. Does not run statements.
"""

from typing import Any

from graphmem import codec, ids
from graphmem.models import Event, Scope, Session, SourceClass, StreamState
from graphmem.sqlite.connection import Row
from graphmem.times import from_us, opt_from, to_us


def digest_of(event: Event) -> str:
    """Return the hash of an event's content: all that a client says, nothing that we add."""
    return ids.digest(
        event.type,
        event.role,
        codec.dump_parts(event.parts),
        event.author,
        event.agent,
        None if event.stamped else to_us(event.occurred_at),
        codec.dumps(dict(event.metadata)),
    )


def event_row(scope: Scope, event: Event) -> dict[str, Any]:
    """Return the row of an event that has its place in the log, without its digest."""
    if event.seq is None or event.recorded_at is None:
        raise ValueError(f"event {event.id!r} has no place in the log")
    parts = codec.dump_parts(event.parts)
    return {
        "stream": scope.stream,
        "seq": event.seq,
        "episode_id": ids.episode(scope.app, scope.user, event.session_id, event.id),
        "session_id": event.session_id,
        "id": event.id,
        "type": event.type,
        "role": event.role,
        "parts": parts,
        "author": event.author,
        "agent": event.agent,
        "private_to": event.private_to,
        "source_class": event.source_class.value,
        "origin": event.origin,
        "metadata": codec.dumps(dict(event.metadata)),
        "occurred_at": to_us(event.occurred_at),
        "stamped": int(event.stamped),
        "recorded_at": to_us(event.recorded_at),
        "bytes": len(parts.encode()),
    }


def event_of(row: Row) -> Event:
    return Event(
        seq=row[0],
        session_id=row[1],
        id=row[2],
        type=row[3],
        role=row[4],
        parts=codec.load_parts(row[5]),
        author=row[6],
        agent=row[7],
        private_to=row[8],
        source_class=SourceClass(row[9]),
        origin=row[10],
        metadata=codec.loads_object(row[11]),
        occurred_at=from_us(row[12]),
        stamped=bool(row[13]),
        recorded_at=from_us(row[14]),
    )


def session_of(row: Row, scope: Scope) -> Session:
    return Session(
        id=row[0],
        scope=Scope(app=scope.app, user=scope.user, session=row[0]),
        private_to=row[1],
        metadata=codec.loads_object(row[2]),
        state=codec.loads_object(row[3]),
        created_at=from_us(row[4]),
        updated_at=from_us(row[5]),
        expires_at=opt_from(row[6]),
        events=row[7],
    )


def stream_of(row: Row) -> StreamState:
    return StreamState(
        stream=row[0],
        scope=Scope(app=row[1], user=row[2] or None),
        last_seq=row[3],
        done_seq=row[4],
        fence=row[5],
        owner=row[6],
        lease_until=from_us(row[7]) if row[7] else None,
        attempts=row[8],
        not_before=from_us(row[9]) if row[9] else None,
        parked=bool(row[10]),
        reason=row[11],
        bookmark=row[12],
    )

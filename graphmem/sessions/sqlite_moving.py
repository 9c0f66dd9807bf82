"""The whole log of a SQLite file, out and in: the port's ``export`` and ``restore``.

Pages are read by key, so that little of it is in memory at once. Does not know how a transfer goes.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from graphmem import codec
from graphmem.errors import Conflict
from graphmem.models import Scope, Session
from graphmem.records import (
    Cursor,
    ErasedEvent,
    ErasedId,
    Erasure,
    ErasureKey,
    KeptExtraction,
    LoggedEvent,
    LogRecord,
)
from graphmem.sessions import sqlite_rows as rows
from graphmem.sqlite.connection import Database, Row, Transaction, unfinished
from graphmem.times import from_us, opt_from, opt_us, to_us

Statements: TypeAlias = Mapping[str, str]
Keys: TypeAlias = dict[str, Any]


async def export(db: Database, sql: Statements) -> AsyncIterator[LogRecord]:
    key = await db.read(lambda c: c.rows(sql["erasure_key"])[0][0])
    yield ErasureKey(key=key)
    for name, (start, build, place) in _EXPORTS.items():
        after = start
        while found := await db.read(lambda c, s=sql[name], k=after: c.rows(s, k)):
            for row in found:
                yield build(row)
            after = place(found[-1])


def check(c: Transaction, sql: Statements, path: str) -> None:
    """Raise StoreError where the log bears the mark."""
    if c.one(sql["log_unfinished"]) is not None:
        raise unfinished(path)


def begin(c: Transaction, sql: Statements, path: str) -> None:
    if c.one(sql["log_unfinished"]) is not None:
        raise Conflict(str(unfinished(path)))
    sessions, events, streams = c.rows(sql["log_holds"])[0]
    if sessions or events or streams:
        raise Conflict(
            f"the log in {path!r} is not empty, it holds {sessions} sessions and {events} events: "
            "a memory can be moved into an empty one only"
        )
    c.run(sql["mark_log"])


def restore(c: Transaction, sql: Statements, records: Iterable[LogRecord]) -> None:
    if c.one(sql["log_unfinished"]) is None:
        raise Conflict("restoring this log has not begun, or has ended")
    many: dict[str, list[Keys]] = {}
    for record in records:
        name, keys = _row(record)
        many.setdefault(name, []).append(keys)
    for name, batch in many.items():
        c.run_many(sql[name], batch)


def finish(c: Transaction, sql: Statements) -> None:
    c.run(sql["unmark_log"])


def _row(record: LogRecord) -> tuple[str, Keys]:
    """Return the statement that writes a record, and its parameters."""
    match record:
        case ErasureKey(key=key):
            return "set_erasure_key", {"key": key}
        case Session():
            return "restore_session", _of(record.scope) | {
                "id": record.id,
                "private_to": record.private_to,
                "metadata": codec.dumps(dict(record.metadata)),
                "state": codec.dumps(dict(record.state)),
                "created_at": to_us(record.created_at),
                "updated_at": to_us(record.updated_at),
                "expires_at": opt_us(record.expires_at),
            }
        case Cursor():
            return "restore_cursor", _cursor_row(record)
        case LoggedEvent(scope=scope, event=event):
            return "add_event", rows.event_row(scope, event) | {"digest": rows.digest_of(event)}
        case ErasedEvent(scope=scope, seq=seq):
            at = to_us(record.recorded_at)
            return "restore_erased_event", {"stream": scope.stream, "seq": seq, "recorded_at": at}
        case KeptExtraction(scope=scope, seq=seq):
            body = codec.dump_extraction(record.extraction)
            return "save_extraction", {"stream": scope.stream, "seq": seq, "body": body}
        case Erasure():
            gone = record.closed_at is not None
            return "restore_erasure", {
                "id": record.id,
                "stream": record.scope.stream,
                "episode_ids": None if gone else json.dumps(list(record.episode_ids)),
                "events": record.events,
                "opened_at": to_us(record.opened_at),
                "closed_at": opt_us(record.closed_at),
            }
        case ErasedId(scope=scope, mac=mac):
            return "remember_erased", {"stream": scope.stream, "mac": mac}


def _of(scope: Scope) -> Keys:
    return {"app": scope.app, "user": scope.user or "", "stream": scope.stream}


def _cursor_row(cursor: Cursor) -> Keys:
    return _of(cursor.scope) | {
        "last_seq": cursor.last_seq,
        "done_seq": cursor.done_seq,
        "fence": cursor.fence,
        "attempts": cursor.attempts,
        "not_before": opt_us(cursor.not_before) or 0,
        "parked": int(cursor.parked),
        "reason": cursor.reason,
        "batch_first": cursor.batch_first,
        "batch_last": cursor.batch_last,
        "stage": cursor.stage,
    }


def _scope(app: str, user: str) -> Scope:
    return Scope(app=app, user=user or None)


def _cursor(r: Row) -> Cursor:
    return Cursor(
        scope=_scope(r[1], r[2]),
        last_seq=r[3],
        done_seq=r[4],
        fence=r[5],
        attempts=r[6],
        not_before=from_us(r[7]) if r[7] else None,
        parked=bool(r[8]),
        reason=r[9],
        batch_first=r[10],
        batch_last=r[11],
        stage=r[12],
    )


def _erasure(r: Row) -> Erasure:
    return Erasure(
        id=r[0],
        scope=_scope(r[5], r[6]),
        episode_ids=tuple(json.loads(r[1])) if r[1] else (),
        events=r[2],
        opened_at=from_us(r[3]),
        closed_at=opt_from(r[4]),
    )


def _extraction(r: Row) -> KeptExtraction:
    found = codec.load_extraction(r[1])
    return KeptExtraction(scope=_scope(r[2], r[3]), seq=r[0], extraction=found)


_Export: TypeAlias = tuple[Keys, Callable[[Row], LogRecord], Callable[[Row], Keys]]

# By statement, in the order of the kinds: where to begin, what a row is, where to go on.
_EXPORTS: Final[Mapping[str, _Export]] = {
    "export_sessions": (
        {"app": "", "user": "", "id": ""},
        lambda r: rows.session_of(r, _scope(r[8], r[9])),
        lambda r: {"app": r[8], "user": r[9], "id": r[0]},
    ),
    "export_cursors": ({"stream": ""}, _cursor, lambda r: {"stream": r[0]}),
    "export_events": (
        {"stream": "", "seq": 0},
        lambda r: LoggedEvent(scope=_scope(r[15], r[16]), event=rows.event_of(r)),
        lambda r: {"stream": r[17], "seq": r[0]},
    ),
    "export_erased_events": (
        {"stream": "", "seq": 0},
        lambda r: ErasedEvent(scope=_scope(r[2], r[3]), seq=r[0], recorded_at=from_us(r[1])),
        lambda r: {"stream": r[4], "seq": r[0]},
    ),
    "export_extractions": (
        {"stream": "", "seq": 0},
        _extraction,
        lambda r: {"stream": r[4], "seq": r[0]},
    ),
    "export_erasures": ({"id": ""}, _erasure, lambda r: {"id": r[0]}),
    "export_erased_ids": (
        {"stream": "", "mac": b""},
        lambda r: ErasedId(scope=_scope(r[1], r[2]), mac=r[0]),
        lambda r: {"stream": r[3], "mac": r[0]},
    ),
}

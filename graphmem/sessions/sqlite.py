"""Sessions, the event log and its queue in a SQLite file.

The log is the queue: a stream's cursor stands between what is appended and what is consolidated.
Does not know what consolidation does, nor the graph that may live in the same file.
"""

import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from graphmem import codec, ids
from graphmem.errors import Conflict, LeaseLost, NotFound, StreamParked
from graphmem.models import (
    AppendReceipt,
    Claim,
    Event,
    Extraction,
    Json,
    Scope,
    Session,
    StreamState,
)
from graphmem.queries import load_sql
from graphmem.records import LogRecord
from graphmem.sessions import sqlite_moving as moving
from graphmem.sessions.sqlite_rows import digest_of, event_of, event_row, session_of, stream_of
from graphmem.sqlite.connection import Database, Row, Transaction
from graphmem.times import from_us, opt_us, to_us

_SQL: Final = load_sql("graphmem.sessions", "sql/sqlite.sql")
_SECOND: Final = 1_000_000


def _keys(scope: Scope) -> dict[str, Any]:
    return {"app": scope.app, "user": scope.user or "", "stream": scope.stream}


def _now(now: datetime | None) -> int:
    # The one clock of this store, where the caller brings none: leases between processes.
    return to_us(now or datetime.now(UTC))  # noqa: TID251  # see the line above


class SqliteSessionStore:
    """The SessionStore port on a SQLite file; see ``graphmem/ports.py`` for the contract."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._key: bytes | None = None

    async def migrate(self) -> None:
        await self._db.migrate()
        await self._db.read(lambda c: moving.check(c, _SQL, self._db.path))

    async def close(self) -> None:
        await self._db.release()

    # sessions -------------------------------------------------------------------------------

    async def create(
        self,
        scope: Scope,
        *,
        now: datetime,
        metadata: dict[str, Json] | None = None,
        expires_at: datetime | None = None,
        private_to: str | None = None,
        exist_ok: bool = False,
    ) -> Session:
        keys = _keys(scope) | {"id": scope.session}
        row = keys | {
            "metadata": codec.dumps(metadata or {}),
            "private_to": private_to,
            "expires_at": opt_us(expires_at),
            "now": to_us(now),
        }

        def work(c: Transaction) -> Session:
            c.run(_SQL["create_session"], row)
            if not c.changes() and not exist_ok:
                raise Conflict(f"session {scope.session!r} exists already")
            return session_of(_one(c, "get_session", keys, scope), scope)

        return await self._db.write(work)

    async def get(self, scope: Scope) -> Session:
        keys = _keys(scope) | {"id": scope.session}
        return await self._db.read(lambda c: session_of(_one(c, "get_session", keys, scope), scope))

    async def list(
        self, scope: Scope, *, limit: int = 100, after: str | None = None
    ) -> Sequence[Session]:
        keys = _keys(scope) | {"limit": limit, "after": after or ""}
        return await self._db.read(
            lambda c: [session_of(row, scope) for row in c.rows(_SQL["list_sessions"], keys)]
        )

    async def delete(self, scope: Scope) -> None:
        keys = _keys(scope) | {"id": scope.session}

        def work(c: Transaction) -> None:
            if not c.rows(_SQL["delete_session"], keys):
                raise NotFound(f"there is no session {scope.session!r}")

        await self._db.write(work)

    async def set_state(self, scope: Scope, changes: dict[str, Json], *, now: datetime) -> Session:
        keys = _keys(scope) | {"id": scope.session}

        def work(c: Transaction) -> Session:
            session = session_of(_one(c, "get_session", keys, scope), scope)
            state = {**session.state, **changes}
            kept = {k: v for k, v in state.items() if v is not None}
            c.run(_SQL["set_state"], keys | {"state": codec.dumps(kept), "now": to_us(now)})
            return session_of(_one(c, "get_session", keys, scope), scope)

        return await self._db.write(work)

    async def expire(self, *, now: datetime, limit: int = 100) -> Sequence[Scope]:
        keys = {"now": to_us(now), "limit": limit}
        return await self._db.read(
            lambda c: [
                Scope(app=app, user=user or None, session=session)
                for app, user, session in c.rows(_SQL["expired_sessions"], keys)
            ]
        )

    # the log --------------------------------------------------------------------------------

    async def append(
        self, scope: Scope, events: Sequence[Event], *, now: datetime
    ) -> AppendReceipt:
        return await self._db.write(lambda c: self._append(c, scope, events, to_us(now)))

    def _append(
        self, c: Transaction, scope: Scope, events: Sequence[Event], now: int
    ) -> AppendReceipt:
        keys = _keys(scope) | {"id": scope.session, "now": now}
        c.run(
            _SQL["create_session"],
            keys | {"metadata": "{}", "private_to": scope.agent, "expires_at": None},
        )
        head = c.one(_SQL["session_head"], keys)
        if head is not None and head[1] is not None and head[1] <= now:
            raise Conflict(f"session {scope.session!r} has expired; open a new one")
        private_to = head[0] if head else None
        c.run(_SQL["open_stream"], keys)
        last: int = _one(c, "last_seq", keys, scope)[0]
        stored: list[Event] = []
        known: list[str] = []
        forgotten: list[str] = []
        for event in events:
            episode_id = ids.episode(scope.app, scope.user, event.session_id, event.id)
            digest = digest_of(event)
            there = c.one(_SQL["event_digest"], {"episode_id": episode_id})
            if there is not None:
                if there[1] != digest:
                    raise Conflict(
                        f"event {event.id!r} of session {event.session_id!r} is there already "
                        "with other content; events are immutable, use a new id"
                    )
                known.append(event.id)
                stored.append(_at(event, there[0], there[2], private_to))
                continue
            mac = self._mac(c, episode_id)
            if c.one(_SQL["is_erased"], keys | {"mac": mac}):
                forgotten.append(event.id)
                stored.append(event)
                continue
            last += 1
            placed = _at(event, last, now, private_to)
            c.run(_SQL["add_event"], event_row(scope, placed) | {"digest": digest})
            stored.append(placed)
        c.run(_SQL["set_last_seq"], keys | {"seq": last})
        c.run(_SQL["touch_session"], keys)
        return AppendReceipt(events=tuple(stored), known=tuple(known), forgotten=tuple(forgotten))

    async def read(
        self, scope: Scope, *, after_seq: int = 0, limit: int = 1000, newest: bool = False
    ) -> Sequence[Event]:
        name = "read_stream" if scope.session is None else "read_session"
        keys = {
            "stream": scope.stream,
            "session_id": scope.session,
            "after_seq": after_seq,
            "limit": limit,
        }

        def work(c: Transaction) -> Sequence[Event]:
            sql = _SQL[f"{name}_newest" if newest else name]
            found = [event_of(row) for row in c.rows(sql, keys)]
            return found[::-1] if newest else found

        return await self._db.read(work)

    async def events(self, scope: Scope, episode_ids: Sequence[str]) -> Sequence[Event]:
        keys = {"stream": scope.stream, "episode_ids": json.dumps(list(episode_ids))}
        return await self._db.read(
            lambda c: [event_of(row) for row in c.rows(_SQL["read_ids"], keys)]
        )

    # erasure --------------------------------------------------------------------------------

    async def tombstone(
        self, scope: Scope, episode_ids: Sequence[str], *, lease_s: float, now: datetime
    ) -> tuple[str, int]:
        stream = scope.stream

        def work(c: Transaction) -> tuple[str, int]:
            keys = {"stream": stream, "episode_ids": json.dumps(list(episode_ids))}
            present = [row[0] for row in c.rows(_SQL["present_episodes"], keys)]
            if not present:
                raise NotFound("none of these events is in the log of this scope")
            receipt = ids.derive("receipt", stream, to_us(now), *sorted(present))
            c.run(
                _SQL["open_receipt"],
                {
                    "id": receipt,
                    "stream": stream,
                    "episode_ids": json.dumps(present),
                    "events": len(present),
                    "now": to_us(now),
                },
            )
            row = c.rows(
                _SQL["fence_off"],
                {
                    "stream": stream,
                    "owner": receipt,
                    "now": to_us(now),
                    "lease": int(lease_s * _SECOND),
                },
            )[0]
            return receipt, row[0]

        return await self._db.write(work)

    async def erase(
        self, scope: Scope, receipt_id: str, *, now: datetime, bookmark: str | None = None
    ) -> None:
        stream = scope.stream

        def work(c: Transaction) -> None:
            row = c.one(_SQL["get_receipt"], {"id": receipt_id, "stream": stream})
            if row is not None:
                keys = {"stream": stream, "episode_ids": row[0]}
                for episode_id in json.loads(row[0]):
                    mac = self._mac(c, episode_id)
                    c.run(_SQL["remember_erased"], {"stream": stream, "mac": mac})
                c.run(_SQL["erase_extractions"], keys)
                c.run(_SQL["erase_events"], keys)
                c.run(_SQL["close_receipt"], {"id": receipt_id, "now": to_us(now)})
            if bookmark is not None:
                c.run(_SQL["set_bookmark"], {"stream": stream, "bookmark": bookmark})
            c.run(_SQL["free_stream"], {"stream": stream, "owner": receipt_id})

        await self._db.write(work)

    async def tombstones(self, scope: Scope) -> Sequence[tuple[str, tuple[str, ...]]]:
        return await self._db.glance(
            lambda c: [
                (receipt, tuple(json.loads(episode_ids)))
                for receipt, episode_ids in c.rows(_SQL["open_receipts"], {"stream": scope.stream})
            ]
        )

    def _mac(self, c: Transaction, episode_id: str) -> bytes:
        if self._key is None:
            self._key = c.rows(_SQL["erasure_key"])[0][0]
        return hmac.digest(self._key or b"", episode_id.encode(), "sha256")

    # the queue ------------------------------------------------------------------------------

    async def claim(
        self,
        owner: str,
        *,
        lease_s: float,
        max_events: int,
        max_bytes: int,
        stream: str | None = None,
        now: datetime | None = None,
    ) -> Claim | None:
        keys = {
            "owner": owner,
            "now": _now(now),
            "lease": int(lease_s * _SECOND),
            "stream": stream,
        }

        def work(c: Transaction) -> Claim | None:
            # An erasure that was cut short is work, too: its batch may be empty.
            rows = c.rows(_SQL["claim"], keys) or c.rows(_SQL["claim_erasure"], keys)
            if not rows:
                return None
            name, app, user, fence, attempts, first, last, done, stage, lease = rows[0]
            if last <= done:
                first, last = _bounds(c, name, done, max_events, max_bytes)
                stage = "episodes"
                c.run(_SQL["freeze_batch"], {"stream": name, "first": first, "last": last})
            span = {"stream": name, "first": first, "last": last}
            return Claim(
                stream=name,
                scope=Scope(app=app, user=user or None),
                owner=owner,
                fence=fence,
                lease_until=from_us(lease),
                first_seq=first,
                last_seq=last,
                stage=stage,
                attempts=attempts,
                events=tuple(event_of(row) for row in c.rows(_SQL["read_batch"], span)),
            )

        return await self._db.note(work)

    async def renew(self, claim: Claim, *, lease_s: float, now: datetime | None = None) -> Claim:
        keys = _held(claim) | {"now": _now(now), "lease": int(lease_s * _SECOND)}

        def work(c: Transaction) -> Claim:
            rows = _guarded(c, "renew", keys)
            return replace(claim, lease_until=from_us(rows[0][0]))

        return await self._db.note(work)

    async def extractions(self, claim: Claim) -> Sequence[Extraction]:
        keys = {"stream": claim.stream, "first": claim.first_seq, "last": claim.last_seq}
        return await self._db.read(
            lambda c: [
                codec.load_extraction(row[0]) for row in c.rows(_SQL["load_extractions"], keys)
            ]
        )

    async def save_extractions(self, claim: Claim, extractions: Sequence[Extraction]) -> None:
        # Paired by position: ids are unique per session only, and a batch spans sessions.
        rows = [
            {"stream": claim.stream, "seq": event.seq, "body": codec.dump_extraction(extraction)}
            for event, extraction in zip(claim.events, extractions, strict=True)
        ]

        def work(c: Transaction) -> None:
            _guarded(c, "holds", _held(claim))
            c.run_many(_SQL["save_extraction"], rows)

        await self._db.note(work)

    async def acknowledge(self, claim: Claim, *, bookmark: str | None = None) -> Claim | None:
        step = "next_stage" if claim.stage == "episodes" else "finish_batch"

        def work(c: Transaction) -> Claim | None:
            _guarded(c, step, _held(claim) | {"bookmark": bookmark})
            if claim.stage == "episodes":
                return replace(claim, stage="facts", attempts=0)
            return None

        return await self._db.note(work)

    async def release(
        self, claim: Claim, *, not_before: datetime | None, reason: str, park: bool = False
    ) -> None:
        keys = _held(claim) | {
            "not_before": opt_us(not_before) or 0,
            "reason": reason[:500],
            "park": int(park),
        }
        await self._db.note(lambda c: _guarded(c, "release", keys) and None)

    async def resume(self, scope: Scope, *, skip: bool = False) -> StreamState:
        keys = {"stream": scope.stream, "skip": int(skip)}

        def work(c: Transaction) -> StreamState:
            row = c.one(_SQL["get_stream"], keys)
            if row is None:
                raise NotFound("this scope has no events")
            if not row[10]:
                raise StreamParked("the stream is not parked; there is nothing to resume")
            c.rows(_SQL["resume"], keys)
            return stream_of(_one(c, "get_stream", keys, scope))

        return await self._db.write(work)

    async def stream(self, scope: Scope) -> StreamState | None:
        def work(c: Transaction) -> StreamState | None:
            row = c.one(_SQL["get_stream"], {"stream": scope.stream})
            return None if row is None else stream_of(row)

        return await self._db.read(work)

    async def streams(self, *, pending: bool = False, limit: int = 1000) -> Sequence[StreamState]:
        keys = {"pending": int(pending), "limit": limit}
        return await self._db.read(
            lambda c: [stream_of(row) for row in c.rows(_SQL["list_streams"], keys)]
        )

    # moving ---------------------------------------------------------------------------------

    def export(self) -> AsyncIterator[LogRecord]:
        return moving.export(self._db, _SQL)

    async def begin_restore(self) -> None:
        await self._db.migrate()
        await self._db.write(lambda c: moving.begin(c, _SQL, self._db.path))

    async def restore(self, records: Sequence[LogRecord]) -> None:
        # Nothing of it counts before the end, and that waits for the disk.
        await self._db.note(lambda c: moving.restore(c, _SQL, records))

    async def finish_restore(self) -> None:
        await self._db.write(lambda c: moving.finish(c, _SQL))


def _one(c: Transaction, name: str, keys: dict[str, Any], scope: Scope) -> Row:
    row = c.one(_SQL[name], keys)
    if row is None:
        raise NotFound(f"there is no session {scope.session!r} in app {scope.app!r}")
    return row


def _held(claim: Claim) -> dict[str, Any]:
    return {"stream": claim.stream, "owner": claim.owner, "fence": claim.fence}


def _guarded(c: Transaction, name: str, keys: dict[str, Any]) -> list[Row]:
    """Run a statement that changes or finds a row only under the claim's own fence."""
    rows = c.rows(_SQL[name], keys)
    if not rows:
        raise LeaseLost
    return rows


def _bounds(
    c: Transaction, stream: str, done: int, max_events: int, max_bytes: int
) -> tuple[int, int]:
    """Return the next batch: so many events, so large at most; one, if it is there, at least."""
    size, last = 0, done
    keys = {"stream": stream, "after_seq": done, "limit": max_events}
    for seq, weight in c.rows(_SQL["batch_sizes"], keys):
        size += weight
        if size > max_bytes and seq > done + 1:
            break
        last = seq
    return done + 1, last


def _at(event: Event, seq: int, recorded: int, private_to: str | None) -> Event:
    return replace(event, seq=seq, recorded_at=from_us(recorded), private_to=private_to)

"""The graph in a SQLite file: assertions, facts, entities, episodes, vectors, full text.

FTS5 and the matrix of vectors find candidates; they do not rank them. Does not know how facts are
made nor how candidates are scored.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from graphmem.errors import EmbeddingMismatch, InvalidInput, LeaseLost
from graphmem.graph import rows
from graphmem.graph import sqlite_changes as changes
from graphmem.graph import sqlite_given as given
from graphmem.graph import sqlite_moving as moving
from graphmem.graph.sqlite_candidates import Finder
from graphmem.models import (
    Assertion,
    CandidatePool,
    CandidateQuery,
    Embedding,
    Entity,
    Episode,
    Fact,
    Filter,
    GraphChange,
    Known,
    KnownQuery,
    MemoryKind,
    Page,
    Scope,
    SessionPeriod,
    Span,
)
from graphmem.queries import load_sql
from graphmem.records import GraphRecord
from graphmem.sqlite.connection import Database, Transaction
from graphmem.times import BEGINNING, FOREVER, from_us, to_us

_FEW: Final = 32  # rows that are read where they are asked for
_SQL: Final = load_sql("graphmem.graph", "sql/sqlite.sql")


class SqliteGraphStore:
    """The GraphStore port on a SQLite file; see ``graphmem/ports.py`` for the contract.

    ``memory_mb`` is what recall may keep of scopes in memory: those asked last.
    """

    def __init__(self, database: Database, *, memory_mb: int = 512) -> None:
        self._db = database
        self._finder = Finder(_SQL, memory_mb << 20)

    async def migrate(self, *, model_id: str | None = None, dimension: int = 0) -> None:
        await self._db.migrate()

        def work(c: Transaction) -> None:
            moving.check(c, _SQL, self._db.path)
            active = c.one(_SQL["active_model"])
            if model_id is None:
                return
            if active is None:
                c.run(_SQL["add_model"], {"id": model_id, "dimension": dimension, "active": 1})
            elif (active[1], active[2]) != (model_id, dimension):
                raise EmbeddingMismatch(active[1], model_id)

        await self._db.write(work)

    async def close(self) -> None:
        await self._db.release()

    # writing --------------------------------------------------------------------------------

    async def apply(self, change: GraphChange, *, fence: int) -> bool:
        new = changes.written(change)
        return await self._db.write(lambda c: self._apply(c, change, new, fence))

    def _apply(self, c: Transaction, change: GraphChange, new: changes.Written, fence: int) -> bool:
        held = c.one(_SQL["fence"], {"stream": change.stream})
        if held is not None and held[0] > fence:
            raise LeaseLost
        c.run(_SQL["set_fence"], {"stream": change.stream, "fence": fence})
        if change.watermark is not None:
            mark = change.watermark
            keys = {"stream": mark.stream, "stage": mark.stage, "seq": mark.seq}
            there = c.one(_SQL["watermark"], keys)
            if there is not None and there[0] >= mark.seq:
                return False
            c.run(_SQL["set_watermark"], keys)
        model = None if change.model_id is None else _model(c, change.model_id)
        changes.delete(c, _SQL, change)
        changes.put(c, _SQL, new)
        if change.put_embeddings:
            if model is None:
                raise InvalidInput("a change with embeddings must name their model")
            changes.put_vectors(c, _SQL, model, change.put_embeddings)
        changes.touch(c, _SQL, rows.scopes_in(change))
        return True

    @property
    def lags(self) -> bool:
        return False

    async def bookmark(self, scope: Scope) -> str | None:
        return None

    async def follow(self, scope: Scope, bookmark: str) -> None:
        return None

    async def known(self, scope: Scope, query: KnownQuery) -> Known:
        return await self._db.read(lambda c: _known(c, scope, query))

    # reading --------------------------------------------------------------------------------

    async def candidates(self, scopes: Sequence[Scope], query: CandidateQuery) -> CandidatePool:
        return await self._db.read(lambda c: self._finder.find(c, scopes, query))

    async def version(self, scopes: Sequence[Scope]) -> int:
        keys = {"scopes": given.array(list(rows.by_key(scopes)))}
        found = await self._db.glance(lambda c: c.rows(_SQL["scope_versions"], keys))
        return sum(version for _, version in found)

    async def read(
        self, scopes: Sequence[Scope], ids: Sequence[str], *, known_at: datetime | None = None
    ) -> Page:
        known = rows.by_key(scopes)
        keys = {
            "ids": given.array(list(dict.fromkeys(ids))),
            "scopes": given.array(list(known)),
            "known_at": FOREVER if known_at is None else to_us(known_at),
        }

        def work(c: Transaction) -> Page:
            return Page(
                facts=tuple(rows.fact_of(r, known) for r in c.rows(_SQL["read_facts"], keys)),
                episodes=tuple(
                    rows.episode_of(r, known) for r in c.rows(_SQL["read_episodes"], keys)
                ),
                entities=tuple(
                    rows.entity_of(r, known) for r in c.rows(_SQL["entities_by_id"], keys)
                ),
            )

        return await (self._db.glance if len(ids) <= _FEW else self._db.read)(work)

    async def neighbourhood(
        self,
        scopes: Sequence[Scope],
        entity_ids: Sequence[str],
        *,
        as_of: datetime,
        known_at: datetime,
        predicates: Sequence[str] | None = None,
        ended: bool = False,
        limit: int = 100,
    ) -> Page:
        known = rows.by_key(scopes)
        keys = {
            **given.filter_keys(Filter()),
            "scopes": given.array(list(known)),
            "as_of": to_us(as_of),
            "known_at": to_us(known_at),
            "ended": int(ended),
            "predicates": None if predicates is None else given.array(predicates),
            "limit": limit,
        }

        def work(c: Transaction) -> Page:
            found: list[Fact] = []
            for entity in entity_ids:
                ns = [r[0] for r in c.rows(_SQL["facts_of_entity"], keys | {"entity": entity})]
                found += self._finder.facts(c, ns, known)
            unique = {f.id: f for f in found}.values()
            newest = sorted(unique, key=lambda f: (f.recorded_at, f.id), reverse=True)[:limit]
            ends = {i for f in newest for i in (f.subject_id, f.object_id) if i}
            entities = c.rows(
                _SQL["entities_by_id"],
                {"ids": given.array(sorted(ends)), "scopes": keys["scopes"]},
            )
            return Page(
                facts=tuple(newest),
                entities=tuple(rows.entity_of(r, known) for r in entities),
            )

        return await self._db.read(work)

    async def periods(
        self, scopes: Sequence[Scope], *, as_of: datetime, known_at: datetime
    ) -> Sequence[SessionPeriod]:
        keys = {
            "scopes": given.array(list(rows.by_key(scopes))),
            "as_of": to_us(as_of),
            "known_at": to_us(known_at),
        }
        found = await self._db.read(lambda c: c.rows(_SQL["session_periods"], keys))
        return [
            SessionPeriod(session_id=name, start=from_us(start), end=from_us(end))
            for name, start, end in found
        ]

    async def named(self, scopes: Sequence[Scope], names: Sequence[str]) -> Sequence[Entity]:
        known = rows.by_key(scopes)
        keys = {"scopes": given.array(list(known)), "names": given.array(names)}
        return await self._db.read(
            lambda c: [rows.entity_of(r, known) for r in c.rows(_SQL["entities_by_name"], keys)]
        )

    async def history(self, scope: Scope, fact_id: str) -> Sequence[Fact]:
        known = rows.by_key([scope])
        return await self._db.read(
            lambda c: [
                rows.fact_of(r, known)
                for r in c.rows(_SQL["fact_history"], {"scope": scope.key, "id": fact_id})
            ]
        )

    async def list(
        self,
        scopes: Sequence[Scope],
        kind: MemoryKind,
        filter: Filter,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        versions: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        known = rows.by_key(scopes)
        after, since = rows.cursor_of(cursor)
        keys = {
            **given.filter_keys(filter),
            "scopes": given.array(list(known)),
            "as_of": FOREVER if as_of is None else to_us(as_of),
            "dated": int(as_of is not None),
            "known_at": FOREVER - 1 if known_at is None else to_us(known_at),
            "versions": int(versions),
            "limit": limit,
            "cursor": after,
            "since": since,
        }

        def work(c: Transaction) -> Page:
            found = c.rows(_SQL[_LISTS[kind]], keys)
            memories = [rows.OF[kind](r, known) for r in found]
            return rows.page_of(kind, memories, more=len(found) == limit)

        return await self._db.read(work)

    async def dump(self, scope: Scope) -> AsyncIterator[Episode | Entity | Fact]:
        known = rows.by_key([scope])
        for name, build in (
            ("dump_episodes", rows.episode_of),
            ("dump_entities", rows.entity_of),
            ("dump_facts", rows.fact_of),
        ):
            keys: dict[str, Any] = {"scope": scope.key, "cursor": "", "since": BEGINNING}
            while True:
                sql, asked = _SQL[name], dict(keys)
                page = await self._db.read(lambda c, s=sql, k=asked: c.rows(s, k))
                if not page:
                    break
                for row in page:
                    yield build(row, known)
                keys["cursor"] = page[-1][0]
                if name == "dump_facts":
                    keys["since"] = page[-1][18]

    # administration -------------------------------------------------------------------------

    async def watermark(self, stream: str) -> dict[str, int]:
        rows_ = await self._db.read(lambda c: c.rows(_SQL["watermarks"], {"stream": stream}))
        return dict(rows_)

    async def stats(self, scopes: Sequence[Scope], *, now: datetime) -> dict[str, int]:
        keys = {"scopes": given.array([s.key for s in scopes]), "now": to_us(now)}
        row = await self._db.read(lambda c: c.rows(_SQL["stats"], keys)[0])
        return dict(zip(rows.STATS, row, strict=True))

    async def check(self, scopes: Sequence[Scope] | None = None) -> Sequence[str]:
        keys = {"scopes": None if scopes is None else given.array([s.key for s in scopes])}

        def work(c: Transaction) -> list[str]:
            found: list[str] = []
            for name, complaint in _CHECKS.items():
                count = c.rows(_SQL[name], keys)[0][0]
                if count:
                    found.append(f"{count} {complaint}")
            return found

        damage = await self._db.integrity()
        return [f"the file is damaged: {damage}"] * bool(damage) + await self._db.read(work)

    async def remarks(self) -> Sequence[str]:
        return []

    async def repair(self) -> Sequence[str]:
        loose = await self._db.write(lambda c: len(c.rows(_SQL["drop_loose_vectors"])))
        return [f"{loose} vectors that belonged to nothing are gone"] if loose else []

    async def unembedded(
        self, model_id: str, *, limit: int
    ) -> Sequence[tuple[str, MemoryKind, str, str | None, datetime | None]]:
        def work(c: Transaction) -> list[Any]:
            row = c.one(_SQL["get_model"], {"id": model_id})
            keys = {"model": row[0] if row else -1, "limit": limit}
            return [
                (i, kind, text, author, None if at is None else from_us(at))
                for i, kind, text, author, at in c.rows(_SQL["unembedded"], keys)
            ]

        return await self._db.read(work)

    async def put_embeddings(self, model_id: str, embeddings: Sequence[Embedding]) -> None:
        def work(c: Transaction) -> None:
            if not embeddings:
                return
            dimension = int(embeddings[0].vectors.shape[1])
            c.run(_SQL["add_model"], {"id": model_id, "dimension": dimension, "active": 0})
            key, known, active = c.rows(_SQL["get_model"], {"id": model_id})[0]
            scopes = changes.put_vectors(c, _SQL, (key, known), embeddings)
            if active:
                c.run_many(_SQL["scope_changed"], [{"key": s} for s in sorted(scopes)])

        await self._db.write(work)

    async def adopt_model(self, model_id: str, dimension: int) -> bool:
        def work(c: Transaction) -> bool:
            c.run(_SQL["add_model"], {"id": model_id, "dimension": dimension, "active": 0})
            model, known, _ = c.rows(_SQL["get_model"], {"id": model_id})[0]
            if known != dimension:
                raise EmbeddingMismatch(f"{model_id} ({known})", f"{model_id} ({dimension})")
            if c.one(_SQL["unembedded"], {"model": model, "limit": 1}):
                return False
            c.run(_SQL["activate_model"], {"id": model_id})
            c.run(_SQL["all_scopes_changed"])
            c.run(_SQL["drop_other_vectors"], {"model": model})
            c.run(_SQL["drop_other_models"], {"model": model})
            return True

        return await self._db.write(work)

    # moving ---------------------------------------------------------------------------------

    def export(self) -> AsyncIterator[GraphRecord]:
        return moving.export(self._db, _SQL)

    async def begin_restore(self) -> None:
        await self._db.migrate()
        await self._db.write(lambda c: moving.begin(c, _SQL, self._db.path))

    async def restore(self, records: Sequence[GraphRecord]) -> None:
        # Nothing of it counts before the end, and that waits for the disk.
        await self._db.note(lambda c: moving.restore(c, _SQL, records))

    async def finish_restore(self) -> None:
        await self._db.write(lambda c: moving.finish(c, _SQL))


_LISTS: Final = {"fact": "list_facts", "episode": "list_episodes", "entity": "list_entities"}
_CHECKS: Final = {
    "check_orphan_facts": "fact versions have no support",
    "check_unsupported": "supports name assertions that are not there",
    "check_dangling_entities": "fact versions name entities that are not there",
    "check_cross_scope": "facts name entities of another scope",
    "check_missing_vectors": "episodes have no vector of the active model",
    "check_loose_vectors": "vectors belong to nothing",
}


def _model(c: Transaction, model_id: str) -> tuple[int, int]:
    """Return (key, dimension) of the active model, which must be this one."""
    row = c.one(_SQL["active_model"])
    if row is None or row[1] != model_id:
        raise EmbeddingMismatch(row[1] if row else "none", model_id)
    return row[0], row[2]


def _known(c: Transaction, scope: Scope, query: KnownQuery) -> Known:
    known = rows.by_key([scope])
    keys: dict[str, Any] = {
        "scope": scope.key,
        "scopes": given.array([scope.key]),
        "names": given.array(query.names),
        "predicates": given.array(query.predicates),
        "keyed": given.array(query.keyed),
        "values": given.array(query.values),
        "episode_ids": given.array(query.episode_ids),
        "mentioned": given.array(query.mentioned),
        "entity_ids": given.array(query.entity_ids),
    }
    entities = {r[0]: rows.entity_of(r, known) for r in c.rows(_SQL["entities_by_name"], keys)}
    _add_merged(c, entities, keys, known)
    keys["entities"] = given.array(list(entities))
    assertions: dict[str, Assertion] = {}

    def take(name: str) -> None:
        for r in c.rows(_SQL[name], keys):
            assertions[r[0]] = rows.assertion_of(r, known)

    if query.predicates:
        take("assertions_functional")
    if query.keyed:
        take("assertions_keyed")
    if query.episode_ids:
        take("assertions_by_episode")
    if query.mentioned:
        take("assertions_by_mention")
    if query.entity_ids:
        take("assertions_by_entity")
    slots = sorted({*query.slots} | {a.slot for a in assertions.values() if a.slot})
    keys["slots"] = given.array(slots)
    take("assertions_by_slot")
    ends = {i for a in assertions.values() for i in (a.subject_id, a.object_id) if i}
    keys["ids"] = given.array(sorted(ends | {*query.entity_ids}))
    for r in c.rows(_SQL["entities_by_id"], keys):
        entities[r[0]] = rows.entity_of(r, known)
    _add_merged(c, entities, keys, known)
    spans: dict[str, Span] = {}
    for entity_id in query.entity_ids:
        row = c.rows(_SQL["span"], {**keys, "id": entity_id})[0]
        first = from_us(row[1] or 0)
        spans[entity_id] = Span(count=row[0], first=first, last=from_us(row[2] or 0))
    return Known(
        entities=tuple(sorted(entities.values(), key=lambda e: e.id)),
        assertions=tuple(sorted(assertions.values(), key=lambda a: (a.seq, a.ordinal))),
        facts=tuple(rows.fact_of(r, known) for r in c.rows(_SQL["facts_by_slot"], keys)),
        names=query.names,
        slots=tuple(slots),
        spans=spans,
    )


def _add_merged(
    c: Transaction, entities: dict[str, Entity], keys: Mapping[str, Any], known: rows.Scopes
) -> None:
    """Add whom these entities were found to be, and who was found to be they."""
    ends = {e.same_as for e in entities.values() if e.same_as} - set(entities)
    asked = {**keys, "ids": given.array(sorted(ends))}
    for r in c.rows(_SQL["entities_by_id"], asked) if ends else ():
        entities[r[0]] = rows.entity_of(r, known)
    asked["ids"] = given.array(sorted(entities))
    for r in c.rows(_SQL["entities_merged"], asked):
        entities[r[0]] = rows.entity_of(r, known)

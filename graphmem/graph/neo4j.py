"""The graph in Neo4j: the same memories as nodes that people can look at, query and scale.

Recall is one statement, a batch of consolidation one read and one write transaction. Both lines are
supported, 5.26 LTS and 2026.x; what differs is chosen once per connection (decision 0026). Does not
know how facts are made nor how candidates are scored.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from graphmem.errors import EmbeddingMismatch, InvalidInput, LeaseLost
from graphmem.graph import neo4j_changes as changes
from graphmem.graph import neo4j_moving as moving
from graphmem.graph import neo4j_repair as repairs
from graphmem.graph import neo4j_rows as rows
from graphmem.graph import neo4j_schema as schema
from graphmem.graph import rows as values
from graphmem.graph.neo4j_candidates import Finder
from graphmem.graph.neo4j_connection import Connection, Work
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
from graphmem.queries import load_cypher
from graphmem.records import GraphRecord
from graphmem.times import from_us

_CYPHER: Final = load_cypher("graphmem", "cypher")
_CHECKS: Final = {
    "orphan_facts": "fact versions have no support",
    "unsupported": "supports name assertions that are not there",
    "dangling_entities": "fact versions name entities that are not there",
    "cross_scope": "facts are linked to what is of another scope",
    "missing_vectors": "episodes have no vector of the active model",
    "loose_windows": "vectors belong to nothing",
    "missing_keys": "memories lack a key that they are found by",
    "shortcuts": "relationships between entities stand for facts that do not hold",
    "bare_names": "names are borne by nobody",
}


class Neo4jGraphStore:
    """The GraphStore port on a Neo4j database; see ``graphmem/ports.py`` for the contract.

    ``exact`` has recall look at every vector of a scope, never at an index: to compare stores.
    """

    def __init__(self, connection: Connection, *, exact: bool = False) -> None:
        self._connection = connection
        self._exact = exact
        self._server: schema.Server | None = None
        self._finder: Finder | None = None
        self._active: schema.Model | None = None

    async def migrate(self, *, model_id: str | None = None, dimension: int = 0) -> None:
        server = await self._known_server()
        await schema.migrate(self._connection, _CYPHER)
        found = await schema.models(self._connection, _CYPHER)
        active = next((m for m in found if m.active), None)
        if model_id is None:
            return
        if active is None:
            active = await schema.add_model(self._connection, _CYPHER, server, model_id, dimension)
        if (active.id, active.dimension) != (model_id, dimension):
            raise EmbeddingMismatch(active.id, model_id)
        await schema.ensure_indexes(self._connection, _CYPHER, server, active)
        self._active = active

    async def close(self) -> None:
        await self._connection.close()

    # writing --------------------------------------------------------------------------------

    async def apply(self, change: GraphChange, *, fence: int) -> bool:
        mark = change.watermark
        keys = {
            "stream": change.stream,
            "fence": fence,
            "stage": mark.stage if mark else None,
            "seq": mark.seq if mark else 0,
        }
        if change.put_embeddings and change.model_id is None:
            raise InvalidInput("a change with embeddings must name their model")

        async def work(w: Work) -> bool:
            found = await w.run(_CYPHER["write/stream"], keys)
            if found["lost"]:
                raise LeaseLost
            if found["done"]:
                return False
            model_id, dimension, slot = found["model"] or (None, 0, schema.SLOTS[0])
            if change.model_id is not None and change.model_id != model_id:
                raise EmbeddingMismatch(model_id or "none", change.model_id)
            changes.checked(change.put_embeddings, dimension)
            await changes.Writer(w, _CYPHER, slot or schema.SLOTS[0]).write(change)
            return True

        return await self._connection.write(work)

    @property
    def lags(self) -> bool:
        return self._connection.routed

    async def bookmark(self, scope: Scope) -> str | None:
        return " ".join(sorted(await self._connection.last_bookmarks())) or None

    async def follow(self, scope: Scope, bookmark: str) -> None:
        await self._connection.follow(bookmark.split())

    async def known(self, scope: Scope, query: KnownQuery) -> Known:
        return await self._connection.read(lambda w: _known(w, scope, query))

    # reading --------------------------------------------------------------------------------

    async def candidates(self, scopes: Sequence[Scope], query: CandidateQuery) -> CandidatePool:
        finder = await self._found_by()
        active = await self._model_in_use()
        if query.model_id is not None and query.vector is not None and query.model_id != active.id:
            active = await self._model_in_use(again=True)
            if query.model_id != active.id:
                raise EmbeddingMismatch(active.id, query.model_id)
        return await finder.find(scopes, query, active)

    async def version(self, scopes: Sequence[Scope]) -> int:
        found = await self._run("read/versions", scopes=_keys(scopes))
        return found["version"]

    async def read(
        self, scopes: Sequence[Scope], ids: Sequence[str], *, known_at: datetime | None = None
    ) -> Page:
        known = values.by_key(scopes)
        found = await self._run(
            "read/memories",
            scopes=_keys(scopes),
            ids=list(ids),
            known_at=rows.bounded(known_at, rows.FOREVER_AT),
        )
        return Page(
            facts=tuple(values.fact_of(r, known) for r in found["facts"]),
            episodes=tuple(values.episode_of(r, known) for r in found["episodes"]),
            entities=tuple(values.entity_of(r, known) for r in found["entities"]),
        )

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
        known = values.by_key(scopes)
        as_of = rows.bounded(as_of, rows.FOREVER_AT)
        found = await self._run(
            "read/neighbourhood",
            scopes=_keys(scopes),
            entity_ids=list(entity_ids),
            as_of=as_of,
            alive=rows.BEGINNING_AT if ended else as_of,
            known_at=rows.bounded(known_at, rows.FOREVER_AT),
            predicates=None if predicates is None else list(predicates),
            limit=limit,
        )
        return Page(
            facts=tuple(values.fact_of(r, known) for r in found["facts"]),
            entities=tuple(values.entity_of(r, known) for r in found["entities"]),
        )

    async def periods(
        self, scopes: Sequence[Scope], *, as_of: datetime, known_at: datetime
    ) -> Sequence[SessionPeriod]:
        found = await self._run(
            "read/periods",
            scopes=_keys(scopes),
            as_of=rows.bounded(as_of, rows.FOREVER_AT),
            known_at=rows.bounded(known_at, rows.FOREVER_AT),
        )
        return [
            SessionPeriod(session_id=name, start=from_us(start), end=from_us(end))
            for name, start, end in found["rows"]
        ]

    async def named(self, scopes: Sequence[Scope], names: Sequence[str]) -> Sequence[Entity]:
        known = values.by_key(scopes)
        found = await self._run("read/entities_by_name", scopes=_keys(scopes), names=list(names))
        return [values.entity_of(r, known) for r in found["rows"]]

    async def history(self, scope: Scope, fact_id: str) -> Sequence[Fact]:
        known = values.by_key([scope])
        found = await self._run("read/history", scopes=[scope.key], id=fact_id)
        return [values.fact_of(r, known) for r in found.get("rows", ())]

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
        known = values.by_key(scopes)
        after, since = values.cursor_of(cursor)
        found = await self._run(
            f"read/{_LISTS[kind]}",
            **rows.filter_keys(filter),
            scopes=_keys(scopes),
            as_of=rows.bounded(as_of, rows.FOREVER_AT),
            dated=as_of is not None,
            # What is believed now is retired at the end of time, so that is no time to ask for.
            known_at=rows.bounded(known_at, rows.FOREVER_AT - rows.TICK),
            versions=versions,
            limit=limit,
            cursor=after,
            since=from_us(since),
        )
        memories = [values.OF[kind](r, known) for r in found["rows"]]
        return values.page_of(kind, memories, more=len(memories) == limit)

    async def dump(self, scope: Scope) -> AsyncIterator[Episode | Entity | Fact]:
        known = values.by_key([scope])
        for name, build in (
            ("read/dump_episodes", values.episode_of),
            ("read/dump_entities", values.entity_of),
            ("read/dump_facts", values.fact_of),
        ):
            cursor, since = "", rows.BEGINNING_AT
            while True:
                found = await self._run(name, scope=scope.key, cursor=cursor, since=since)
                if not found["rows"]:
                    break
                for row in found["rows"]:
                    yield build(row, known)
                cursor = found["rows"][-1][0]
                if name == "read/dump_facts":
                    since = from_us(found["rows"][-1][18])

    # administration -------------------------------------------------------------------------

    async def watermark(self, stream: str) -> dict[str, int]:
        found = await self._run("read/watermarks", stream=stream)
        return {stage: seq for stage, seq in found.items() if seq is not None}

    async def stats(self, scopes: Sequence[Scope], *, now: datetime) -> dict[str, int]:
        found = await self._run(
            "read/stats", scopes=_keys(scopes), now=rows.bounded(now, rows.FOREVER_AT)
        )
        return dict(zip(values.STATS, found["row"], strict=True))

    async def check(self, scopes: Sequence[Scope] | None = None) -> Sequence[str]:
        complaints: list[str] = []
        asked = None if scopes is None else _keys(scopes)
        keys = {"forever": rows.FOREVER_AT, "scopes": asked}
        active = await self._model_in_use(again=True)
        for name, complaint in _CHECKS.items():
            statement = _CYPHER[f"maintain/check_{name}"].replace("__slot__", active.slot)
            found = await self._connection.run(statement, keys)
            if found["n"]:
                complaints.append(f"{found['n']} {complaint}")
        complaints += await repairs.complaints(self._connection, _CYPHER, asked)
        if scopes is None:
            server = await self._known_server()
            complaints += await repairs.rule_complaints(self._connection, _CYPHER, server)
        return complaints

    async def remarks(self) -> Sequence[str]:
        await self._known_server()
        return await repairs.remarks(self._connection, _CYPHER)

    async def repair(self) -> Sequence[str]:
        server = await self._known_server()
        return await repairs.repair(self._connection, _CYPHER, server)

    async def unembedded(
        self, model_id: str, *, limit: int
    ) -> Sequence[tuple[str, MemoryKind, str, str | None, datetime | None]]:
        found = await schema.models(self._connection, _CYPHER)
        # A model that is not there yet has the slot that nobody has: nothing is embedded in it.
        taken = {m.slot for m in found if m.id != model_id}
        slot = next((s for s in schema.SLOTS if s not in taken), schema.SLOTS[1])
        statement = _CYPHER["maintain/unembedded"].replace("__slot__", slot)
        page = await self._connection.run(statement, {"limit": limit})
        return [
            (i, kind, text, author, None if at is None else from_us(at))
            for i, kind, text, author, at in page["rows"]
        ]

    async def put_embeddings(self, model_id: str, embeddings: Sequence[Embedding]) -> None:
        if not embeddings:
            return
        dimension = int(embeddings[0].vectors.shape[1])
        server = await self._known_server()
        model = await schema.add_model(self._connection, _CYPHER, server, model_id, dimension)
        changes.checked(embeddings, model.dimension)

        async def work(w: Work) -> None:
            scopes = await changes.Writer(w, _CYPHER, model.slot).vectors(embeddings)
            if model.active:
                await w.run(_CYPHER["write/scopes_changed"], {"keys": sorted(scopes)})

        await self._connection.write(work)

    async def adopt_model(self, model_id: str, dimension: int) -> bool:
        server = await self._known_server()
        model = await schema.add_model(self._connection, _CYPHER, server, model_id, dimension)

        async def work(w: Work) -> bool:
            await w.run(_CYPHER["schema/lock"])
            missing = _CYPHER["maintain/unembedded"].replace("__slot__", model.slot)
            if (await w.run(missing, {"limit": 1}))["rows"]:
                return False
            await w.run(_CYPHER["maintain/activate_model"], {"id": model_id})
            await w.run(_CYPHER["maintain/drop_other_models"], {"id": model_id})
            await w.run(_CYPHER["write/all_scopes_changed"])
            return True

        if not await self._connection.write(work):
            return False
        self._active = None
        await self._clear(next(s for s in schema.SLOTS if s != model.slot))
        return True

    # moving ---------------------------------------------------------------------------------

    async def export(self) -> AsyncIterator[GraphRecord]:
        await self._known_server()
        async for record in moving.export(self._connection, _CYPHER):
            yield record

    async def begin_restore(self) -> None:
        await self._known_server()
        await moving.begin(self._connection, _CYPHER)
        self._active = None

    async def restore(self, records: Sequence[GraphRecord]) -> None:
        await self._known_server()
        await moving.restore(self._connection, _CYPHER, records)

    async def finish_restore(self) -> None:
        server = await self._known_server()
        await moving.finish(self._connection, _CYPHER, server)
        self._active = None

    # inside ---------------------------------------------------------------------------------

    async def _clear(self, slot: str) -> None:
        """Take away the vectors of a slot that no model has, a bounded part at a time."""
        await schema.drop_indexes(self._connection, _CYPHER, slot)
        for name in ("maintain/drop_vectors", "maintain/drop_windows"):
            await repairs.drop(self._connection, _CYPHER[name].replace("__slot__", slot))

    async def _run(self, name: str, **keys: Any) -> Mapping[str, Any]:
        await self._known_server()
        return await self._connection.run(_CYPHER[name], keys)

    async def _known_server(self) -> schema.Server:
        if self._server is None:
            self._server = await schema.server_of(self._connection, _CYPHER)
            self._connection.prefix = self._server.prefix
        return self._server

    async def _found_by(self) -> Finder:
        server = await self._known_server()
        if self._finder is None:
            self._finder = Finder(
                self._connection, _CYPHER, filtered=server.filtered, exact=self._exact
            )
        return self._finder

    async def _model_in_use(self, *, again: bool = False) -> schema.Model:
        """Return the active model as last seen, or as it is now."""
        if again or self._active is None:
            await self._known_server()
            found = await schema.models(self._connection, _CYPHER)
            self._active = next(
                (m for m in found if m.active), schema.Model("none", 0, schema.SLOTS[0], True)
            )
        return self._active


_LISTS: Final = {"fact": "list_facts", "episode": "list_episodes", "entity": "list_entities"}


def _keys(scopes: Sequence[Scope]) -> list[str]:
    return sorted({scope.key for scope in scopes})


async def _known(w: Work, scope: Scope, query: KnownQuery) -> Known:
    known = values.by_key([scope])
    keys: dict[str, Any] = {
        "scopes": [scope.key],
        "names": list(query.names),
        "predicates": list(query.predicates),
        "keyed": list(query.keyed),
        "values": list(query.values),
        "episode_ids": list(query.episode_ids),
        "mentioned": list(query.mentioned),
        "entity_ids": list(query.entity_ids),
    }
    entities: dict[str, Entity] = {}
    assertions: dict[str, Assertion] = {}

    async def take(name: str, **more: Any) -> None:
        found = await w.run(_CYPHER[f"read/{name}"], keys | more)
        for r in found["rows"]:
            if name.startswith("entities"):
                entities[r[0]] = values.entity_of(r, known)
            else:
                assertions[r[0]] = values.assertion_of(r, known)

    async def add_merged() -> None:
        """Add whom these entities were found to be, and who was found to be they."""
        ends = {e.same_as for e in entities.values() if e.same_as} - set(entities)
        if ends:
            await take("entities_by_id", ids=sorted(ends))
        if entities:
            await take("entities_merged", ids=sorted(entities))

    if query.names:
        await take("entities_by_name")
        await add_merged()
    keys["entities"] = sorted(entities)
    for asked, name in (
        (query.predicates and entities, "assertions_functional"),
        (query.keyed and entities, "assertions_keyed"),
        (query.episode_ids, "assertions_by_episode"),
        (query.mentioned, "assertions_by_mention"),
        (query.entity_ids, "assertions_by_entity"),
    ):
        if asked:
            await take(name)
    slots = sorted({*query.slots} | {a.slot for a in assertions.values() if a.slot})
    if slots:
        await take("assertions_by_slot", slots=slots)
    ends = {i for a in assertions.values() for i in (a.subject_id, a.object_id) if i}
    ends |= {*query.entity_ids}
    if ends:
        await take("entities_by_id", ids=sorted(ends))
        await add_merged()
    spans: dict[str, Span] = dict.fromkeys(
        query.entity_ids, Span(count=0, first=from_us(0), last=from_us(0))
    )
    if query.entity_ids:
        for i, count, first, last in (await w.run(_CYPHER["read/spans"], keys))["rows"]:
            spans[i] = Span(count=count, first=from_us(first), last=from_us(last))
    facts: list[Fact] = []
    if slots:
        found = await w.run(_CYPHER["read/facts_by_slot"], {"scopes": [scope.key], "slots": slots})
        facts = [values.fact_of(r, known) for r in found["rows"]]
    return Known(
        entities=tuple(sorted(entities.values(), key=lambda e: e.id)),
        assertions=tuple(sorted(assertions.values(), key=lambda a: (a.seq, a.ordinal))),
        facts=tuple(facts),
        names=query.names,
        slots=tuple(slots),
        spans=spans,
    )

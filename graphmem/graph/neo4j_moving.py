"""The whole graph of a Neo4j database, out and in: the port's ``export`` and ``restore``.

Pages are read by key, so that little is in memory at once; they go by id, since a database numbers
nothing. What follows from all memories together (what an episode stands for, shortcuts, what one
fact version says of another) is drawn when all are in, and vector indexes are made then, where none
were before. Does not know how a transfer goes.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from graphmem.errors import Conflict, InvalidInput, StoreError
from graphmem.graph import neo4j_changes as changes
from graphmem.graph import neo4j_schema as schema
from graphmem.graph import rows as values
from graphmem.graph.neo4j_connection import Connection, Work
from graphmem.graph.neo4j_rows import BEGINNING_AT, FOREVER_AT
from graphmem.models import (
    Assertion,
    Embedding,
    Entity,
    Episode,
    Fact,
    GraphChange,
    MemoryKind,
    Watermark,
)
from graphmem.records import EmbeddingModel, Fence, GraphRecord, StoredEmbedding
from graphmem.times import from_us

Statements: TypeAlias = Mapping[str, str]
Row: TypeAlias = Sequence[Any]
Keys: TypeAlias = dict[str, Any]

_ENDS: Final[Keys] = {"forever": FOREVER_AT, "beginning": BEGINNING_AT}
_FIRST: Final[Keys] = {"cursor": "", "since": BEGINNING_AT, **_ENDS}


# out


async def export(connection: Connection, statements: Statements) -> AsyncIterator[GraphRecord]:
    models = sorted(await schema.models(connection, statements), key=lambda m: m.id)
    for m in models:
        yield EmbeddingModel(id=m.id, dimension=m.dimension, active=m.active)
    async for row in _rows(connection, statements["maintain/export_streams"], _by_id):
        if row[1] is not None:
            yield Fence(stream=row[0], fence=row[1])
    async for row in _rows(connection, statements["maintain/export_streams"], _by_id):
        if row[2] is not None:
            yield Watermark(stream=row[0], stage="episodes", seq=row[2])
        if row[3] is not None:
            yield Watermark(stream=row[0], stage="facts", seq=row[3])
    for kind in ("entities", "episodes", "assertions", "facts"):
        async for page in pages(connection, statements, kind):
            for item in page:
                yield item
    for m in models:
        name = "maintain/export_episode_vectors"
        async for row in _rows(connection, _in_slot(statements, name, m), _by_id):
            yield _embedding(m.id, row[0], "episode", [row[1], *row[2]])
        name = "maintain/export_fact_vectors"
        async for row in _rows(connection, _in_slot(statements, name, m), _by_version(2)):
            if row[1] is not None:
                yield _embedding(m.id, row[0], "fact", [row[1]])


async def pages(
    connection: Connection, statements: Statements, kind: str
) -> AsyncIterator[Sequence[Entity | Episode | Assertion | Fact]]:
    """Yield all memories of a kind, everybody's: ``entities``, ``episodes`` and so on."""
    build, place = _KINDS[kind]
    async for page in _pages(connection, statements[f"maintain/export_{kind}"], place):
        scopes = await _scopes(connection, statements, page)
        yield [build(row, scopes) for row in page]


async def _scopes(
    connection: Connection, statements: Statements, page: Sequence[Row]
) -> values.Scopes:
    keys = sorted({row[1] for row in page})
    found = await connection.run(statements["maintain/scopes_by_key"], {"keys": keys})
    scopes = values.scopes_of(found["rows"])
    lost = set(keys) - set(scopes)
    if lost:
        raise StoreError(f"the database is damaged: nothing says what scope {min(lost)!r} is")
    return scopes


async def _pages(
    connection: Connection, statement: str, place: Callable[[Row], Keys]
) -> AsyncIterator[Sequence[Row]]:
    keys = _FIRST
    while page := (await connection.run(statement, keys))["rows"]:
        yield page
        keys = keys | place(page[-1])


async def _rows(
    connection: Connection, statement: str, place: Callable[[Row], Keys]
) -> AsyncIterator[Row]:
    async for page in _pages(connection, statement, place):
        for row in page:
            yield row


def _by_id(row: Row) -> Keys:
    return {"cursor": row[0]}


def _by_version(column: int) -> Callable[[Row], Keys]:
    """Return where to go on after a version whose time is in this column."""
    return lambda row: {"cursor": row[0], "since": from_us(row[column])}


_KINDS: Final[Mapping[str, tuple[Callable[[Row, values.Scopes], Any], Callable[[Row], Keys]]]] = {
    "entities": (values.entity_of, _by_id),
    "episodes": (values.episode_of, _by_id),
    "assertions": (values.assertion_of, _by_id),
    "facts": (values.fact_of, _by_version(18)),
}


def _in_slot(statements: Statements, name: str, model: schema.Model) -> str:
    return statements[name].replace("__slot__", model.slot)


def _embedding(
    model_id: str, item_id: str, kind: MemoryKind, windows: Sequence[Sequence[float]]
) -> StoredEmbedding:
    embedding = Embedding(item_id=item_id, kind=kind, vectors=np.array(windows, dtype=np.float32))
    return StoredEmbedding(model_id=model_id, embedding=embedding)


# in


async def begin(connection: Connection, statements: Statements) -> None:
    if (await connection.run(statements["schema/version"]))["restoring"]:
        raise Conflict(str(schema.unfinished()))
    await schema.migrate(connection, statements)

    async def work(w: Work) -> None:
        if (await w.run(statements["schema/lock"]))["restoring"]:
            raise Conflict(str(schema.unfinished()))
        held = await w.run(statements["maintain/holds"])
        if any(held.values()):
            raise Conflict(
                f"this Neo4j database is not empty, it holds {held['episodes']} episodes and "
                f"{held['facts']} facts: a memory can be moved into an empty one only"
            )
        await w.run(statements["maintain/clear"])
        await w.run(statements["maintain/restoring"], {"mark": True})

    await connection.write(work)


async def restore(
    connection: Connection, statements: Statements, records: Iterable[GraphRecord]
) -> None:
    by_kind: dict[type, list[Any]] = {}
    for record in records:
        by_kind.setdefault(type(record), []).append(record)

    async def work(w: Work) -> None:
        await _marked(w, statements)
        models = await _put_models(w, statements, by_kind.get(EmbeddingModel, []))
        await w.run(
            statements["maintain/restore_fences"],
            {"rows": [{"stream": f.stream, "fence": f.fence} for f in by_kind.get(Fence, [])]},
        )
        marks = [
            {"stream": m.stream, "episodes": None, "facts": None, m.stage: m.seq}
            for m in by_kind.get(Watermark, [])
        ]
        await w.run(statements["maintain/restore_watermarks"], {"rows": marks})
        active = next((m.slot for m in models.values() if m.active), schema.SLOTS[0])
        await _put(changes.Writer(w, statements, active), by_kind)
        await _put_vectors(w, statements, models, by_kind.get(StoredEmbedding, []))

    await connection.write(work)


async def _marked(w: Work, statements: Statements) -> None:
    if not (await w.run(statements["schema/version"]))["restoring"]:
        raise Conflict("restoring this graph has not begun, or has ended")


async def _put_models(
    w: Work, statements: Statements, records: Sequence[EmbeddingModel]
) -> dict[str, schema.Model]:
    found = await w.run(statements["schema/models"])
    models = {m.id: m for m in (schema.Model(*row) for row in found["rows"])}
    for record in records:
        free = [slot for slot in schema.SLOTS if slot not in {m.slot for m in models.values()}]
        if record.id not in models and not free:
            raise InvalidInput(
                f"there are vectors of {record.id!r} and of {' and '.join(map(repr, models))}; "
                "Neo4j keeps those of two models: finish the change of models first (reembed)"
            )
        slot = models[record.id].slot if record.id in models else free[0]
        keys = {
            "id": record.id,
            "dimension": record.dimension,
            "slot": slot,
            "active": record.active,
        }
        await w.run(statements["schema/add_model"], keys)
        models[record.id] = schema.Model(record.id, record.dimension, slot, record.active)
    return models


async def _put(writer: changes.Writer, by_kind: Mapping[type, Sequence[Any]]) -> None:
    items = [i for kind in (Entity, Episode, Assertion, Fact) for i in by_kind.get(kind, ())]
    if not items:
        return
    await writer.fill(
        GraphChange(
            scope=items[0].scope,
            stream="",
            put_entities=tuple(by_kind.get(Entity, ())),
            put_episodes=tuple(by_kind.get(Episode, ())),
            put_assertions=tuple(by_kind.get(Assertion, ())),
            put_facts=tuple(by_kind.get(Fact, ())),
        )
    )


async def _put_vectors(
    w: Work,
    statements: Statements,
    models: Mapping[str, schema.Model],
    records: Sequence[StoredEmbedding],
) -> None:
    by_model: dict[str, list[Embedding]] = {}
    for record in records:
        by_model.setdefault(record.model_id, []).append(record.embedding)
    for model_id, embeddings in by_model.items():
        if model_id not in models:
            raise InvalidInput(f"there are vectors of {model_id!r}, which is none of the models")
        changes.checked(embeddings, models[model_id].dimension)
        await changes.Writer(w, statements, models[model_id].slot).vectors(embeddings)


async def finish(connection: Connection, statements: Statements, server: schema.Server) -> None:
    async def work(w: Work) -> None:
        await _marked(w, statements)

    await connection.write(work)
    await _draw(connection, statements)
    for model in await schema.models(connection, statements):
        await schema.ensure_indexes(connection, statements, server, model)

    async def unmark(w: Work) -> None:
        await w.run(statements["maintain/restoring"], {"mark": None})

    await connection.write(unmark)


async def _draw(connection: Connection, statements: Statements) -> None:
    """Draw what follows from memories, now that all are there, a page in a transaction."""
    async for page in _pages(connection, statements["maintain/episode_ids"], _by_id):
        ids = [row[0] for row in page]
        await _write(connection, {"ids": ids}, statements["write/refresh_episodes"])
    async for page in _pages(connection, statements["maintain/facts_to_draw"], _by_version(5)):
        drawn = [
            {
                "id": row[0],
                "scope": row[1],
                "subject": row[2],
                "predicate": row[3],
                "object": row[4],
                "type": changes.relation_of(row[3]),
            }
            for row in page
        ]
        await _write(connection, {"rows": drawn, **_ENDS}, statements["write/refresh_shortcuts"])
    names = ("id", "scope", "supersedes", "reason", "contradicts")
    async for page in _pages(connection, statements["maintain/facts_with_links"], _by_version(5)):
        linked = [
            dict(zip(names, row, strict=False)) | {"recorded_at": from_us(row[5])} for row in page
        ]
        # When those came first, what they take the place of was not there to see.
        anew = (statements["maintain/unlink_facts"], statements["write/link_facts"])
        await _write(connection, {"rows": linked}, *anew)


async def _write(connection: Connection, keys: Keys, *texts: str) -> None:
    async def work(w: Work) -> None:
        for text in texts:
            await w.run(text, keys)

    await connection.write(work)

"""The whole graph of a SQLite file, out and in: the port's ``export`` and ``restore``.

Episodes and fact versions go in the order of their numbers, so that a file they are moved to gives
them numbers in the same order. Pages are read by key, so that little is in memory at once. Does not
know how a transfer goes.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final, TypeAlias

import numpy as np

from graphmem.errors import Conflict, InvalidInput, StoreError
from graphmem.graph import rows
from graphmem.graph import sqlite_changes as changes
from graphmem.graph import sqlite_given as given
from graphmem.models import (
    Assertion,
    Embedding,
    Entity,
    Episode,
    Fact,
    GraphChange,
    Scope,
    Watermark,
)
from graphmem.records import EmbeddingModel, Fence, GraphRecord, StoredEmbedding
from graphmem.sqlite.connection import Database, Row, Transaction, unfinished

Statements: TypeAlias = Mapping[str, str]
Keys: TypeAlias = dict[str, Any]


async def export(db: Database, sql: Statements) -> AsyncIterator[GraphRecord]:
    for name, (start, build, place) in _PLAIN.items():
        async for page in _pages(db, sql[name], start, place):
            for row in page:
                yield build(row)
    for name, (start, build_in, place) in _SCOPED.items():
        async for page, scopes in _scoped_pages(db, sql, name, start, place):
            for row in page:
                yield build_in(row, scopes)
    async for page in _pages(db, sql["export_vectors"], {"item": "", "model": 0}, _item):
        for _, windows in groupby(page, key=_item):
            yield _embedding(list(windows))


async def _pages(
    db: Database, sql: str, after: Keys, place: Callable[[Row], Keys]
) -> AsyncIterator[list[Row]]:
    while page := await db.read(lambda c, k=after: c.rows(sql, k)):
        yield page
        after = place(page[-1])


async def _scoped_pages(
    db: Database, sql: Statements, name: str, after: Keys, place: Callable[[Row], Keys]
) -> AsyncIterator[tuple[list[Row], rows.Scopes]]:
    def read(c: Transaction, keys: Keys) -> tuple[list[Row], rows.Scopes]:
        page = c.rows(sql[name], keys)
        asked = {"scopes": given.array(sorted({row[1] for row in page}))}
        return page, rows.scopes_of(c.rows(sql["scopes_by_key"], asked))

    while True:
        page, scopes = await db.read(lambda c, k=after: read(c, k))
        if not page:
            return
        lost = {row[1] for row in page} - set(scopes)
        if lost:
            raise StoreError(f"{db.path!r} is damaged: nothing says what scope {min(lost)!r} is")
        yield page, scopes
        after = place(page[-1])


def check(c: Transaction, sql: Statements, path: str) -> None:
    """Raise StoreError where the graph bears the mark."""
    if c.one(sql["graph_unfinished"]) is not None:
        raise unfinished(path)


def begin(c: Transaction, sql: Statements, path: str) -> None:
    if c.one(sql["graph_unfinished"]) is not None:
        raise Conflict(str(unfinished(path)))
    episodes, entities, assertions, facts = c.rows(sql["graph_holds"])[0]
    if episodes or entities or assertions or facts:
        raise Conflict(
            f"the graph in {path!r} is not empty, it holds {episodes} episodes and {facts} facts: "
            "a memory can be moved into an empty one only"
        )
    c.run(sql["mark_graph"])
    # What is left in a store that somebody has looked at, or emptied.
    for name in ("drop_other_vectors", "drop_other_models"):
        c.run(sql[name], {"model": -1})
    c.run(sql["clear_marks"])
    c.run(sql["clear_fences"])


def restore(c: Transaction, sql: Statements, records: Iterable[GraphRecord]) -> None:
    if c.one(sql["graph_unfinished"]) is None:
        raise Conflict("restoring this graph has not begun, or has ended")
    by_kind: dict[type, list[Any]] = {}
    for record in records:
        by_kind.setdefault(type(record), []).append(record)
    for model in by_kind.get(EmbeddingModel, []):
        keys = {"id": model.id, "dimension": model.dimension, "active": int(model.active)}
        c.run(sql["add_model"], keys)
    for fence in by_kind.get(Fence, []):
        c.run(sql["set_fence"], {"stream": fence.stream, "fence": fence.fence})
    for mark in by_kind.get(Watermark, []):
        keys = {"stream": mark.stream, "stage": mark.stage, "seq": mark.seq}
        c.run(sql["set_watermark"], keys)
    put = replace(
        _NOTHING,
        put_entities=tuple(by_kind.get(Entity, [])),
        put_episodes=tuple(by_kind.get(Episode, [])),
        put_assertions=tuple(by_kind.get(Assertion, [])),
        put_facts=tuple(by_kind.get(Fact, [])),
    )
    changes.put(c, sql, changes.written(put))
    items = (*put.put_entities, *put.put_episodes, *put.put_assertions, *put.put_facts)
    changes.touch(c, sql, (item.scope for item in items))
    _put_vectors(c, sql, by_kind.get(StoredEmbedding, []))


def _put_vectors(c: Transaction, sql: Statements, records: Sequence[StoredEmbedding]) -> None:
    by_model: dict[str, list[Embedding]] = {}
    for record in records:
        by_model.setdefault(record.model_id, []).append(record.embedding)
    for model_id, embeddings in by_model.items():
        model = c.one(sql["get_model"], {"id": model_id})
        if model is None:
            raise InvalidInput(f"there are vectors of {model_id!r}, which is none of the models")
        changes.put_vectors(c, sql, (model[0], model[1]), embeddings)


def finish(c: Transaction, sql: Statements) -> None:
    c.run(sql["unmark_graph"])


def _embedding(windows: Sequence[Row]) -> StoredEmbedding:
    item, _, model_id, kind, _ = windows[0]
    vectors = np.stack([np.frombuffer(row[4], dtype="<f4") for row in windows])
    embedding = Embedding(item_id=item, kind=kind, vectors=vectors)
    return StoredEmbedding(model_id=model_id, embedding=embedding)


def _item(r: Row) -> Keys:
    return {"item": r[0], "model": r[1]}


_NOTHING: Final = GraphChange(scope=Scope(), stream="")

# By statement, in the order of the kinds: where to begin, what a row is, where to go on.
_PLAIN: Final[Mapping[str, tuple[Keys, Callable[[Row], GraphRecord], Callable[[Row], Keys]]]] = {
    "export_models": (
        {"id": ""},
        lambda r: EmbeddingModel(id=r[0], dimension=r[1], active=bool(r[2])),
        lambda r: {"id": r[0]},
    ),
    "export_fences": (
        {"stream": ""},
        lambda r: Fence(stream=r[0], fence=r[1]),
        lambda r: {"stream": r[0]},
    ),
    "export_watermarks": (
        {"stream": "", "stage": ""},
        lambda r: Watermark(stream=r[0], stage=r[1], seq=r[2]),
        lambda r: {"stream": r[0], "stage": r[1]},
    ),
}
_SCOPED: Final[
    Mapping[str, tuple[Keys, Callable[[Row, rows.Scopes], GraphRecord], Callable[[Row], Keys]]]
] = {
    "export_entities": ({"id": ""}, rows.entity_of, lambda r: {"id": r[0]}),
    "export_episodes": ({"n": 0}, rows.episode_of, lambda r: {"n": r[-1]}),
    "export_assertions": ({"id": ""}, rows.assertion_of, lambda r: {"id": r[0]}),
    "export_facts": ({"n": 0}, rows.fact_of, lambda r: {"n": r[-1]}),
}

"""A change to the graph as statements: what is there is looked up once, what is new goes in bulk.

Rows are replaced by taking them away and putting them anew, so that full text and the numbers that
recall goes by see both. Does not know fences, watermarks or how a change came about.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from graphmem.consolidation.identity import names_of
from graphmem.errors import InvalidInput
from graphmem.graph import rows
from graphmem.graph import sqlite_given as given
from graphmem.models import Assertion, Embedding, Entity, Episode, Fact, GraphChange, Scope
from graphmem.sqlite.connection import Row, Transaction
from graphmem.times import to_us

Statements = Mapping[str, str]


def delete(c: Transaction, sql: Statements, change: GraphChange) -> None:
    """Take away what the change names, with the vectors of what has no version left."""
    gone = [{"id": i} for i in change.delete_episodes]
    c.run_many(sql["delete_vectors"], gone)
    c.run_many(sql["delete_episode"], gone)
    c.run_many(sql["delete_assertion"], [{"id": i} for i in change.delete_assertions])
    c.run_many(
        sql["delete_fact"],
        [{"id": i, "recorded_at": to_us(at)} for i, at in change.delete_facts],
    )
    kept = {f.id for f in change.put_facts}
    for fact_id in sorted({i for i, _ in change.delete_facts} - kept):
        if c.one(sql["fact_versions_left"], {"id": fact_id}) is None:
            c.run(sql["delete_vectors"], {"id": fact_id})
    c.run_many(sql["delete_entity"], [{"id": i} for i in change.delete_entities])


def put(c: Transaction, sql: Statements, change: GraphChange) -> None:
    """Write episodes, entities, assertions and facts over what was there of them."""
    _put_episodes(c, sql, change.put_episodes)
    _put_entities(c, sql, change.put_entities)
    _put_assertions(c, sql, change.put_assertions)
    _put_facts(c, sql, change.put_facts)


def _put_episodes(c: Transaction, sql: Statements, episodes: Iterable[Episode]) -> None:
    by_id = {e.id: e for e in episodes}
    there = _held(c, sql["episodes_there"], by_id)
    c.run_many(sql["delete_episode"], [{"id": i} for (i,) in there])
    c.run_many(sql["put_episode"], map(rows.episode_row, by_id.values()))


def _put_entities(c: Transaction, sql: Statements, entities: Sequence[Entity]) -> None:
    c.run_many(sql["put_entity"], map(rows.entity_row, entities))
    by_id = {e.id: e for e in entities}
    had = set(_held(c, sql["names_there"], by_id))
    have = {(e.scope.key, name, e.id) for e in by_id.values() for name in names_of(e)}
    for name, changed in (("delete_entity_name", had - have), ("put_entity_name", have - had)):
        c.run_many(sql[name], [{"scope": s, "name": n, "id": i} for s, n, i in sorted(changed)])


def _put_assertions(c: Transaction, sql: Statements, assertions: Sequence[Assertion]) -> None:
    c.run_many(sql["put_assertion"], map(rows.assertion_row, assertions))
    c.run_many(
        sql["put_assertion_name"],
        [{"scope": a.scope.key, "name": name, "id": a.id} for a in assertions for name in a.names],
    )


def _put_facts(c: Transaction, sql: Statements, facts: Iterable[Fact]) -> None:
    by_version = {(f.id, to_us(f.recorded_at)): f for f in facts}
    if not by_version:
        return
    there = _held(c, sql["versions_there"], {i for i, _ in by_version})
    c.run_many(
        sql["delete_fact"],
        [{"id": i, "recorded_at": at} for i, at in there if (i, at) in by_version],
    )
    # The numbers that SQLite would give out.
    numbers = range(c.rows(sql["next_fact"])[0][0], 1 << 62)
    numbered = list(zip(numbers, by_version.values(), strict=False))
    c.run_many(sql["put_fact"], [rows.fact_row(fact) | {"n": n} for n, fact in numbered])
    c.run_many(
        sql["put_support"],
        [
            {
                "fact": n,
                "ordinal": i,
                "assertion_id": s.assertion_id,
                "event_id": s.event_id,
                "episode_id": s.episode_id,
                "quote": s.quote,
                "polarity": s.polarity,
            }
            for n, fact in numbered
            for i, s in enumerate(fact.support)
        ],
    )


def touch(c: Transaction, sql: Statements, scopes: Iterable[Scope]) -> None:
    """Raise the versions of scopes; each is known by its key from then on."""
    c.run_many(sql["touch_scope"], map(rows.scope_row, rows.by_key(scopes).values()))


def put_vectors(
    c: Transaction, sql: Statements, model: tuple[int, int], embeddings: Sequence[Embedding]
) -> set[str]:
    """Write the vectors of items; return the keys of their scopes.

    ``model`` is (key, dimension). What was erased while it was being embedded is left out.
    """
    key, dimension = model
    for embedding in embeddings:
        if embedding.vectors.ndim != 2 or embedding.vectors.shape[1] != dimension:
            raise InvalidInput(
                f"vectors of {embedding.item_id!r} have shape {embedding.vectors.shape}; "
                f"expected (n, {dimension})"
            )
    by_id = {e.item_id: e for e in embeddings}
    scopes: dict[str, str] = dict(_held(c, sql["item_scopes"], by_id))
    there = _held(c, sql["vectors_there"], by_id, model=key)
    c.run_many(sql["delete_old_vectors"], [{"id": i, "model": key} for (i,) in there])
    c.run_many(
        sql["put_vector"],
        [
            {
                "scope": scopes[item],
                "model": key,
                "kind": embedding.kind,
                "item": item,
                "window": window,
                "v": vector.tobytes(),
            }
            for item, embedding in by_id.items()
            if item in scopes
            for window, vector in enumerate(np.asarray(embedding.vectors, dtype="<f4"))
        ],
    )
    return set(scopes.values())


def _held(c: Transaction, statement: str, ids: Collection[str], **keys: int) -> Sequence[Row]:
    """Return what a statement finds for some ids."""
    return c.rows(statement, {"ids": given.array(list(ids)), **keys}) if ids else []

"""A change to the graph as statements: what is there is looked up once, what is new goes in bulk.

Rows are replaced by taking them away and putting them anew, so that full text and the numbers that
recall goes by see both. Does not know fences, watermarks or how a change came about.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from graphmem.consolidation.identity import names_of
from graphmem.errors import InvalidInput
from graphmem.graph import rows
from graphmem.graph import sqlite_given as given
from graphmem.models import Embedding, Fact, GraphChange, Scope
from graphmem.sqlite.connection import Keys, Row, Transaction
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


@dataclass(frozen=True, slots=True)
class Written:
    """What a change puts, as rows; of what it puts twice, the last."""

    episodes: Mapping[str, Keys]
    """By id."""
    entities: Mapping[str, Keys]
    """By id."""
    entity_names: Set[tuple[str, str, str]]
    """Scope, name, entity."""
    assertions: Sequence[Keys]
    assertion_names: Sequence[Keys]
    facts: Mapping[tuple[str, int], tuple[Keys, Sequence[Keys]]]
    """Each version with what supports it, by id and time."""


def written(change: GraphChange) -> Written:
    """Write out what a change puts: before its transaction, for which other writers wait."""
    entities = {e.id: e for e in change.put_entities}
    return Written(
        episodes={e.id: rows.episode_row(e) for e in change.put_episodes},
        entities={i: rows.entity_row(e) for i, e in entities.items()},
        entity_names={(e.scope.key, n, e.id) for e in entities.values() for n in names_of(e)},
        assertions=[rows.assertion_row(a) for a in change.put_assertions],
        assertion_names=[
            {"scope": a.scope.key, "name": name, "id": a.id}
            for a in change.put_assertions
            for name in a.names
        ],
        facts={
            (f.id, to_us(f.recorded_at)): (rows.fact_row(f), _support_rows(f))
            for f in change.put_facts
        },
    )


def _support_rows(fact: Fact) -> list[Keys]:
    return [
        {
            "ordinal": i,
            "assertion_id": s.assertion_id,
            "event_id": s.event_id,
            "episode_id": s.episode_id,
            "quote": s.quote,
            "polarity": s.polarity,
        }
        for i, s in enumerate(fact.support)
    ]


def put(c: Transaction, sql: Statements, new: Written) -> None:
    """Put episodes, entities, assertions and facts over what was there of them."""
    gone = _held(c, sql["episodes_there"], new.episodes)
    c.run_many(sql["delete_episode"], [{"id": i} for (i,) in gone])
    c.run_many(sql["put_episode"], new.episodes.values())
    _put_entities(c, sql, new)
    c.run_many(sql["put_assertion"], new.assertions)
    c.run_many(sql["put_assertion_name"], new.assertion_names)
    _put_facts(c, sql, new.facts)


def _put_entities(c: Transaction, sql: Statements, new: Written) -> None:
    c.run_many(sql["put_entity"], new.entities.values())
    had = set(_held(c, sql["names_there"], new.entities))
    have = new.entity_names
    for name, changed in (("delete_entity_name", had - have), ("put_entity_name", have - had)):
        c.run_many(sql[name], [{"scope": s, "name": n, "id": i} for s, n, i in sorted(changed)])


def _put_facts(
    c: Transaction,
    sql: Statements,
    facts: Mapping[tuple[str, int], tuple[Keys, Sequence[Keys]]],
) -> None:
    if not facts:
        return
    there = _held(c, sql["versions_there"], {i for i, _ in facts})
    c.run_many(
        sql["delete_fact"],
        [{"id": i, "recorded_at": at} for i, at in there if (i, at) in facts],
    )
    # The numbers that SQLite would give out.
    numbers = range(c.rows(sql["next_fact"])[0][0], 1 << 62)
    numbered = list(zip(numbers, facts.values(), strict=False))
    c.run_many(sql["put_fact"], [{**fact, "n": n} for n, (fact, _) in numbered])
    c.run_many(
        sql["put_support"], [{**row, "fact": n} for n, (_, support) in numbered for row in support]
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

"""Does a small tenant of a large database get its own nearest?

Fills a Neo4j server with bare facts of many scopes, a vector each, and asks a few how much of the
exact top ten is found. Exactness is by numpy over all vectors of the scope.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from graphmem.graph import neo4j_rows as rows
from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.models import CandidateQuery, Scope, Vector
from graphmem.testing.memories import LATE, day
from graphmem.testing.neo4j.server import open_driver

TOPICS = 200  # vectors lie around so many points, those of every scope around the same ones
TOP = 10
_PART = 2000
_FILL = """
UNWIND $rows AS row
CREATE (f:Memory:MemoryFact)
SET f += $same, f.scope = row.scope, f.id = row.id, f.slot = row.id, f.candidate = row.candidate
WITH f, row
CALL db.create.setNodeVectorProperty(f, 'embedding_a', row.vector)
"""
_WAIT = "CALL db.awaitIndexes(900)"


def scopes_of(tenants: int, app: str) -> list[Scope]:
    return [Scope(app=app, user=f"tenant {n}") for n in range(tenants)]


def vectors_of(n: int, dimension: int, seed: int) -> Vector:
    """Return unit vectors around topics, float32 of shape (n, dimension)."""
    topics = np.random.default_rng(0).normal(size=(TOPICS, dimension))
    rng = np.random.default_rng(seed)
    found = topics[rng.integers(TOPICS, size=n)] + rng.normal(size=(n, dimension)) * 0.7
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def parts(scope: Scope, vectors: Vector) -> Iterator[list[dict[str, Any]]]:
    made: list[dict[str, Any]] = []
    for n, vector in enumerate(vectors):
        name = f"{scope.key}-{n}"
        fixed = [name, "fact", scope.key, "goat", 0, "", None, None, 0, 0, None, None, "active"]
        fixed += [name, 0.8, 0.5, "user_direct", "semantic", [], [], "goat"]
        row = {"scope": scope.key, "id": name, "vector": vector.tolist()}
        made.append(row | {"candidate": json.dumps(fixed)})
        if len(made) == _PART:
            yield made
            made = []
    if made:
        yield made


def fill(
    uri: str, auth: tuple[str, str] | None, sizes: list[tuple[Scope, int]], dimension: int
) -> None:
    """Put so many facts into each scope, by statements of this module's own."""
    same = {"recorded_at": day(0), "valid_from": day(0), "predicate": "likes", "name": "goat"}
    same |= {"retired_at": rows.FOREVER_AT, "valid_to": rows.FOREVER_AT, "status": "active"}
    same |= {"confidence": 0.8, "importance": 0.5, "type": "semantic", "terms": "goat"}
    same |= {"source_class": "user_direct", "subject_id": "nobody", "words": 1, "text": "goat"}
    with open_driver(uri, auth) as driver, driver.session() as session:
        for seed, (scope, n) in enumerate(sizes):
            for part in parts(scope, vectors_of(n, dimension, seed)):
                session.run(_FILL, rows=part, same=same).consume()
        session.run(_WAIT).consume()


async def overlap(
    store: Neo4jGraphStore, scope: Scope, size: int, seed: int, *, model_id: str, dimension: int
) -> float:
    """Return how much of the exact top ten is in the pool, over 50 questions."""
    held = vectors_of(size, dimension, seed)
    asked = vectors_of(50, dimension, 10_000)
    shares: list[float] = []
    for vector in asked:
        nearest = np.argsort(-(held @ vector), kind="stable")[:TOP]
        query = CandidateQuery(
            vector=vector,
            model_id=model_id,
            as_of=LATE,
            known_at=LATE,
            vector_limit=50,
            neighbours=0,
        )
        pool = await store.candidates([scope], query)
        found = {c.id for c in pool.candidates}
        shares.append(sum(f"{scope.key}-{n}" in found for n in nearest) / TOP)
    return float(np.mean(shares))


async def tenant(
    store: Neo4jGraphStore,
    uri: str,
    auth: tuple[str, str] | None,
    *,
    total: int,
    tenants: int,
    app: str,
    model_id: str,
    dimension: int,
) -> dict[str, float]:
    """Fill with ``total`` facts over so many scopes; return the overlap of some of them.

    The first scope has a hundredth, the second a thousandth, the third a fifth; the others share
    the rest.
    """
    scopes = scopes_of(tenants, app)
    fixed = [total // 100, total // 1000, total // 5]
    rest = (total - sum(fixed)) // (tenants - len(fixed))
    sizes = [*zip(scopes, [*fixed, *([rest] * (tenants - len(fixed)))], strict=True)]
    await asyncio.to_thread(fill, uri, auth, sizes, dimension)
    return {
        f"{size:,} of {total:,}": await overlap(
            store, scope, size, seed, model_id=model_id, dimension=dimension
        )
        for seed, (scope, size) in enumerate(sizes[:3])
    }

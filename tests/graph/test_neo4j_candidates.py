"""Vectors of a scope behind those of others: an index that knows no scope is asked for more."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.graph.neo4j_connection import Address, Connection, Values
from graphmem.models import Scope
from graphmem.testing.memories import EMBEDDER, MODEL, ask, make_episode, save
from tests.graph.test_neo4j import connect
from tests.neo4j_servers import Neo4j

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]

HERE = 400  # more than are looked at one by one whatever else there is
MINE, THEIRS = Scope(user="mine"), Scope(user="theirs")
NEAREST = 10


class Watched(Connection):
    """A connection that remembers which of its recalls looked at every vector."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.exact: list[bool] = []

    async def run(self, statement: str, keys: Values | None = None) -> Values:
        if keys is not None and "exact" in keys:
            self.exact.append(keys["exact"])
        return await super().run(statement, keys)


@pytest.fixture
async def watched(neo4j_alone_line: Neo4j) -> AsyncIterator[tuple[Watched, Neo4jGraphStore]]:
    server = neo4j_alone_line
    connection = Watched(Address.of(server.uri, user=server.user, password=server.password))
    store = Neo4jGraphStore(connection)
    try:
        await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        yield connection, store
    finally:
        await store.close()


async def fill(store: Neo4jGraphStore, scope: Scope, n: int, text: str) -> None:
    """Put n episodes of this text and a number."""
    for start in range(0, n, 500):
        numbers = range(start, min(n, start + 500))
        await save(store, scope, *(make_episode(scope, i, f"{text} {i}") for i in numbers))


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (500, [False, False]),  # enough is left of four times as much
        (1500, [False, False, True]),  # nor of that
    ],
)
async def test_scope_behind_others_gets_its_nearest(
    watched: tuple[Watched, Neo4jGraphStore],
    neo4j_alone_line: Neo4j,
    theirs: int,
    expected: list[bool],
) -> None:
    connection, store = watched
    await fill(store, MINE, HERE, "boat and talk and harbour")
    await fill(store, THEIRS, theirs, "boat")
    query: dict[str, Any] = {"near": "boat", "vector_limit": 30}

    pool = await store.candidates([MINE], await ask(**query))

    best = sorted(c.cosine or 0.0 for c in pool.candidates)[-NEAREST:]
    assert {c.scope_key for c in pool.candidates} == {MINE.key}
    assert connection.exact == (expected if neo4j_alone_line.line == "5.26" else [False])
    looked_at = Neo4jGraphStore(connect(neo4j_alone_line), exact=True)
    try:
        await looked_at.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        every = await looked_at.candidates([MINE], await ask(**query))
    finally:
        await looked_at.close()
    nearest = sorted(c.cosine or 0.0 for c in every.candidates)[-NEAREST:]
    assert best == pytest.approx(nearest, abs=0.02)

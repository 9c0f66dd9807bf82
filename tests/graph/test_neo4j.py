"""The GraphStore port on real Neo4j servers of both lines."""

from collections.abc import AsyncIterator

import pytest

from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.graph.neo4j_connection import Address, Connection
from graphmem.testing.graph import GraphStoreConformance, ReembeddingConformance
from graphmem.testing.memories import EMBEDDER, MODEL
from graphmem.testing.moving import GraphMovingConformance
from tests.neo4j_servers import Neo4j

pytestmark = pytest.mark.neo4j


def connect(server: Neo4j) -> Connection:
    return Connection(Address.of(server.uri, user=server.user, password=server.password))


class TestNeo4j(GraphStoreConformance):
    @pytest.fixture
    async def store(self, neo4j_line: Neo4j) -> AsyncIterator[Neo4jGraphStore]:
        store = Neo4jGraphStore(connect(neo4j_line))
        try:
            await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
            yield store
        finally:
            await store.close()


class Alone:
    """Suites that look at all of a store have a database of their own."""

    @pytest.fixture
    async def store(self, neo4j_alone_line: Neo4j) -> AsyncIterator[Neo4jGraphStore]:
        store = Neo4jGraphStore(connect(neo4j_alone_line))
        try:
            await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
            yield store
        finally:
            await store.close()


class TestReembedding(Alone, ReembeddingConformance):
    pass


class TestMoving(Alone, GraphMovingConformance):
    pass

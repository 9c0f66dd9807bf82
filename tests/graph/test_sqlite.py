from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graphmem.graph.sqlite import SqliteGraphStore
from graphmem.sqlite.connection import Database
from graphmem.testing.graph import GraphStoreConformance
from graphmem.testing.memories import EMBEDDER, MODEL


class TestSqliteMemory(GraphStoreConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[SqliteGraphStore]:
        store = SqliteGraphStore(Database.acquire(":memory:"))
        await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        yield store
        await store.close()

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graphmem.sessions.sqlite import SqliteSessionStore
from graphmem.sqlite.connection import Database
from graphmem.testing.moving import LogMovingConformance
from graphmem.testing.sessions import SessionStoreConformance


class TestSqliteFile(SessionStoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteSessionStore]:
        store = SqliteSessionStore(Database.acquire(str(tmp_path / "log.db")))
        await store.migrate()
        yield store
        await store.close()


class TestSqliteMemory(SessionStoreConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[SqliteSessionStore]:
        store = SqliteSessionStore(Database.acquire(":memory:"))
        await store.migrate()
        yield store
        await store.close()


class TestSqliteFileMoves(LogMovingConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteSessionStore]:
        store = SqliteSessionStore(Database.acquire(str(tmp_path / "log.db")))
        await store.migrate()
        yield store
        await store.close()

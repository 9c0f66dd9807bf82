"""A service over a real memory in a file, and a client of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from graphmem import bootstrap
from graphmem.api.main import create_app
from graphmem.manager import MemoryManager
from graphmem.settings import Settings
from graphmem.testing.fakes import HashEmbedder, LineExtractor

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://memory.test")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory_settings(tmp_path: Path) -> Settings:
    return bootstrap.read_settings(
        {"store": f"sqlite:///{tmp_path / 'memory.db'}", "worker": "off"}
    )


@pytest.fixture
async def manager(memory_settings: Settings, clock: Clock) -> AsyncIterator[MemoryManager]:
    async with bootstrap.open_manager(
        memory_settings, clock=clock, embedder=HashEmbedder(), extractor=LineExtractor()
    ) as opened:
        yield opened


@pytest.fixture
def app(manager: MemoryManager, clock: Clock) -> FastAPI:
    return create_app(manager=manager, clock=clock, max_body_bytes=400_000)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as opened:
        yield opened

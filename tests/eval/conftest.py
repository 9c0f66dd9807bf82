from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graphmem.bootstrap import open_memory
from graphmem.manager import MemoryManager
from graphmem.testing.fakes import HashEmbedder, LineExtractor

NOW = datetime(2024, 12, 31, tzinfo=UTC)
OpenManager = Callable[[], AbstractAsyncContextManager[MemoryManager]]


def clock() -> datetime:
    return NOW


@pytest.fixture
def open_lines(tmp_path: Path) -> OpenManager:
    """Opens a store whose extractor reads the notation ``subject|predicate|object``."""
    return lambda: open_memory(
        f"sqlite:///{tmp_path / 'lines.db'}",
        worker="off",
        embedder=HashEmbedder(),
        extractor=LineExtractor(),
        clock=clock,
    )


@pytest.fixture
def open_rules(tmp_path: Path) -> OpenManager:
    """Opens a store whose extractor reads English."""
    return lambda: open_memory(
        f"sqlite:///{tmp_path / 'rules.db'}", worker="off", embedder=HashEmbedder(), clock=clock
    )

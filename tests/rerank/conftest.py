from collections.abc import Iterator

import pytest

from graphmem.testing.openai_server import OpenAIServer


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(dimension=256) as server:
        yield server

"""What tests of models behind LiteLLM share: it keeps an HTTP client for each event loop, by the
loop's address, and closes none; a queue of its own loses entries between two loops. That is no
fault of a test, and must not surface in another one that happens to collect garbage.
"""

import gc
import sys
import warnings
from collections.abc import Iterator
from typing import Final

import pytest


@pytest.fixture(scope="module")
def litellm_clients() -> Iterator[None]:
    """Have the clients that a module's tests leave behind gone when it ends."""
    yield
    sys.modules["litellm"].in_memory_llm_clients_cache.flush_cache()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        gc.collect()


USES_LITELLM: Final = [
    pytest.mark.usefixtures("litellm_clients"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:coroutine 'Logging:RuntimeWarning"),
]
"""The marks of a module whose tests ask models through LiteLLM."""

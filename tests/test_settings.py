"""What the environment may say, and how what it may not say is refused."""

import pytest

from graphmem.bootstrap import read_settings
from graphmem.errors import InvalidInput


@pytest.mark.parametrize("level", ["info", "Info", "INFO"])
def test_log_level_in_any_case(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMEM_LOG_LEVEL", level)

    assert read_settings({}).log_level == "INFO"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRAPHMEM_LOG_LEVEL", "loud"),
        ("GRAPHMEM_LOG_LEVEL", ""),
        ("GRAPHMEM_RECALL_CACHE", "-1"),
        ("GRAPHMEM_RECALL_MEMORY_MB", "0"),
        ("GRAPHMEM_API_PORT", "http"),
        ("GRAPHMEM_WORKER", "sometimes"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidInput, match=name):
        read_settings({})


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMEM_STORE", "sqlite:///other.db")

    assert read_settings({"store": "sqlite:///mine.db"}).store == "sqlite:///mine.db"

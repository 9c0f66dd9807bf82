"""What the environment may say, and how what it may not say is refused."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from graphmem.bootstrap import open_manager, read_settings
from graphmem.errors import InvalidInput
from graphmem.models import Event, Scope, TextPart
from graphmem.testing.fakes import HashEmbedder

README: Final = Path(__file__).parent.parent / "README.md"


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


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"extractor": "guesses"}, "guesses"),
        ({"extractor": "rules:"}, "rules:"),
        ({"extractor": "rules:no-such.toml"}, "no-such.toml"),
        ({"predicates": "no-such.toml"}, "predicates 'no-such.toml' cannot be read"),
    ],
)
async def test_what_a_setting_names_must_be_there(options: dict[str, str], named: str) -> None:
    settings = read_settings({"store": "sqlite:///:memory:", "worker": "off", **options})

    with pytest.raises(InvalidInput, match=named):
        async with open_manager(settings):
            raise AssertionError("never opened")


async def test_own_words_and_predicates_are_read_and_kept(tmp_path: Path) -> None:
    """The README's example: one volunteers at one place, so a newer one ends the older."""
    words, table = re.findall(r"```toml\n(.+?)```", README.read_text("utf-8"), re.DOTALL)
    (tmp_path / "words.toml").write_text(words, "utf-8")
    (tmp_path / "predicates.toml").write_text(table, "utf-8")
    own = {
        "store": "sqlite:///:memory:",
        "worker": "off",
        "extractor": f"rules:{tmp_path / 'words.toml'}",
        "predicates": tmp_path / "predicates.toml",
    }
    scope = Scope(user="ada", session="s1")
    said = ["I volunteer at Casa Aberta.", "These days I volunteer at Refood."]

    async with open_manager(read_settings(own), embedder=HashEmbedder()) as memory:
        for n, text in enumerate(said):
            event = Event(
                id=f"e{n}",
                parts=(TextPart(text=text),),
                occurred_at=datetime(2024, 1 + n, 1, tzinfo=UTC),
                session_id="s1",
                author="Ada",
            )
            await memory.append(scope, [event])
        await memory.generate_memories(scope)
        listed = (await memory.list(scope.home, ended=True)).facts

    assert {fact.text for fact in listed} == {
        "Ada volunteers at Refood",
        "Ada volunteered at Casa Aberta",
    }


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMEM_STORE", "sqlite:///other.db")

    assert read_settings({"store": "sqlite:///mine.db"}).store == "sqlite:///mine.db"

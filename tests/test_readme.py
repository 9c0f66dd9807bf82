"""What the README says, done: its Python runs, its commands and settings exist."""

import re
from pathlib import Path
from typing import Any

import pytest

from graphmem.cli import app
from graphmem.settings import Settings

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_python_of_the_readme_runs(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "readme"}

    exec(compile(block, "README.md", "exec"), names)  # our own README

    assert capsys.readouterr().out.strip()


def test_readme_has_python() -> None:
    assert len(BLOCKS) == 2


def test_every_command_is_in_the_readme() -> None:
    commands = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        named = [
            c.name or c.callback.__name__
            for c in group.typer_instance.registered_commands
            if c.callback
        ]
        commands |= {group.name} if group.name else set(named)
        if group.name:
            for name in named:
                assert f"`{name}`" in README, f"{group.name} {name}"
    for name in commands:
        assert f"`graphmem {name}" in README, name


def test_every_setting_is_in_the_readme() -> None:
    for name in Settings.model_fields:
        assert f"`GRAPHMEM_{name.upper()}`" in README, name

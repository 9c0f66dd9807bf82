"""The wheel, built and used in a bare environment: all that a clone has is in it, and it works."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).parent.parent
STORY = """
import asyncio, sys
import graphmem

async def main(store):
    async with graphmem.open(store) as memory:
        noted = await memory.remember("I keep two bees called Ulla and Olga.", graphmem.Scope())
        await memory.generate_memories(graphmem.Scope(session="notes"))
        hits = await memory.retrieve_memories("What are the bees called?", graphmem.Scope())
        found = await memory.get(graphmem.Scope(), noted)
        context = await memory.build_context("bees", graphmem.Scope(), 200)
    assert "Olga" in hits[0].text, hits
    assert found.id == noted
    assert "Olga" in context.parts["memories"] and context.tokens <= 200, context

asyncio.run(main(sys.argv[1]))
print(graphmem.__file__)
"""
SERVICE = """
from graphmem.api.main import create_app
print(len(create_app().openapi()["paths"]))
"""


def run(*command: str | Path, cwd: Path) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GRAPHMEM", "COV"))}
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env=kept,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    run(sys.executable, *build, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the wheel, and this one's dependencies.

    They come by a path file, which does not run the path files of the folder that it names: an
    editable install of the clone stays out of sight.
    """
    home = tmp_path_factory.mktemp("bare")
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home)
    made = home / "bin" / "python"
    pip = ("-m", "pip", "--python", made, "--disable-pip-version-check", "install")
    run(sys.executable, *pip, "--no-deps", "--no-index", "--no-compile", wheel, cwd=home)
    site = run(made, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    folders = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (Path(site) / "dependencies.pth").write_text("\n".join(folders) + "\n")
    return made


def test_wheel_holds_the_whole_package(wheel: Path) -> None:
    source = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "graphmem").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}

    assert {name for name in names if ".dist-info/" not in name} == source
    assert source >= {
        "graphmem/api/main.py",
        "graphmem/assets/answers/model.onnx",
        "graphmem/assets/minilm/model.onnx",
        "graphmem/assets/minilm/LICENSE",
        "graphmem/assets/tiktoken/o200k_base.tiktoken.xz",
        "graphmem/consolidation/predicates.toml",
        "graphmem/extract/grammar/verbs.toml",
        "graphmem/graph/sql/sqlite.sql",
        "graphmem/sessions/sql/sqlite.sql",
    }
    assert {name.rpartition("/")[2] for name in names} >= {"LICENSE", "NOTICE", "METADATA"}


def test_wheel_is_of_a_sane_size(wheel: Path) -> None:
    assert 25_000_000 < wheel.stat().st_size < 45_000_000
    assert wheel.name.endswith("-py3-none-any.whl")


def test_wheel_remembers_and_recalls(python: Path, tmp_path: Path) -> None:
    where = run(python, "-c", STORY, f"sqlite:///{tmp_path / 'm.db'}", cwd=tmp_path)

    assert Path(where).is_relative_to(python.parent.parent)


def test_wheel_carries_the_service(python: Path, tmp_path: Path) -> None:
    assert run(python, "-c", SERVICE, cwd=tmp_path) == "6"


def test_wheel_installs_the_command(python: Path, tmp_path: Path) -> None:
    told = run(python.parent / "graphmem", "--help", cwd=tmp_path)

    assert "recall" in told
    assert not list(tmp_path.iterdir())

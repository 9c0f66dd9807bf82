"""Fetching, with a Maven that is a script; Java found among scripts; no server is started."""

import subprocess
import sys
from pathlib import Path

import pytest

from graphmem.testing.neo4j.errors import CannotRun
from graphmem.testing.neo4j.jars import RELEASES, Line, jars, pom, version
from graphmem.testing.neo4j.java import find_java

MAVEN = """#!/bin/sh
echo called >> "$CALLS"
for word; do case "$word" in -DoutputDirectory=*) target="${word#*=}";; esac; done
mkdir -p "$target"
echo half > "$target/one.jar"
[ -z "$BROKEN" ] || { echo "no route to the repository"; exit 1; }
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a false Maven on the path; the file gets a line for each of its calls."""
    script(tmp_path / "bin" / "mvn", MAVEN)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return path


def java(path: Path, version: str) -> Path:
    return script(path, f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")


def test_jars_are_fetched_once(tmp_path: Path, calls: Path) -> None:
    first = jars("2026", cache=tmp_path / "cache")
    second = jars("2026", cache=tmp_path / "cache")

    assert first == second
    assert [jar.name for jar in first.iterdir()] == ["one.jar"]
    assert calls.read_text() == "called\n"


def test_jars_of_many_processes_are_fetched_once(tmp_path: Path, calls: Path) -> None:
    code = f"""
from pathlib import Path
from graphmem.testing.neo4j.jars import jars
print(jars("5.26", cache=Path({str(tmp_path)!r})))
"""
    several = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(3)
    ]

    said = {process.communicate()[0] for process in several}

    assert len(said) == 1
    assert calls.read_text() == "called\n"


def test_half_a_fetch_is_begun_anew(
    tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "yes")
    with pytest.raises(CannotRun, match="no route to the repository"):
        jars("2026", cache=tmp_path / "cache")
    monkeypatch.delenv("BROKEN")

    jars("2026", cache=tmp_path / "cache")

    assert calls.read_text() == "called\n" * 2


def test_jars_of_another_project_file_are_dropped(tmp_path: Path, calls: Path) -> None:
    lib = jars("2026", cache=tmp_path / "cache")
    (lib / "stale.jar").touch()
    (lib.parent / "complete").write_text("the digest of an older project file")

    jars("2026", cache=tmp_path / "cache")

    assert [jar.name for jar in lib.iterdir()] == ["one.jar"]
    assert calls.read_text() == "called\n" * 2


def test_missing_maven_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CannotRun, match="mvn"):
        jars("2026", cache=tmp_path)


@pytest.mark.parametrize("line", RELEASES)
def test_versions_are_pinned(line: Line) -> None:
    assert version(line).startswith(f"{line}.")
    assert pom(line).count(b"${neo4j.version}") == 2
    # A repository's address would be somebody's mirror.
    assert b"<repositor" not in pom(line)


def test_compose_runs_the_pinned_version() -> None:
    compose = (Path(__file__).parents[3] / "compose.yaml").read_text("utf-8")

    assert f"    image: neo4j:{version('2026')}\n" in compose


def test_java_is_the_first_that_is_new_enough(tmp_path: Path) -> None:
    old = java(tmp_path / "old" / "java", "1.8.0_402")
    middle = java(tmp_path / "middle" / "java", "17.0.15")
    new = java(tmp_path / "new" / "java", "21.0.2")
    broken = script(tmp_path / "broken" / "java", "#!/bin/sh\nexit 1\n")
    programs = [tmp_path / "none", broken, old, middle, new]

    assert find_java(programs, 17).program == middle.resolve()
    assert (found := find_java(programs, 18)).program == new.resolve()
    assert found.version == 21


def test_missing_java_is_said(tmp_path: Path) -> None:
    old = java(tmp_path / "old" / "java", "17.0.15")

    with pytest.raises(CannotRun, match=r"no Java 21 .*old/java \(17\).*JAVA_HOME"):
        find_java([old], 21)

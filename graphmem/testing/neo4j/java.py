"""Finds a Java that can run a given server."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from graphmem.testing.neo4j.errors import CannotRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java program: its feature version (17, 21, 25 …) and the modules it can load."""

    program: Path
    version: int
    modules: frozenset[str]


def look_at(program: Path) -> Java | None:
    """Return what a program is, or None if it is no Java that starts."""
    try:
        # -version, unlike --version, is understood by Java 8 too, and answers on standard error.
        said = _ask(program, "-version")
        found = re.search(r'version "(\d+)', said)
        if found is None:
            return None
        version = int(found[1])
        modules = _ask(program, "--list-modules") if version > 8 else ""
    except (OSError, subprocess.SubprocessError):
        return None
    names = frozenset(line.partition("@")[0] for line in modules.splitlines())
    return Java(program=program, version=version, modules=names)


def find_java(programs: Iterable[Path], minimum: int) -> Java:
    """Return the first that is new enough; CannotRun says what was found and what to do."""
    seen: list[str] = []
    # One Java often has several names.
    for program in dict.fromkeys(program.resolve() for program in programs):
        java = look_at(program)
        if java is not None and java.version >= minimum:
            return java
        seen.append(f"{program} ({java.version if java else 'does not start'})")
    raise CannotRun(
        f"no Java {minimum} or newer; found: {', '.join(seen) or 'none'}. Install one, set"
        " JAVA_HOME, or pip install -r requirements/java.txt"
    )


def _ask(program: Path, option: str) -> str:
    done = subprocess.run([program, option], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout + done.stderr

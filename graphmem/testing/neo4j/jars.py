"""The release lines, and their jars: fetched by Maven once, kept in the cache folder.

Does not know how a server is started. Versions are pinned in ``pom-LINE.xml`` beside this file.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from graphmem.testing.neo4j.errors import CannotRun
from graphmem.testing.neo4j.places import cache_folder

Line = Literal["5.26", "2026"]

_FETCH_S: Final = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What one release line needs to be run."""

    main_class: str
    java: int
    java_arguments: tuple[str, ...] = ()


RELEASES: Final[Mapping[Line, Release]] = {
    "5.26": Release(main_class="org.neo4j.server.CommunityEntryPoint", java=17),
    "2026": Release(
        main_class="org.neo4j.server.Neo4jCommunity",
        java=21,
        java_arguments=("--enable-native-access=ALL-UNNAMED",),
    ),
}


def pom(line: Line) -> bytes:
    """Return the Maven project that lists what a server of this line consists of."""
    return files("graphmem.testing.neo4j").joinpath(f"pom-{line}.xml").read_bytes()


def version(line: Line) -> str:
    """Return the exact version that this line is pinned to."""
    found = re.search(rb"<neo4j\.version>([^<]+)<", pom(line))
    assert found is not None
    return found[1].decode()


def jars(line: Line, *, cache: Path | None = None) -> Path:
    """Return the folder of the line's jars; the first call fetches them, some 150 MB.

    Any number of processes may call this at once: one fetches, the others wait for it. A folder
    counts once its marker holds the digest of the project file, so neither half a download nor
    another version is ever used. CannotRun where Maven is missing or fails.
    """
    project = pom(line)
    digest = hashlib.sha256(project).hexdigest()
    folder = (cache or cache_folder()) / version(line)
    marker = folder / "complete"
    if _holds(marker, digest):
        return folder / "lib"
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / "lock"):
        if not _holds(marker, digest):
            marker.unlink(missing_ok=True)
            shutil.rmtree(folder / "lib", ignore_errors=True)
            _fetch(project, folder / "lib")
            marker.write_text(digest, "ascii")
    return folder / "lib"


@contextmanager
def alone(path: Path) -> Generator[None]:
    """Hold the lock file; released when its holder ends, however it ends."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _holds(marker: Path, digest: str) -> bool:
    return marker.is_file() and marker.read_text("ascii") == digest


def _fetch(project: bytes, target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotRun("Maven (mvn) is not on the PATH, and it fetches the server's jars")
    # Maven may write beside its project file, and the package's folder may be read-only.
    with tempfile.TemporaryDirectory(prefix="graphmem-neo4j-") as place:
        file = Path(place) / "pom.xml"
        file.write_bytes(project)
        goal = "dependency:copy-dependencies"
        command = [maven, "-q", "-B", "-f", file, goal, f"-DoutputDirectory={target}"]
        try:
            done = subprocess.run(
                command, cwd=place, capture_output=True, text=True, timeout=_FETCH_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise CannotRun(f"Maven did not fetch the server in {_FETCH_S:.0f} s") from error
    if done.returncode != 0:
        raise CannotRun(f"Maven could not fetch the server:\n{(done.stdout + done.stderr)[-2000:]}")

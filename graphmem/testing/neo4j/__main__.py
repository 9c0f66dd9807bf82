"""Keeps a Neo4j server for a person until Ctrl-C: ``python -m graphmem.testing.neo4j``.

Does not know graphmem's command line: what fills the server is given as a command.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphmem.testing.neo4j.errors import CannotRun, StartFailed
from graphmem.testing.neo4j.jars import RELEASES, Line
from graphmem.testing.neo4j.java import find_java
from graphmem.testing.neo4j.places import java_programs
from graphmem.testing.neo4j.server import USER, Server, free_port, gone

# Known to everybody; the server can be reached from this machine alone.
PASSWORD: Final = "graphmem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a server is that is up; ``pid`` is None in Docker."""

    bolt: str
    browser: str
    pid: int | None


@contextlib.contextmanager
def running(
    line: Line, folder: Path, settings: Mapping[str, str] | None = None
) -> Generator[Place]:
    """Run one in Docker where there is an engine, else from its artifacts; its store lasts."""
    try:
        # Development dependencies: who has the extra alone has none of them.
        from graphmem.testing.neo4j import container

        box = container.start(line, password=PASSWORD, fixed=True, settings=settings)
    except (ImportError, CannotRun):
        server = Server(
            folder / line,
            line=line,
            password=PASSWORD,
            bolt_port=free_port(7687),
            http_port=free_port(7474),
            settings=settings,
        )
        with server:
            yield Place(bolt=server.uri, browser=server.browser, pid=server.pid)
    else:
        try:
            yield Place(bolt=box.uri, browser=box.browser, pid=None)
        finally:
            container.remove(box.id)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 where no server can be had, 130 if told to stop before it is up."""
    parser = argparse.ArgumentParser(prog="python -m graphmem.testing.neo4j", description=__doc__)
    parser.add_argument("--line", choices=list(RELEASES), default="2026")
    parser.add_argument("--folder", type=Path, default=Path(".neo4j"), help="where its store is")
    parser.add_argument(
        "--setting", action="append", default=[], help="a line of neo4j.conf", metavar="NAME=VALUE"
    )
    parser.add_argument(
        "--find-java", action="store_true", help="print a Java that runs every line, start nothing"
    )
    parser.add_argument(
        "command", nargs="*", help="run when the server is up; {uri} stands for its address"
    )
    options = parser.parse_args(arguments)
    # As Ctrl-C does, so that nothing outlives us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.find_java:
            newest = max(release.java for release in RELEASES.values())
            print(find_java(java_programs(), newest).program)
            return 0
        print(f"Neo4j {options.line} starts; the first time its parts are fetched ...", flush=True)
        settings = dict(line.split("=", 1) for line in options.setting)
        with running(options.line, options.folder, settings) as place:
            failed = _fill(options.command, place)
            _tell(place)
            if failed:
                print(f"It is up, but could not be filled: {options.command[0]} failed.")
            with contextlib.suppress(KeyboardInterrupt):
                _stay(place)
            print("\nstopping ...", flush=True)
    except (CannotRun, StartFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _fill(command: Sequence[str], place: Place) -> bool:
    """Run the command; say whether it failed."""
    if not command:
        return False
    scheme, _, address = place.bolt.partition("://")
    uri = f"{scheme}://{USER}:{PASSWORD}@{address}"
    words = [word.replace("{uri}", uri) for word in command]
    return subprocess.run(words, check=False).returncode != 0


def _tell(place: Place) -> None:
    print(f"  Bolt      {place.bolt}")
    print(f"  Browser   {place.browser}")
    print(f"  user      {USER}")
    print(f"  password  {PASSWORD}")
    print("Ctrl-C stops it; what it holds is kept.", flush=True)


def _stay(place: Place) -> None:
    """Return never, unless the server ends by itself."""
    if place.pid is None:
        signal.pause()
        return
    while not gone(place.pid, within_s=60):
        pass
    raise StartFailed("the server has ended by itself")


if __name__ == "__main__":
    sys.exit(main())

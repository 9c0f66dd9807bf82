"""Real servers of both lines: started, asked, killed, stopped. Slow; see ``neo4j_servers``."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import neo4j
import pytest
from neo4j.exceptions import AuthError, ServiceUnavailable

from graphmem.testing.neo4j.errors import StartFailed
from graphmem.testing.neo4j.jars import Line, version
from graphmem.testing.neo4j.server import Server, gone, lives, open_driver
from tests.neo4j_servers import Certified, Neo4j, end_all, line_of


def ask(server: Server | Neo4j, query: str, password: str | None = None) -> list[dict[str, object]]:
    auth = (server.user, password or server.password)
    with open_driver(server.uri, auth) as driver:
        return [record.data() for record in driver.execute_query(query).records]  # type: ignore[arg-type]


def test_server_answers(neo4j_line: Neo4j) -> None:
    assert ask(neo4j_line, "RETURN 1 AS one") == [{"one": 1}]


def test_server_is_of_its_line(neo4j_line: Neo4j) -> None:
    assert line_of(neo4j_line) == neo4j_line.line


def test_lines_are_named_alone(neo4j_526: Neo4j, neo4j_2026: Neo4j) -> None:
    assert (neo4j_526.line, neo4j_2026.line) == ("5.26", "2026")
    assert neo4j_526.uri != neo4j_2026.uri


def test_wrong_password_is_refused(neo4j_line: Neo4j) -> None:
    with pytest.raises(AuthError):
        ask(neo4j_line, "RETURN 1", password="not the password")


@pytest.mark.timeout(400)
def test_life_of_a_server(fresh_neo4j: Callable[..., Server]) -> None:
    """In one story and of one line: every start costs seconds."""
    line: Line = "2026"
    server = fresh_neo4j(line)
    (kernel,) = ask(
        server,
        "CALL dbms.components() YIELD name, versions WHERE name = 'Neo4j Kernel' RETURN versions",
    )
    ask(server, "CREATE (:Kept {name: 'Ada'})")
    with urlopen(server.browser, timeout=20) as page:
        title = page.read()
    first, address = server.pid, server.address
    assert first is not None
    unpacked = [folder.name for folder in (server.home / "tmp").glob("jetty-*")]

    server.kill()
    assert not lives(first)
    with pytest.raises(ServiceUnavailable):
        ask(server, "RETURN 1")
    server.start()
    kept = ask(server, "MATCH (k:Kept) RETURN k.name AS name")
    left = [folder.name for folder in (server.home / "tmp").glob("jetty-*")]
    second = server.pid
    assert second is not None
    server.stop()

    assert kernel == {"versions": [version(line)]}
    assert b"Neo4j Browser" in title
    assert kept == [{"name": "Ada"}]
    # What the killed one had unpacked is not left in anybody's folder for temporary files.
    assert unpacked
    assert not set(unpacked) & set(left)
    assert server.address == address
    assert (server.pid, lives(second)) == (None, False)


@pytest.mark.timeout(300)
def test_bolt_over_tls(fresh_neo4j: Callable[..., Server], certified: Certified) -> None:
    server = fresh_neo4j("2026", tls=certified.tls)
    trusted = neo4j.TrustCustomCAs(str(certified.authority))
    auth = (server.user, server.password)

    with neo4j.GraphDatabase.driver(
        f"neo4j://{server.address}", auth=auth, encrypted=True, trusted_certificates=trusted
    ) as driver:
        assert driver.execute_query("RETURN 1 AS one").records[0].data() == {"one": 1}
    # Signed by nobody whom this machine knows.
    with pytest.raises(ServiceUnavailable):
        ask(server, "RETURN 1")
    with pytest.raises(ServiceUnavailable), open_driver(f"bolt://{server.address}", auth) as plain:
        plain.execute_query("RETURN 1")


@pytest.mark.timeout(300)
def test_server_ends_with_its_owner(tmp_path: Path, neo4j_2026: Neo4j) -> None:
    """Also with an owner that was killed, and even while it still starts."""
    code = f"""
from pathlib import Path
from graphmem.testing.neo4j import server
server.Server._wait = lambda self, pid, deadline: print(pid, flush=True)
server.Server(Path({str(tmp_path)!r})).start()
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert lives(pid)
        owner.send_signal(signal.SIGKILL)

    assert gone(pid, within_s=60)


@pytest.mark.timeout(300)
def test_two_processes_get_one_server(tmp_path: Path, neo4j_2026: Neo4j) -> None:
    code = f"""
from pathlib import Path
from tests.neo4j_servers import shared
print(shared("2026", Path({str(tmp_path)!r}), {os.getpid()}))
"""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRAPHMEM_TEST")}

    try:
        both = [
            subprocess.Popen(
                [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        said = [process.communicate()[0] for process in both]
    finally:
        end_all(tmp_path)

    assert said[0].startswith("Neo4j(")
    assert said[0] == said[1]


@pytest.mark.timeout(300)
def test_failed_start_shows_the_log(fresh_neo4j: Callable[..., Server]) -> None:
    with pytest.raises(StartFailed, match=r"(?s)has ended.*no\.such\.setting"):
        fresh_neo4j("5.26", settings={"no.such.setting": "1"})

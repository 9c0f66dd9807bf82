"""Fixtures that give real Neo4j servers: one per release line, shared by all of a test run.

``neo4j_526``, ``neo4j_2026`` and ``neo4j_line`` (both in turn) are shared: a test isolates itself
by a random scope. ``fresh_neo4j`` makes servers of a test's own, to be killed, restarted or set up
otherwise; a test that uses it is slow, and says so by ``pytest.mark.timeout``. For what looks at a
whole database there is ``neo4j_alone_line``: one more server a line, emptied before each test and
nobody else's until it ends. Whatever uses one of these is marked ``neo4j``.

A shared server comes from the first of: ``GRAPHMEM_TEST_NEO4J_526_URI`` or ``…_2026_URI``;
``GRAPHMEM_TEST_NEO4J_URI``, for the line that it runs (all three with user and password in the
URI); Docker; Maven's artifacts and a local Java. The first worker that needs one starts it, under
a lock; the process that began the run stops it. Where none can be had, its tests are skipped, and
fail if ``CI`` is true. The servers that are emptied come from ``GRAPHMEM_TEST_NEO4J_526_EMPTY_URI``
or ``…_2026_EMPTY_URI``, else from Docker or Maven: never from a URI that was not given for that.
"""

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import unquote, urlsplit

import pytest

from graphmem.testing.neo4j.errors import CannotRun, StartFailed
from graphmem.testing.neo4j.jars import RELEASES, Line, alone
from graphmem.testing.neo4j.server import Server, Tls, end, open_driver

# Docker's and the certificates' libraries are imported where they are used: every worker of every
# run reads this file.

LINES: Final[Sequence[Line]] = (
    list(RELEASES)
    if os.environ.get("CI", "").lower() in ("true", "1")
    or any(f"GRAPHMEM_TEST_NEO4J_{name}URI" in os.environ for name in ("526_", ""))
    else ["2026"]
)
"""Whose suites are run: both lines' in CI and where a server of the older one is named, else the
newer one's, so that a person waits half as long."""

FOLDER = pytest.StashKey[Path]()
OWNER = pytest.StashKey[int]()
FIXTURES = {"neo4j_526", "neo4j_2026", "neo4j_line", "neo4j_alone_line", "fresh_neo4j"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Neo4j:
    """A server to test against; ``auth`` is None where the URI that was given names no user."""

    uri: str
    user: str
    password: str
    line: Line

    @property
    def auth(self) -> tuple[str, str] | None:
        return (self.user, self.password) if self.user else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A shared server and what ends it: nothing if it was there before us."""

    server: Neo4j
    pid: int | None = None
    container: str | None = None


# the run


def pytest_configure(config: pytest.Config) -> None:
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is None:
        config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix="graphmem-neo4j-"))
        config.stash[OWNER] = os.getpid()
    else:
        config.stash[FOLDER] = Path(given["neo4j_folder"])
        config.stash[OWNER] = given["neo4j_owner"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the run's servers are, and who stops them."""
    node.workerinput["neo4j_folder"] = str(node.config.stash[FOLDER])
    node.workerinput["neo4j_owner"] = node.config.stash[OWNER]


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(FOLDER, None)
    if folder is None or config.stash[OWNER] != os.getpid():
        return
    end_all(folder)
    # Whoever tidies up temporary folders may have been here before.
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("neo4j")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for file in sorted(config.stash[FOLDER].glob("*.json")):
        _, problem = read(file)
        if problem is not None:
            terminalreporter.section(f"NO NEO4J {file.stem}", yellow=True)
            terminalreporter.line(str(problem))


# finding a server


def shared(line: Line, folder: Path, owner: int, *, empty: bool = False) -> Neo4j:
    """Return the run's server of this line; the first caller in any process starts it.

    That there is none, or that it does not start, is found out once as well, and raised for all.
    ``empty``: the one that is emptied.
    """
    name = f"{line}-empty" if empty else line
    file = folder / f"{name}.json"
    with alone(folder / f"{name}.lock"):
        if not file.exists():
            try:
                found = asdict(find(line, folder / name, owner, empty=empty))
            except (CannotRun, StartFailed) as error:
                found = {"problem": type(error).__name__, "why": str(error)}
            file.write_text(json.dumps(found), "utf-8")
    running, problem = read(file)
    if problem is not None:
        raise problem
    assert running is not None
    return running.server


def read(file: Path) -> tuple[Running | None, CannotRun | StartFailed | None]:
    """Return what was found, or why nothing was."""
    held: dict[str, Any] = json.loads(file.read_text("utf-8"))
    if "problem" in held:
        kind = CannotRun if held["problem"] == "CannotRun" else StartFailed
        return None, kind(held["why"])
    server = Neo4j(**held["server"])
    return Running(server=server, pid=held["pid"], container=held["container"]), None


def end_all(folder: Path) -> None:
    """End every server that was shared by way of this folder. Their stores are thrown away."""
    for running, _ in map(read, sorted(folder.glob("*.json"))):
        if running is not None and running.pid is not None:
            end(running.pid, grace_s=0)
        if running is not None and running.container is not None:
            from graphmem.testing.neo4j import container

            container.remove(running.container)


def find(line: Line, home: Path, owner: int, *, empty: bool = False) -> Running:
    """Return the first server of the line that can be had, in the order told above."""
    server = given_empty(line) if empty else given(line)
    if server is not None:
        return Running(server=server)
    password = secrets.token_hex(8)
    why: list[str] = []
    try:
        from graphmem.testing.neo4j import container

        box = container.start(line, password=password)
        server = Neo4j(uri=box.uri, user="neo4j", password=password, line=line)
        return Running(server=server, container=box.id)
    except CannotRun as error:
        why.append(str(error))
    try:
        # Little is in one that is emptied again and again.
        sizes: dict[str, Any] = {"heap_mb": 512, "page_cache_mb": 128} if empty else {}
        own: dict[str, Any] = {"password": password, "owner": owner, "short_lived": True}
        local = Server(home, line=line, **own, **sizes).start()
        server = Neo4j(uri=local.uri, user=local.user, password=password, line=line)
        return Running(server=server, pid=local.pid)
    except CannotRun as error:
        why.append(f"local: {error}")
    raise CannotRun(f"no Neo4j {line}: GRAPHMEM_TEST_NEO4J_URI names none; " + "; ".join(why))


def given(line: Line) -> Neo4j | None:
    """Return the server that the environment names for this line; one that is down is an error."""
    own = os.environ.get(f"GRAPHMEM_TEST_NEO4J_{line.replace('.', '')}_URI")
    for_any = os.environ.get("GRAPHMEM_TEST_NEO4J_URI")
    if own:
        return parse(own, line)
    if for_any:
        server = parse(for_any, line)
        if line_of(server) == line:
            return server
    return None


def given_empty(line: Line) -> Neo4j | None:
    """Return the server that the environment names to be emptied."""
    own = os.environ.get(f"GRAPHMEM_TEST_NEO4J_{line.replace('.', '')}_EMPTY_URI")
    return parse(own, line) if own else None


def empty_it(server: Neo4j) -> None:
    """Take away all nodes, and the indexes and constraints that are not graphmem's.

    Ours stay: to make them, and every plan after that, takes longer than most tests.
    """
    with open_driver(server.uri, server.auth) as driver:
        with driver.session() as session:
            session.run(
                "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
            ).consume()
        for rule in driver.execute_query("SHOW CONSTRAINTS YIELD name").records:
            if not rule["name"].startswith("memory_"):
                driver.execute_query("DROP CONSTRAINT $name", {"name": rule["name"]})
        for rule in driver.execute_query("SHOW INDEXES YIELD name, type").records:
            if not rule["name"].startswith("memory_") and rule["type"] != "LOOKUP":
                driver.execute_query("DROP INDEX $name", {"name": rule["name"]})


def parse(uri: str, line: Line) -> Neo4j:
    parts = urlsplit(uri)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Neo4j(uri=bare, user=user, password=password, line=line)


def line_of(server: Neo4j) -> Line:
    """Ask a server which release line it is of: whatever came after 5 counts as the newest."""
    with open_driver(server.uri, server.auth) as driver:
        found = driver.execute_query("CALL dbms.components() YIELD name, versions").records
    versions = {record["name"]: record["versions"][0] for record in found}
    return "5.26" if versions["Neo4j Kernel"].startswith("5.") else "2026"


def refuse(error: CannotRun) -> NoReturn:
    """Skip loudly, or fail where servers are a duty."""
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"CI needs every server: {error}", pytrace=False)
    pytest.skip(f"NO SERVER: {error}")


def share(line: Line, config: pytest.Config, *, empty: bool = False) -> Neo4j:
    try:
        return shared(line, config.stash[FOLDER], config.stash[OWNER], empty=empty)
    except CannotRun as error:
        refuse(error)


# fixtures


@pytest.fixture(scope="session")
def neo4j_526(pytestconfig: pytest.Config) -> Neo4j:
    return share("5.26", pytestconfig)


@pytest.fixture(scope="session")
def neo4j_2026(pytestconfig: pytest.Config) -> Neo4j:
    return share("2026", pytestconfig)


@pytest.fixture(scope="session", params=LINES)
def neo4j_line(request: pytest.FixtureRequest) -> Neo4j:
    """The lines of this run, one after the other: see ``LINES``."""
    return share(request.param, request.config)


@pytest.fixture(params=LINES)
def neo4j_alone_line(request: pytest.FixtureRequest) -> Iterator[Neo4j]:
    """An empty server of each line of this run; nobody else's until the test ends."""
    line: Line = request.param
    server = share(line, request.config, empty=True)
    with alone(request.config.stash[FOLDER] / f"{line}-empty.turn"):
        empty_it(server)
        yield server


@pytest.fixture
def fresh_neo4j(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Make servers of one's own: ``fresh_neo4j("2026", tls=…, settings={…})``, up and empty."""
    made: list[Server] = []

    def make(line: Line = "2026", **options: Any) -> Server:
        small: dict[str, Any] = {"heap_mb": 512, "page_cache_mb": 128, "short_lived": True}
        small |= options
        server = Server(tmp_path / f"neo4j-{len(made)}", line=line, **small)
        made.append(server)
        try:
            return server.start()
        except CannotRun as error:
            refuse(error)

    yield make
    for server in made:
        server.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A server's key and certificate for 127.0.0.1, and the certificate of who signed it."""

    tls: Tls
    authority: Path


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    places = [tmp_path / name for name in ("server.key", "server.crt", "authority.crt")]
    issued.private_key_pem.write_to_path(places[0])
    places[1].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    authority.cert_pem.write_to_path(places[2])
    return Certified(tls=Tls(private_key=places[0], certificate=places[1]), authority=places[2])

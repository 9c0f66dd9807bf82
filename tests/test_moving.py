"""Moving a memory as a person does it: by the commands, and killed in the middle of one."""

import asyncio
import json
import stat
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from graphmem import transfer
from graphmem.bootstrap import make_stores
from graphmem.cli import app, moving, options
from graphmem.testing.neo4j.server import open_driver
from tests.lived import live
from tests.memory import open_memory
from tests.neo4j_servers import Neo4j
from tests.test_kill import FORK

QUESTION = ("recall", "Where do I live?", "--user", "ada")


class Shell:
    """Runs commands in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = CliRunner()

    def at(self, name: str) -> str:
        return f"sqlite:///{self.folder / name}"

    def run(self, *words: str, status: int = 0, stdin: bytes | None = None) -> Any:
        done = self._runner.invoke(app, [*words], input=stdin)
        assert done.exit_code == status, (done.output, done.exception)
        return done

    def fails(self, *words: str, stdin: bytes | None = None) -> str:
        """Return what a command that fails says, on one line."""
        said = " ".join(self.run(*words, status=1, stdin=stdin).stderr.split())
        assert said.startswith("error: ")
        return said

    def lines(self, name: str) -> list[bytes]:
        """Return the records of a store, without when they were exported."""
        text = self.run("export", "-", "--store", self.at(name)).stdout_bytes
        return text.splitlines()[1:-1]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("STORE", "LOG", "USER", "APP"):
        monkeypatch.delenv(f"GRAPHMEM_{name}", raising=False)
    return Shell(tmp_path)


@pytest.fixture
def told(shell: Shell) -> Shell:
    line = {"role": "user", "content": "I live in Porto.", "name": "Ada"}
    (shell.folder / "chat.jsonl").write_text(json.dumps(line))
    shell.run("ingest", "chat.jsonl", "--user", "ada", "--store", shell.at("a.db"))
    return shell


@pytest.mark.parametrize("name", ["m.jsonl", "m.jsonl.gz"])
def test_export_then_import(told: Shell, name: str) -> None:
    made = told.run("export", name, "--store", told.at("a.db"))
    told.run("import", name, "--store", told.at("b.db"))

    assert "event                      1" in made.stdout
    assert stat.S_IMODE((told.folder / name).stat().st_mode) == 0o600
    assert told.lines("b.db") == told.lines("a.db")
    answers = [told.run(*QUESTION, "--store", told.at(f"{x}.db")).stdout for x in "ab"]
    assert "Porto" in answers[0]
    assert answers[1] == answers[0]
    assert "All is well" in told.run("doctor", "--store", told.at("b.db")).stdout


def test_copy_with_logs_of_their_own(told: Shell) -> None:
    first = ("--to", told.at("b.db"), "--to-log", told.at("b-log.db"))
    second = ("--from", told.at("b.db"), "--from-log", told.at("b-log.db"), "--to", told.at("c.db"))

    told.run("copy", "--from", told.at("a.db"), *first)
    made = told.run("copy", *second)

    assert "fact " in made.stdout
    assert told.lines("c.db") == told.lines("a.db")


def test_copy_with_a_graph_in_neo4j(told: Shell, neo4j_alone_line: Neo4j) -> None:
    server = neo4j_alone_line
    url = server.uri.replace("://", f"://{server.user}:{server.password}@")

    said = told.fails("copy", "--from", told.at("a.db"), "--to", url)
    told.run("copy", "--from", told.at("a.db"), "--to", url, "--to-log", told.at("b-log.db"))
    back = ("--from", url, "--from-log", told.at("b-log.db"), "--to", told.at("c.db"))
    told.run("copy", *back)

    assert "--to-log" in said
    assert server.password not in said
    assert told.lines("c.db") == told.lines("a.db")


def test_doctor_mends_a_graph_in_neo4j(told: Shell, neo4j_alone_line: Neo4j) -> None:
    server = neo4j_alone_line
    url = server.uri.replace("://", f"://{server.user}:{server.password}@")
    told.run("copy", "--from", told.at("a.db"), "--to", url, "--to-log", told.at("b-log.db"))
    there = ("--store", url, "--log", told.at("b-log.db"))
    with open_driver(server.uri, server.auth) as driver:
        driver.execute_query("MATCH (:MemoryEpisode)-[r:MENTIONS]->() DELETE r")
        driver.execute_query("CREATE (:Entity {name: 'of another tool'})")

    ill = told.run("doctor", *there, status=1)
    mended = told.run("doctor", "--repair", *there)
    well = told.run("doctor", *there)

    assert "1 episodes do not point to whom they mention" in ill.stdout
    assert "1 episodes point to whom they mention" in mended.stdout
    assert "All is well" in mended.stdout
    assert "All is well" in well.stdout
    assert "left alone: 1 Entity" in well.stdout
    assert "Porto" in told.run(*QUESTION, *there).stdout


def test_unfinished_graph_in_neo4j_is_not_opened(told: Shell, neo4j_alone_line: Neo4j) -> None:
    server = neo4j_alone_line
    url = server.uri.replace("://", f"://{server.user}:{server.password}@")
    there = ("--store", url, "--log", told.at("b-log.db"))
    stores = make_stores(url, told.at("b-log.db"))

    async def begin() -> None:
        await stores.graph.begin_restore()
        await stores.graph.close()
        await stores.log.close()

    asyncio.run(begin())

    for command in (("doctor",), ("doctor", "--repair"), QUESTION, ("export", "x.jsonl")):
        assert "half a memory" in told.fails(*command, *there)
    into = ("--to", url, "--to-log", told.at("b-log.db"))
    assert "half a memory" in told.fails("copy", "--from", told.at("a.db"), *into)


def test_pipe_from_one_to_the_other(told: Shell) -> None:
    out = told.run("export", "-", "--store", told.at("a.db"))
    assert "event " in out.stderr
    assert b"event   " not in out.stdout_bytes

    told.run("import", "-", "--store", told.at("b.db"), stdin=out.stdout_bytes)

    assert told.lines("b.db") == told.lines("a.db")


def test_mistakes_get_one_line(told: Shell) -> None:
    store, other = ("--store", told.at("a.db")), ("--store", told.at("b.db"))
    told.run("export", "m.jsonl", *store)
    (told.folder / "short.jsonl").write_bytes((told.folder / "m.jsonl").read_bytes()[:3000])

    assert "there already" in told.fails("export", "m.jsonl", *store)
    assert "there is no memory at" in told.fails("export", "n.jsonl", "--store", told.at("z.db"))
    assert not (told.folder / "z.db").exists()
    log = ("--from", told.at("a.db"), "--from-log", told.at("z.db"), "--to", told.at("b.db"))
    assert "there is no memory at" in told.fails("copy", *log)
    assert "not empty" in told.fails("import", "m.jsonl", *store)
    assert "cannot be read" in told.fails("import", "none.jsonl", *other)
    assert "line 1: this is no export" in told.fails("import", "chat.jsonl", *other)
    assert "cut short" in told.fails("import", "short.jsonl", *other)
    assert "line 1" in told.fails("import", "-", *other, stdin=b"")
    assert not (told.folder / "b.db").exists()


def test_memory_is_not_copied_onto_itself(told: Shell) -> None:
    here, spelt = told.at("a.db"), f"sqlite:///{told.folder}/./a.db"

    for there in (here, spelt, "sqlite:///a.db"):
        assert "onto itself" in told.fails("copy", "--from", here, "--to", there)
    into = ("--to", told.at("b.db"), "--to-log", spelt)
    assert "onto itself" in told.fails("copy", "--from", here, *into)


def test_progress_is_shown_on_a_terminal(told: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = told.run("export", "m.jsonl", "--store", told.at("a.db"))
    for room in (moving, options):
        monkeypatch.setattr(room, "err", Console(stderr=True, force_terminal=True))

    shown = told.run("import", "m.jsonl", "--store", told.at("b.db"))

    assert quiet.stderr == ""
    assert "\x1b[" in shown.stderr
    assert "event" in shown.stderr


# killed


def child(line: Connection, file: str, url: str, log: str | None) -> None:
    """Import, a few records at a time, and wait at every step to be told to go on."""
    transfer._BATCH = 16

    def say(kind: str, count: int) -> None:
        line.send_bytes(f"{kind} {count}".encode())
        line.recv_bytes()

    async def run() -> None:
        stores = make_stores(url, log)
        with transfer.opened(file) as source:
            await transfer.import_memory(source, stores, progress=say)
        await stores.graph.close()
        await stores.log.close()
        line.send_bytes(b"")

    asyncio.run(run())


def begun(file: Path, url: str, steps: int, log: str | None = None) -> list[str]:
    """Kill an import after so many steps; return what it had said."""
    line, theirs = FORK.Pipe()
    process = FORK.Process(target=child, args=(theirs, str(file), url, log), daemon=True)
    process.start()
    theirs.close()
    said: list[str] = []
    while len(said) < steps and (word := line.recv_bytes().decode()):
        said.append(word)
        if len(said) < steps:
            line.send_bytes(b"go on")
    process.kill()
    process.join()
    line.close()
    return said


@pytest.mark.kill
def test_killed_import_is_known_for_half_a_memory(shell: Shell) -> None:
    async def fill() -> None:
        async with open_memory(str(shell.folder / "lived.db")) as memory:
            await live(memory)

    asyncio.run(fill())
    shell.run("export", "m.jsonl", "--store", shell.at("lived.db"))
    every = begun(shell.folder / "m.jsonl", shell.at("whole.db"), 1 << 30)
    writing = [n for n, word in enumerate(every, 1) if len(word.split(" ")) == 2]
    reading_back = range(writing[-1] + 1, len(every) + 1)
    steps = [*writing[:: len(writing) // 3], writing[-1], reading_back[0], reading_back[-1]]

    for number, step in enumerate(steps):
        path = shell.folder / f"{number}.db"
        there = ("--store", shell.at(path.name))
        assert begun(shell.folder / "m.jsonl", shell.at(path.name), step) == every[:step]

        for command in (("doctor",), ("export", "x.jsonl"), ("import", "m.jsonl")):
            assert "holds half a memory" in shell.fails(*command, *there), every[step - 1]
        for left in shell.folder.glob(f"{path.name}*"):
            left.unlink()
        shell.run("import", "m.jsonl", *there)
        assert shell.lines(path.name) == shell.lines("lived.db")

    begun(shell.folder / "m.jsonl", shell.at("early.db"), 1)
    assert not (shell.folder / "early.db").exists(), "killed while the file was looked through"


@pytest.mark.kill
@pytest.mark.timeout(300)
@pytest.mark.parametrize("neo4j_alone_line", ["2026"], indirect=True)
def test_killed_import_into_neo4j_is_known_for_half_a_memory(
    shell: Shell, neo4j_alone_line: Neo4j
) -> None:
    async def fill() -> None:
        async with open_memory(str(shell.folder / "lived.db")) as memory:
            await live(memory)

    asyncio.run(fill())
    shell.run("export", "m.jsonl", "--store", shell.at("lived.db"))
    server = neo4j_alone_line
    url = server.uri.replace("://", f"://{server.user}:{server.password}@")
    whole = begun(shell.folder / "m.jsonl", shell.at("whole.db"), 1 << 30)
    writing = [n for n, word in enumerate(whole, 1) if len(word.split(" ")) == 2]

    for number, step in enumerate((writing[len(writing) // 2], len(whole))):
        log = shell.at(f"log{number}.db")
        begun(shell.folder / "m.jsonl", url, step, log)

        for command in (("doctor",), ("export", "x.jsonl")):
            assert "half a memory" in shell.fails(*command, "--store", url, "--log", log)
        assert "half a memory" in shell.fails("import", "m.jsonl", "--store", url, "--log", log)
        with open_driver(server.uri, server.auth) as driver:  # as the error says
            driver.execute_query(
                "MATCH (n) WHERE any(l IN labels(n) WHERE l STARTS WITH 'Memory') DETACH DELETE n"
            )
        for left in shell.folder.glob(f"log{number}.db*"):
            left.unlink()
    shell.run("import", "m.jsonl", "--store", url, "--log", shell.at("log.db"))
    back = ("--from", url, "--from-log", shell.at("log.db"), "--to", shell.at("back.db"))
    shell.run("copy", *back)
    assert sorted(shell.lines("back.db")) == sorted(shell.lines("lived.db"))

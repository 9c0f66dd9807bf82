"""The server for a person, as its own process."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from graphmem import browser
from graphmem.testing.neo4j.__main__ import PASSWORD, main
from graphmem.testing.neo4j.server import open_driver
from tests.neo4j_servers import Neo4j


@pytest.mark.timeout(300)
def test_server_for_a_person(tmp_path: Path, neo4j_2026: Neo4j) -> None:
    """It is set up and filled as told, says where it is, and stops on Ctrl-C."""
    fill = [sys.executable, "-c", "import sys; print('filled', sys.argv[1])", "{uri}"]
    command = [sys.executable, "-m", "graphmem.testing.neo4j", "--folder", str(tmp_path)]
    command += ["--setting", browser.setting(None), "--"]

    with subprocess.Popen(
        [*command, *fill], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C stops it" in line:
                break
        bolt = re.search(r"Bolt +(\S+)", said)
        assert bolt is not None, said
        with open_driver(bolt[1], ("neo4j", PASSWORD)) as driver:
            asked = "SHOW SETTINGS 'browser.post_connect_cmd' YIELD value"
            found = driver.execute_query(asked).records[0]["value"]
        process.send_signal(signal.SIGINT)
        last = process.stdout.read()

    assert f"browser.post_connect_cmd={found}" == browser.setting(None)
    assert f"filled bolt://neo4j:{PASSWORD}@" in said
    assert re.search(r"Browser +http://\S+/browser/", said)
    assert (last, process.returncode) == ("\nstopping ...\n", 0)


def test_java_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"25\" 2025-09-16' >&2\n", "utf-8")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    assert main(["--find-java"]) == 0
    assert capsys.readouterr().out == f"{java}\n"

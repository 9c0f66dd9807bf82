"""One local Neo4j server: a folder, two loopback ports, a process.

Does not know tests, and nothing of what is stored. The calls block; each waits for what it says,
up to a deadline.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import neo4j
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from graphmem.testing.neo4j import guard
from graphmem.testing.neo4j.errors import StartFailed
from graphmem.testing.neo4j.jars import RELEASES, Line, jars
from graphmem.testing.neo4j.java import find_java
from graphmem.testing.neo4j.places import java_programs

USER: Final = "neo4j"
_FIRST_PASSWORD: Final = "neo4j"
_HOST: Final = "127.0.0.1"
# What the server's own launcher passes; without these it is slow, or does not start at all.
_JAVA: Final = (
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "-XX:+ExitOnOutOfMemoryError",
    # Small heap, few cores: fewer threads and a quicker start than with G1.
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
)
# Lucene compares vectors faster with it. Not every Java has it.
_VECTOR_MODULE: Final = "jdk.incubator.vector"
_LOOK_EVERY_S: Final = 0.1
_TAIL_BYTES: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files for Bolt; the certificate must be for 127.0.0.1, by which the server goes."""

    private_key: Path
    certificate: Path


class Server:
    """A Neo4j Community server with its store in ``home``; stopped when ``owner`` ends.

    ``owner`` is a pid, by default our own. Free ports are chosen once, so that a server started
    again is where it was; ``settings`` are lines of neo4j.conf and win over ours. ``home`` may hold
    the store of an earlier server, and then has that one's password. One that is ``short_lived``
    starts for half the CPU, and its queries never get as fast as others' do.
    """

    def __init__(
        self,
        home: Path,
        *,
        line: Line = "2026",
        password: str = "graphmem",
        bolt_port: int | None = None,
        http_port: int | None = None,
        heap_mb: int = 768,
        page_cache_mb: int = 256,
        tls: Tls | None = None,
        settings: Mapping[str, str] | None = None,
        owner: int | None = None,
        short_lived: bool = False,
    ) -> None:
        self.home = home.absolute()
        self.line: Line = line
        self.user = USER
        self.password = password
        self.bolt_port = bolt_port or free_port()
        self.http_port = http_port or free_port()
        self.pid: int | None = None
        self._heap_mb = heap_mb
        self._page_cache_mb = page_cache_mb
        self._tls = tls
        self._settings = dict(settings or {})
        self._owner = owner or os.getpid()
        self._short_lived = short_lived

    @property
    def address(self) -> str:
        """Host and port of Bolt."""
        return f"{_HOST}:{self.bolt_port}"

    @property
    def uri(self) -> str:
        """Bolt's URI; with TLS one that checks the certificate."""
        return f"{'bolt+s' if self._tls else 'bolt'}://{self.address}"

    @property
    def browser(self) -> str:
        """Where a person looks at it."""
        return f"http://{_HOST}:{self.http_port}/browser/"

    @property
    def log(self) -> Path:
        """What the process printed, of all its starts."""
        return self.home / "output.log"

    def start(self, *, timeout_s: float = 180) -> Self:
        """Start it and return when it answers a query; StartFailed shows the end of its logs.

        The time to fetch the jars, once, is not counted. CannotRun where Java or Maven is missing.
        """
        if self.pid is not None and lives(self.pid):
            return self
        command = self._command()
        self._configure()
        launch = [sys.executable, "-I", guard.__file__, str(self._owner), str(self.log), *command]
        started = subprocess.run(launch, capture_output=True, text=True, timeout=60, check=False)
        if started.returncode != 0:
            raise StartFailed(f"{started.stderr.strip()}\n{self._tail()}")
        self.pid = int(started.stdout)
        try:
            self._wait(self.pid, time.monotonic() + timeout_s)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, *, grace_s: float = 30) -> None:
        """Stop it as a service manager does, and by force after ``grace_s``; twice is allowed."""
        if self.pid is not None:
            end(self.pid, grace_s=grace_s)
            self.pid = None

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash does."""
        self.stop(grace_s=0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _command(self) -> list[str]:
        release = RELEASES[self.line]
        java = find_java(java_programs(), release.java)
        modules = ["--add-modules", _VECTOR_MODULE] if _VECTOR_MODULE in java.modules else []
        heap = f"{self._heap_mb}m"
        return [
            str(java.program),
            f"-Xms{heap}",
            f"-Xmx{heap}",
            *_JAVA,
            # Jetty unpacks the Browser there and leaves the folder behind when it is killed.
            f"-Djava.io.tmpdir={self.home / 'tmp'}",
            *(["-XX:TieredStopAtLevel=1"] if self._short_lived else []),
            *modules,
            *release.java_arguments,
            "-cp",
            f"{jars(self.line)}/*",
            release.main_class,
            f"--home-dir={self.home}",
            f"--config-dir={self.home / 'conf'}",
        ]

    def _configure(self) -> None:
        lines = {
            "server.default_listen_address": _HOST,
            "server.bolt.listen_address": f"{_HOST}:{self.bolt_port}",
            "server.bolt.advertised_address": f"{_HOST}:{self.bolt_port}",
            "server.http.listen_address": f"{_HOST}:{self.http_port}",
            "server.http.advertised_address": f"{_HOST}:{self.http_port}",
            "server.memory.pagecache.size": f"{self._page_cache_mb}m",
            # Half a gigabyte of zeros, otherwise, before the first write.
            "db.tx_log.preallocate": "false",
            # Ten seconds, otherwise, in which it waits for nobody after its databases are closed.
            "internal.dbms.bolt.netty_server_shutdown_quiet_period": "0",
            "internal.server.bolt.thread_pool_shutdown_wait_time": "0s",
            "dbms.usage_report.enabled": "false",
            "client.allow_telemetry": "false",
        }
        if self._tls is not None:
            folder = self.home / "certificates"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "private.key").write_bytes(self._tls.private_key.read_bytes())
            (folder / "public.crt").write_bytes(self._tls.certificate.read_bytes())
            lines |= {
                "server.bolt.tls_level": "REQUIRED",
                "dbms.ssl.policy.bolt.enabled": "true",
                "dbms.ssl.policy.bolt.base_directory": str(folder),
                "dbms.ssl.policy.bolt.private_key": "private.key",
                "dbms.ssl.policy.bolt.public_certificate": "public.crt",
                "dbms.ssl.policy.bolt.client_auth": "NONE",
            }
        lines |= self._settings
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        shutil.rmtree(self.home / "tmp", ignore_errors=True)
        for folder in ("conf", "tmp"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "conf" / "neo4j.conf").write_text(text, "utf-8")

    def _wait(self, pid: int, deadline: float) -> None:
        said: Exception | None = None
        while lives(pid):
            try:
                if _listens(self.bolt_port):
                    self._greet()
                    return
            except AuthError as error:
                raise StartFailed(f"the store in {self.home} has another password") from error
            except (DriverError, Neo4jError) as error:
                # Bolt listens before the databases are there.
                said = error
            if time.monotonic() > deadline:
                raise StartFailed(f"the server does not answer: {said!r}\n{self._tail()}")
            time.sleep(_LOOK_EVERY_S)
        raise StartFailed(f"the server has ended\n{self._tail()}")

    def _greet(self) -> None:
        """Set the password if the store is new, and run a query."""
        claimed = self.home / "claimed"
        if not claimed.exists():
            # A store whose password was set just before a crash refuses the first one.
            with contextlib.suppress(AuthError), self._driver(_FIRST_PASSWORD) as driver:
                driver.execute_query(
                    "ALTER CURRENT USER SET PASSWORD FROM $old TO $new",
                    {"old": _FIRST_PASSWORD, "new": self.password},
                    database_="system",
                )
        with self._driver(self.password) as driver:
            driver.execute_query("RETURN 1")
        claimed.touch()

    def _driver(self, password: str) -> neo4j.Driver:
        # Of our own server the certificate need not be checked.
        scheme = "bolt+ssc" if self._tls else "bolt"
        return open_driver(f"{scheme}://{self.address}", (self.user, password))

    def _tail(self) -> str:
        logs = (self.log, self.home / "logs" / "neo4j.log", self.home / "logs" / "debug.log")
        return "\n".join(f"--- {log}\n{_end_of(log)}" for log in logs if log.exists())


def open_driver(uri: str, auth: tuple[str, str] | None) -> neo4j.Driver:
    """Return a driver that reports what fails at once and tries nothing again."""
    return neo4j.GraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]  its **config
        uri, auth=auth, connection_timeout=5, max_transaction_retry_time=0
    )


def free_port(wanted: int | None = None) -> int:
    """Return a loopback port that nobody listens on: the one that is wanted, if it is free.

    Others are below the range that systems hand out themselves: so nobody is given it by chance
    while the server that it is for is not, or not yet, there.
    """
    if wanted is not None and not _listens(wanted):
        return wanted
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if not _listens(port):
            return port


def lives(pid: int) -> bool:
    """Say whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def gone(pid: int, *, within_s: float) -> bool:
    """Wait for a process to end; False if it does not in time."""
    deadline = time.monotonic() + within_s
    while lives(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def end(pid: int, *, grace_s: float = 30) -> None:
    """End a server's process, also one that another process started; return when it is gone."""
    for sign, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 30.0)):
        if patience_s <= 0:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        if gone(pid, within_s=patience_s):
            return
    raise TimeoutError(f"process {pid} does not end")


def _listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        return client.connect_ex((_HOST, port)) == 0


def _end_of(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace")

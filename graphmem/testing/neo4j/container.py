"""One Neo4j server in Docker, by testcontainers (a development dependency).

Does not end with its owner, as a local server does: whoever starts one removes it.
"""

# docker and docker.errors have no types, and most of what they return is unknown.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import docker
from docker.errors import DockerException, NotFound
from testcontainers.community.neo4j import Neo4jContainer
from testcontainers.core.config import testcontainers_config

from graphmem.testing.neo4j.errors import CannotRun
from graphmem.testing.neo4j.jars import Line, version

_BOLT: Final = 7687
_HTTP: Final = 7474
_PING: Final = "import docker; docker.from_env(timeout=10).ping()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A server that is up: its id in Docker, and where it is."""

    id: str
    uri: str
    browser: str


def start(
    line: Line,
    *,
    password: str,
    fixed: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Container:
    """Start one and return when it answers.

    ``fixed``: on Neo4j's usual ports, with its data in a volume that outlives it. CannotRun where
    no engine answers or the image cannot be had.
    """
    _reach()
    try:
        # Its reaper ends containers with the process that started them; ours serve others too.
        testcontainers_config.ryuk_disabled = True
        made = Neo4jContainer(f"neo4j:{version(line)}", username="neo4j", password=password)
        made.with_exposed_ports(_HTTP)
        if fixed:
            made.with_bind_ports(_BOLT, _BOLT).with_bind_ports(_HTTP, _HTTP)
            made.with_volume_mapping(f"graphmem-neo4j-{line}", "/data", "rw")
        made.with_env("NEO4J_dbms_usage__report_enabled", "false")
        made.with_env("NEO4J_client_allow__telemetry", "false")
        made.with_env("NEO4J_server_memory_heap_max__size", "768m")
        made.with_env("NEO4J_server_memory_pagecache_size", "256m")
        for name, value in (settings or {}).items():
            made.with_env(f"NEO4J_{name.replace('_', '__').replace('.', '_')}", value)
        try:
            made.start()
        except BaseException:
            made.stop()
            raise
    except DockerException as error:
        raise CannotRun(f"Docker: {error}") from error
    browser = f"http://{made.get_container_host_ip()}:{made.get_exposed_port(_HTTP)}/browser/"
    return Container(
        id=str(made.get_wrapped_container().id), uri=made.get_connection_url(), browser=browser
    )


def remove(container_id: str) -> None:
    """Remove a container with its anonymous volumes; one that is gone is no error."""
    with contextlib.closing(docker.from_env(timeout=60)) as engine, contextlib.suppress(NotFound):
        engine.containers.get(container_id).remove(force=True, v=True)


def _reach() -> None:
    # In a process of its own: where nothing listens, the library leaves an open socket behind, and
    # the warning about that would strike whichever test runs at the time.
    ping = [sys.executable, "-W", "ignore", "-c", _PING]
    done = subprocess.run(ping, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise CannotRun(f"Docker: {done.stderr.strip().splitlines()[-1]}")

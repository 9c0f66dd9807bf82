"""The fixtures themselves, as far as they start nothing."""

import pytest

from graphmem.testing.neo4j.errors import CannotRun
from tests.neo4j_servers import Neo4j, given, parse, refuse


def test_uri_gives_user_and_password() -> None:
    assert parse("neo4j+s://ada:p%40ss@example.org:7688", "2026") == Neo4j(
        uri="neo4j+s://example.org:7688", user="ada", password="p@ss", line="2026"
    )


def test_uri_without_user_asks_for_none() -> None:
    server = parse("bolt://127.0.0.1:7687", "5.26")

    assert (server.uri, server.auth) == ("bolt://127.0.0.1:7687", None)


def test_own_uri_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMEM_TEST_NEO4J_URI", "bolt://any:x@127.0.0.1:1")
    monkeypatch.setenv("GRAPHMEM_TEST_NEO4J_526_URI", "bolt://own:y@127.0.0.1:2")

    server = given("5.26")

    assert server is not None
    assert (server.uri, server.auth) == ("bolt://127.0.0.1:2", ("own", "y"))


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_missing_server_is_loud(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="no Java"):
        refuse(CannotRun("no Java"))


def test_users_are_marked(request: pytest.FixtureRequest, neo4j_line: Neo4j) -> None:
    assert request.node.get_closest_marker("neo4j")

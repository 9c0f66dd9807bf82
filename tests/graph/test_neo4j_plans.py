"""How the statements of the hot path are carried out: by indexes, whatever the size of a scope."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import pytest

from graphmem.graph import neo4j_candidates as candidates
from graphmem.graph import neo4j_rows as rows
from graphmem.graph.neo4j import _CYPHER, Neo4jGraphStore
from graphmem.graph.neo4j_schema import server_of
from graphmem.models import CandidateQuery, Scope
from graphmem.testing.memories import EMBEDDER, LATE, MODEL, ask, day, make_harbour
from graphmem.testing.neo4j.server import open_driver
from tests.graph.test_neo4j import connect
from tests.neo4j_servers import Neo4j

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]

HUB = 50_000
MANY = """
UNWIND range(1, $n) AS i
CALL (i) {
  CREATE (f:MemoryFact)
  SET f += $same, f.id = $same.scope + '-' + i, f.slot = $same.scope + i,
    f.recorded_at = $same.valid_from + duration({seconds: i})
} IN TRANSACTIONS OF 2000 ROWS
"""
GONE = """
MATCH (f:MemoryFact) WHERE f.scope = $scope AND f.retired_at IS NOT NULL
CALL (f) { DETACH DELETE f } IN TRANSACTIONS OF 2000 ROWS
"""
SCANS = {"AllNodesScan", "NodeByLabelScan", "UnionNodeByLabelsScan"}


@dataclass(frozen=True)
class Step:
    name: str
    rows: int
    hits: int


@dataclass(frozen=True)
class Planned:
    """One server, and how a statement of ours is carried out there."""

    server: Neo4j
    store: Neo4jGraphStore
    prefix: str
    filtered: bool

    def profile(self, name: str, keys: Mapping[str, Any]) -> list[Step]:
        if name == "read/candidates":
            text = candidates.statement_of(_CYPHER, filtered=self.filtered)
        else:
            text = _CYPHER[name]
        text = text.replace("__slot__", "a").replace("__reach__", "2")
        with open_driver(self.server.uri, self.server.auth) as driver, driver.session() as session:
            plan = (
                session.run(cast(LiteralString, f"{self.prefix}PROFILE {text}"), dict(keys))
                .consume()
                .profile
            )
        assert plan is not None
        return list(steps(plan))

    def run(self, text: str, **keys: Any) -> None:
        with open_driver(self.server.uri, self.server.auth) as driver, driver.session() as session:
            session.run(cast(LiteralString, text), keys).consume()


def steps(plan: Mapping[str, Any]) -> Iterator[Step]:
    yield Step(plan["operatorType"].split("@")[0], plan.get("rows", 0), plan.get("dbHits", 0))
    for child in plan.get("children", ()):
        yield from steps(child)


@pytest.fixture
async def planned(neo4j_line: Neo4j) -> AsyncIterator[Planned]:
    connection = connect(neo4j_line)
    store = Neo4jGraphStore(connection)
    try:
        await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        server = await server_of(connection, _CYPHER)
        yield Planned(neo4j_line, store, server.prefix, server.filtered)
    finally:
        await store.close()


def keys_of(planned: Planned, scope: Scope, query: CandidateQuery) -> dict[str, Any]:
    dimension = EMBEDDER.dimension if planned.filtered else None
    keys = candidates._keys([scope], query, dimension=dimension)
    return keys | {"exact": False, "few": 300, "episode_over": 400, "fact_over": 400}


async def test_recall_scans_nothing(planned: Planned, request: pytest.FixtureRequest) -> None:
    scope = Scope(app="plans", user=f"{request.node.name}-{id(planned)}")
    harbour = await make_harbour(planned.store, scope)
    keys = keys_of(planned, scope, await ask("harbour rum", "harbour", neighbours=2))

    done = await asyncio.to_thread(planned.profile, "read/candidates", keys)
    assert SCANS.isdisjoint(step.name for step in done)
    assert not any("RelationshipTypeScan" in step.name for step in done)
    small = {
        "read/memories": {"ids": [harbour.owns.id], "known_at": LATE},
        "read/entities_by_name": {"names": ["ada"]},
        "read/versions": {},
        "read/periods": {"as_of": LATE, "known_at": LATE},
        "read/history": {"id": harbour.owns.id},
    }
    for name, more in small.items():
        done = await asyncio.to_thread(planned.profile, name, {"scopes": [scope.key]} | more)
        assert SCANS.isdisjoint(step.name for step in done), name


async def test_hub_is_read_by_its_index(planned: Planned, request: pytest.FixtureRequest) -> None:
    """The newest of 50,000 facts of one entity, and nothing sorted but what is kept."""
    scope = Scope(app="plans", user=f"{request.node.name}-{id(planned)}")
    hub = f"hub of {scope.key}"
    same: dict[str, Any] = {
        "scope": scope.key,
        "subject_id": hub,
        "predicate": "likes",
        "text": "goat",
    }
    same |= {"status": "active", "support": "[]", "terms": "goat", "type": "semantic"}
    same |= {"source_class": "user_direct", "origin": "implicit", "contradicts": []}
    same |= {"retired_at": rows.FOREVER_AT, "valid_to": rows.FOREVER_AT, "valid_from": day(0)}
    same |= {"importance": 0.5, "confidence": 0.8}
    await asyncio.to_thread(planned.run, MANY, n=HUB, same=same)
    try:
        keys = {
            "scopes": [scope.key],
            "entity_ids": [hub],
            "as_of": LATE,
            "alive": LATE,
            "known_at": LATE,
            "predicates": None,
            "limit": 100,
        }
        done = await asyncio.to_thread(planned.profile, "read/neighbourhood", keys)
        page = await planned.store.neighbourhood([scope], [hub], as_of=LATE, known_at=LATE)
    finally:
        await asyncio.to_thread(planned.run, GONE, scope=scope.key)

    assert SCANS.isdisjoint(step.name for step in done)
    assert max(step.rows for step in done) <= 1000
    assert sum(step.hits for step in done) <= 20_000, "bounded by what is asked for"
    assert all(step.rows <= 1000 for step in done if "Sort" in step.name)
    newest = [f"{scope.key}-{n}" for n in range(HUB, HUB - 100, -1)]
    assert [fact.id for fact in page.facts] == newest

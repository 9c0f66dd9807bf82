"""A graph in Neo4j that somebody has damaged by hand: what the doctor says, and what is mended."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import pytest

from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.models import Filter, KnownQuery, Scope
from graphmem.testing.memories import (
    EMBEDDER,
    LATE,
    MODEL,
    Harbour,
    ask,
    make_episode,
    make_harbour,
    save,
)
from graphmem.testing.moving import Kinds, kept
from graphmem.testing.neo4j.server import open_driver
from tests.graph.test_neo4j import connect
from tests.neo4j_servers import Neo4j

pytestmark = pytest.mark.neo4j

ADA: Final = Scope(app="damaged", user="ada")

# What somebody does, and what the doctor says of it.
DAMAGES: Final[dict[str, tuple[LiteralString, str]]] = {
    "links to episodes cut": (
        "MATCH (:MemoryFact)-[r:FROM]->() DELETE r",
        "fact versions are not linked",
    ),
    "link to a subject cut": (
        "MATCH (:MemoryFact {predicate: 'owns'})-[r:SUBJECT]->() DELETE r",
        "1 fact versions are not linked",
    ),
    "link to another object": (
        "MATCH (f:MemoryFact {predicate: 'likes'}), (n:MemoryEntity {name: 'Ines'}) "
        "CREATE (f)-[:OBJECT]->(n)",
        "1 fact versions are not linked",
    ),
    "link into another scope": (
        "MATCH (f:MemoryFact {predicate: 'likes'}) "
        "CREATE (f)-[:SUBJECT]->(:MemoryEntity:Memory:MemoryPerson "
        "{id: 'x', scope: 'y', key: 'x', name: 'x'})",
        "linked to what is of another scope",
    ),
    "shortcuts cut": (
        "MATCH (:MemoryEntity)-[r:OWNS]->() DELETE r",
        "1 facts that hold are not drawn",
    ),
    "shortcut for what has ended": (
        "MATCH (a:MemoryEntity {name: 'Ada'}), (b:MemoryEntity {name: 'Ines'}), "
        "(f:MemoryFact {predicate: 'sails'}) "
        "CREATE (a)-[:SAILS {fact_id: f.id, predicate: 'sails'}]->(b)",
        "stand for facts that do not hold",
    ),
    "shortcut the wrong way": (
        "MATCH (a:MemoryEntity {name: 'Ada'})-[r:OWNS]->(b) "
        "CREATE (b)-[:OWNS {fact_id: r.fact_id, predicate: 'owns'}]->(a)",
        "stand for facts that do not hold",
    ),
    "mentions cut": (
        "MATCH (:MemoryEpisode)-[r:MENTIONS]->() DELETE r",
        "2 episodes do not point to whom they mention",
    ),
    "chain cut": (
        "MATCH (:MemoryEpisode)-[r:NEXT]->() DELETE r",
        "1 episodes do not lead to the next",
    ),
    "chain bent": (
        "MATCH (a:MemoryEpisode {session_id: 's1'}), (b:MemoryEpisode {session_id: 's2'}) "
        "CREATE (a)-[:NEXT]->(b)",
        "2 episodes do not lead to the next",
    ),
    "slots and spans gone": (
        "MATCH (e:MemoryEpisode) REMOVE e.slot, e.spans",
        "2 episodes do not know since when",
    ),
    "text of an episode changed": (
        "MATCH (e:MemoryEpisode {session_id: 's1'}) "
        "SET e.candidate = replace(e.candidate, 'harbour', 'prison')",
        "episodes are recalled otherwise",
    ),
    "text of a fact gone": (
        "MATCH (f:MemoryFact {predicate: 'owns'}) REMOVE f.candidate",
        "1 fact versions are recalled otherwise",
    ),
    "names gone": (
        "MATCH (m:MemoryName) DETACH DELETE m",
        "2 entities are not found by their names",
    ),
    "kind gone": (
        "MATCH (n:MemoryThing) REMOVE n:MemoryThing",
        "1 entities are not found",
    ),
    "name of nobody": (
        "CREATE (:MemoryName {scope: 'x', name: 'y'})",
        "1 names are borne by nobody",
    ),
    "window of nothing": (
        "CREATE (:MemoryChunk:MemoryWindow {scope: 'x'})",
        "1 vectors belong to nothing",
    ),
    "index dropped": (
        "DROP INDEX memory_episode_chain",
        "index memory_episode_chain is missing",
    ),
    "constraint dropped": (
        "DROP CONSTRAINT memory_entity_key",
        "index memory_entity_key is missing",
    ),
}


@dataclass
class Damaged:
    """A graph that holds a little, and a way past it."""

    store: Neo4jGraphStore
    server: Neo4j
    harbour: Harbour

    def run(self, statement: LiteralString, **keys: Any) -> list[dict[str, Any]]:
        with open_driver(self.server.uri, self.server.auth) as driver:
            return [r.data() for r in driver.execute_query(statement, keys).records]

    async def answers(self) -> list[Any]:
        """Return what it answers to some questions, and all that it holds."""
        h = self.harbour
        query = await ask("harbour rum", near="harbour", neighbours=1)
        pool = await self.store.candidates([ADA], query)
        told: Kinds = await kept(self.store.export())
        known = KnownQuery(names=("ines",), mentioned=("ada",), episode_ids=(h.first.id,))
        return [
            sorted(pool.candidates, key=lambda c: c.id),
            await self.store.named([ADA], ["ada", "ines"]),
            await self.store.neighbourhood([ADA], [h.ines.id], as_of=LATE, known_at=LATE),
            await self.store.known(ADA, known),
            await self.store.list([ADA], "fact", Filter(session="s1")),
            told,
        ]


@pytest.fixture
async def damaged(neo4j_alone_line: Neo4j) -> AsyncIterator[Damaged]:
    store = Neo4jGraphStore(connect(neo4j_alone_line))
    await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
    harbour = await make_harbour(store, ADA)
    await save(store, ADA, make_episode(ADA, 3, "and then the harbour was quiet"))
    yield Damaged(store, neo4j_alone_line, harbour)
    await store.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("neo4j_alone_line", ["2026"], indirect=True)
async def test_what_is_derived_is_mended(damaged: Damaged) -> None:
    """One after the other in one database: to make one anew for each would take minutes."""
    store = damaged.store
    before = await damaged.answers()
    assert await store.check() == []
    assert await store.repair() == []

    for name, (statement, complaint) in DAMAGES.items():
        damaged.run(statement)

        said = await store.check()
        done = await store.repair()

        assert [s for s in said if complaint in s], (name, said)
        assert len(done) >= 1, name
        damaged.run("MATCH (n:MemoryEntity {id: 'x'}) DETACH DELETE n")
        assert await store.check() == [], name
        assert await store.repair() == [], name
    assert await damaged.answers() == before


async def test_all_at_once_is_mended(damaged: Damaged) -> None:
    before = await damaged.answers()
    for name in ("links to episodes cut", "shortcuts cut", "mentions cut", "names gone"):
        damaged.run(DAMAGES[name][0])
    damaged.run(DAMAGES["slots and spans gone"][0])
    version = await damaged.store.version([ADA])

    done = await damaged.store.repair()

    assert len(done) >= 4  # with a fact come the episodes that it rests on
    assert await damaged.store.check() == []
    assert await damaged.answers() == before
    assert await damaged.store.version([ADA]) > version, "no cache keeps what it was"


async def test_others_write_meanwhile(damaged: Damaged) -> None:
    store = damaged.store
    for name in ("links to episodes cut", "chain cut", "mentions cut", "names gone"):
        damaged.run(DAMAGES[name][0])
    ended = asyncio.Event()

    async def write() -> None:
        for seq in range(10, 25):
            await save(store, ADA, make_episode(ADA, seq, f"harbour talk {seq}"))
        ended.set()

    async def mend() -> None:
        while not ended.is_set():
            await store.repair()

    await asyncio.gather(write(), mend(), mend())

    assert await store.check() == []
    assert await store.repair() == []
    chain = damaged.run("MATCH p = (:MemoryEpisode)-[:NEXT*]->(e {seq: 24}) RETURN length(p) AS n")
    assert max(row["n"] for row in chain) == 16, "seq 1, 3, and 10 to 24"


async def test_wrong_dimension_of_an_index(damaged: Damaged) -> None:
    (index,) = [
        row["name"]
        for row in damaged.run("SHOW INDEXES YIELD name, type WHERE type = 'VECTOR' RETURN name")
        if row["name"].startswith("memory_fact") and row["name"].endswith("_a")
    ]
    damaged.run("DROP INDEX $name", name=index)
    damaged.run(
        "CREATE VECTOR INDEX $name FOR (n:MemoryFact) ON n.embedding_a "
        "OPTIONS {indexConfig: {`vector.dimensions`: 7}}",
        name=index,
    )

    said = await damaged.store.check()
    await damaged.store.repair()

    assert said == [
        f"index {index} is for vectors of 7 dimensions; those of {MODEL!r} have "
        f"{EMBEDDER.dimension}"
    ]
    assert await damaged.store.check() == []


async def test_rest_is_mended_where_a_rule_cannot_be(damaged: Damaged) -> None:
    damaged.run(DAMAGES["constraint dropped"][0])
    damaged.run(
        "MATCH (n:MemoryEntity {name: 'Ada'}) CREATE (m:MemoryEntity) SET m = n {.*, id: 'twice'}"
    )
    damaged.run(DAMAGES["mentions cut"][0])

    done = await damaged.store.repair()

    assert [s for s in done if "memory_entity_key cannot be made" in s]
    assert "2 episodes point to whom they mention" in done
    assert [s for s in await damaged.store.check() if "memory_entity_key is missing" in s]
    damaged.run("MATCH (n:MemoryEntity {id: 'twice'}) DETACH DELETE n")
    await damaged.store.repair()
    assert await damaged.store.check() == []


async def test_what_cannot_be_derived_is_told_again(damaged: Damaged) -> None:
    damaged.run("MATCH (n:MemoryEpisode {seq: 1}) REMOVE n.scope")

    before = await damaged.store.check()
    await damaged.store.repair()

    assert [s for s in before if "lack a key" in s]
    assert [s for s in await damaged.store.check() if "lack a key" in s]


async def test_data_of_others_is_let_be(damaged: Damaged) -> None:
    damaged.run("CREATE CONSTRAINT theirs FOR (n:Entity) REQUIRE n.id IS UNIQUE")
    damaged.run("CREATE INDEX theirs_too FOR (n:Entity) ON n.name")
    damaged.run(
        "UNWIND range(1, 20) AS i CREATE (a:Entity {id: i, name: 'Ada', scope: $scope})"
        "-[:RELATES {fact_id: i}]->(:Fact:Episode {id: i, valid_to: null, embedding_a: [0.5]})",
        scope=ADA.key,
    )
    theirs: LiteralString = (
        "MATCH (n) WHERE n:Entity OR n:Fact OPTIONAL MATCH (n)-[r]->() "
        "RETURN labels(n) AS labels, properties(n) AS of, properties(r) AS relates "
        "ORDER BY labels(n)[0], n.id"
    )
    rules: LiteralString = "SHOW CONSTRAINTS YIELD name, labelsOrTypes RETURN *"
    before, ruled = damaged.run(theirs), damaged.run(rules)
    answers = await damaged.answers()
    damaged.run(DAMAGES["mentions cut"][0])

    await damaged.store.repair()

    assert await damaged.store.check() == []
    assert list(await damaged.store.remarks()) == [
        "other nodes than graphmem's are in this database, and left alone: "
        "20 Entity, 20 Episode, 20 Fact"
    ]
    assert damaged.run(theirs) == before
    assert damaged.run(rules) == ruled
    assert await damaged.answers() == answers


async def test_nothing_else_is_nothing_to_remark(damaged: Damaged) -> None:
    assert list(await damaged.store.remarks()) == []

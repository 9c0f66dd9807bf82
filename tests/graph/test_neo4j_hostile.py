"""What means something to Cypher or Lucene is but a word; what is others' stays as it was."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from graphmem.errors import GraphmemError
from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.models import Event, Scope, TextPart
from graphmem.testing.memories import (
    EMBEDDER,
    LATE,
    MODEL,
    make_assertion,
    make_change,
    make_entity,
    make_episode,
    make_fact,
    save,
)
from graphmem.testing.neo4j.server import open_driver
from tests.graph.test_neo4j import connect
from tests.memory import NOW, Memory, open_memory
from tests.neo4j_servers import Neo4j

pytestmark = pytest.mark.neo4j

WORDS = [
    "\\u0060",
    "\\u0027 OR 1=1 //",
    "`x`) DETACH DELETE n //",
    "}) DETACH DELETE n //",
    "'; MATCH (n) DETACH DELETE n; //",
    '"quoted" \\"twice\\"',
    "$scope {x: 1} :MemoryEntity",
    "MemoryEntity",
    "Entity:Person",
    "terms:goat AND NOT scope:x*",
    "+(a -b) [a TO z] /.*/ a~2 ^4 && || !",
    "AND",
    "\u202egnirts\u202c \u200b\U0001f9c0",
]


@pytest.fixture
def ada() -> Scope:
    return Scope(app="hostile", user=f"ada {secrets.token_hex(8)}", session="s1")


@pytest.fixture
async def memory(neo4j_line: Neo4j) -> AsyncIterator[Memory]:
    async with open_memory(graph=Neo4jGraphStore(connect(neo4j_line))) as memory:
        yield memory


@pytest.fixture
async def store(neo4j_line: Neo4j) -> AsyncIterator[Neo4jGraphStore]:
    store = Neo4jGraphStore(connect(neo4j_line))
    await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
    yield store
    await store.close()


def event(name: str, text: str, scope: Scope) -> Event:
    return Event(
        id=name, parts=(TextPart(text=text),), occurred_at=NOW, session_id=scope.session or ""
    )


async def test_words_of_a_language_are_words(store: Neo4jGraphStore, ada: Scope) -> None:
    """As texts, names, values, predicates, metadata: what goes in comes out, and nothing else."""
    home = ada.home
    episodes = [
        make_episode(home, n, word, author=word.strip(), metadata={word: word})
        for n, word in enumerate(WORDS)
    ]
    people = [make_entity(home, word, aliases=(word,), summary=word) for word in WORDS]
    said = [
        make_assertion(e, p, word, o)
        for e, p, o, word in zip(episodes, people, people[1:] + people[:1], WORDS, strict=True)
    ]
    facts = [make_fact(word, a, topic=word) for a, word in zip(said, WORDS, strict=True)]

    await save(store, home, *episodes, *people, *said, *facts)

    kept = [item async for item in store.dump(home)]
    ends = {a.episode_id: tuple(sorted({a.subject_id or "", a.object_id or ""})) for a in said}
    there = [replace(e, entity_ids=ends[e.id]) for e in episodes]
    assert {repr(i) for i in kept} == {repr(i) for i in (*there, *people, *facts)}
    for word, person, fact in zip(WORDS, people, facts, strict=True):
        assert person in await store.named([home], [person.key])
        page = await store.neighbourhood(
            [home], [person.id], as_of=LATE, known_at=LATE, predicates=[word]
        )
        assert page.facts == (fact,)
    assert await store.check([home]) == []


async def test_questions_in_a_language_are_questions(memory: Memory, ada: Scope) -> None:
    await memory.manager.append(
        ada, [event(f"e{n}", f"goat {word}", ada) for n, word in enumerate(WORDS)]
    )
    await memory.manager.generate_memories(ada)

    for word in WORDS:
        hits = await memory.manager.retrieve_memories(f"goat {word}", ada, top_k=50)
        assert {h.text for h in hits} == {f"goat {w}" for w in WORDS}
    assert (await memory.manager.stats(ada))["episodes"] == len(WORDS)


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "x" * (1 << 20)])
async def test_what_no_store_keeps_is_refused(memory: Memory, ada: Scope, text: str) -> None:
    with pytest.raises(GraphmemError) as caught:
        await memory.manager.append(ada, [event("e1", text, ada)])
    assert not caught.value.retryable
    with pytest.raises(GraphmemError):
        await memory.manager.retrieve_memories(text, ada)

    assert await memory.log.read(ada) == []


async def test_predicate_that_is_no_word_has_no_type_of_its_own(
    store: Neo4jGraphStore, neo4j_line: Neo4j, ada: Scope
) -> None:
    home = ada.home
    predicates = ["likes", "is `x`", "likes}) DETACH DELETE n //", "ist Käse", "9lives", "a" * 99]
    ann, bo = make_entity(home, "Ann"), make_entity(home, "Bo")
    first = make_episode(home, 1)
    said = [make_assertion(first, ann, p, bo, ordinal=n) for n, p in enumerate(predicates)]
    await save(store, home, ann, bo, first, *said, *(make_fact("x", a) for a in said))

    with open_driver(neo4j_line.uri, neo4j_line.auth) as driver:
        found = driver.execute_query(
            "MATCH (:MemoryEntity {id: $id})-[r]->(:MemoryEntity) "
            "RETURN type(r) AS type, r.predicate AS predicate",
            {"id": ann.id},
        ).records

    assert {(r["predicate"], r["type"]) for r in found} == {
        (p, "LIKES" if p == "likes" else "RELATED") for p in predicates
    }


@pytest.mark.timeout(240)
@pytest.mark.parametrize("neo4j_line", ["2026"], indirect=True)
async def test_ten_thousand_facts_in_one_change(store: Neo4jGraphStore, ada: Scope) -> None:
    """In bounded statements: far below what a transaction of a small server may hold."""
    home = ada.home
    ann, first = make_entity(home, "Ann"), make_episode(home, 1)
    said = [make_assertion(first, ann, "likes", f"v{n}", ordinal=n) for n in range(10_000)]
    facts = [make_fact(f"Ann likes v{n}", a) for n, a in enumerate(said)]
    change = await make_change(home, ann, first, *said, *facts)

    assert await store.apply(change, fence=1)

    assert (await store.stats([home], now=LATE))["facts_current"] == 10_000


@pytest.fixture
def theirs(neo4j_alone_line: Neo4j) -> Neo4j:
    """A database in which another tool keeps nodes of names near to ours, and its rules."""
    with open_driver(neo4j_alone_line.uri, neo4j_alone_line.auth) as driver:
        for statement in (
            "CREATE CONSTRAINT theirs_id IF NOT EXISTS FOR (n:Entity) REQUIRE n.id IS UNIQUE",
            "CREATE INDEX theirs_name IF NOT EXISTS FOR (n:Person) ON (n.name)",
            "CREATE (:Entity {id: '1', name: 'Ann', scope: 'x'})"
            "-[:LIKES {since: 1}]->(:Person:Episode {name: 'Bo'})",
        ):
            driver.execute_query(statement)
    return neo4j_alone_line


async def test_what_is_others_stays_as_it_was(theirs: Neo4j, ada: Scope) -> None:
    look = "MATCH (a:Entity)-[r]->(b) RETURN a{.*} AS a, r{.*} AS r, b{.*} AS b, labels(b) AS l"
    rules = "SHOW INDEXES YIELD name, type WHERE name STARTS WITH 'theirs' RETURN name, type"

    def seen() -> list[list[str]]:
        with open_driver(theirs.uri, theirs.auth) as driver:
            return [
                sorted(str(r.data()) for r in driver.execute_query(q).records)
                for q in (look, rules)
            ]

    before = seen()
    async with open_memory(graph=Neo4jGraphStore(connect(theirs))) as memory:
        await memory.manager.append(ada, [event("e1", "Ann|likes|'tea'\nAnn|friend_of|Bo", ada)])
        await memory.manager.generate_memories(ada)
        assert len((await memory.manager.list(ada, "entity")).entities) == 2
        await memory.manager.delete_memories(ada, everything=True)
        assert await memory.graph.check() == []

    assert seen() == before
    assert [len(part) for part in before] == [1, 2]

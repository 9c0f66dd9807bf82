import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from graphmem.graph import postings, rows
from graphmem.graph import sqlite_given as given
from graphmem.graph.sqlite import _SQL, SqliteGraphStore
from graphmem.models import Filter, GraphChange, KnownQuery, Scope
from graphmem.sqlite import connection
from graphmem.sqlite.connection import Database, Transaction, migrations
from graphmem.testing.candidates import CandidatesConformance
from graphmem.testing.graph import GraphStoreConformance, ReembeddingConformance
from graphmem.testing.memories import (
    EMBEDDER,
    LATE,
    MODEL,
    ask,
    day,
    found,
    make_assertion,
    make_entity,
    make_episode,
    make_fact,
    save,
)
from graphmem.testing.moving import GraphMovingConformance

HERE = Scope(user="ada")

# Another process, with a store of its own on the same file, as a worker would have.
WRITER = """
import asyncio, sys
from graphmem.graph.sqlite import SqliteGraphStore
from graphmem.models import Scope
from graphmem.sqlite.connection import Database
from graphmem.testing.memories import make_episode, save

async def main() -> None:
    store = SqliteGraphStore(Database.acquire(sys.argv[1]))
    await save(store, Scope(user="ada"), make_episode(Scope(user="ada"), 2, sys.argv[2]))
    await store.close()

asyncio.run(main())
"""


async def opened(database: Database) -> SqliteGraphStore:
    store = SqliteGraphStore(database)
    await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
    return store


class TestSqliteFile(GraphStoreConformance, ReembeddingConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteGraphStore]:
        store = await opened(Database.acquire(str(tmp_path / "graph.db")))
        yield store
        await store.close()


class TestSqliteFullText(CandidatesConformance):
    """As a scope of many texts is asked first: the store's own index finds the matches."""

    @pytest.fixture
    async def store(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[SqliteGraphStore]:
        monkeypatch.setattr(postings, "_FEW", 0)
        store = await opened(Database.acquire(str(tmp_path / "graph.db")))
        yield store
        await store.close()


class TestSqliteMemory(GraphStoreConformance, ReembeddingConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[SqliteGraphStore]:
        store = await opened(Database.acquire(":memory:"))
        yield store
        await store.close()


class TestSqliteFileMoves(GraphMovingConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteGraphStore]:
        store = await opened(Database.acquire(str(tmp_path / "graph.db")))
        yield store
        await store.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database.acquire(str(tmp_path / "graph.db"))
    yield database
    await database.release()


@pytest.fixture
async def store(database: Database) -> AsyncIterator[SqliteGraphStore]:
    store = await opened(database.share())
    yield store
    await store.close()


async def test_vectors_see_another_process(store: SqliteGraphStore, database: Database) -> None:
    first = make_episode(HERE, 1, "two goats")
    await save(store, HERE, first)
    query = await ask(near="a ferry to Senja", vector_limit=1)
    assert await found(store, HERE, query) == {first.id}

    argv = [sys.executable, "-c", WRITER, database.path, "a ferry to Senja"]
    await asyncio.to_thread(subprocess.run, argv, check=True, timeout=50)

    pool = await store.candidates([HERE], query)
    assert [c.id for c in pool.candidates] == [make_episode(HERE, 2).id]
    assert pool.candidates[0].cosine == pytest.approx(1, abs=1e-6)


async def test_hub_of_thousands_stays_bounded(store: SqliteGraphStore, database: Database) -> None:
    hub, rare = make_entity(HERE, "Hub"), make_entity(HERE, "Rare")
    ends = [make_entity(HERE, f"N{n}") for n in range(5000)]
    said = [
        make_assertion(make_episode(HERE, n, occurred_at=day(1)), hub, "knows", end)
        for n, end in enumerate(ends)
    ]
    link = make_assertion(make_episode(HERE, 100), rare, "knows", hub)
    facts = [make_fact("Hub knows", a, recorded_at=day(n / 100)) for n, a in enumerate(said)]
    bare = {"put_embeddings": (), "model_id": None}
    await save(store, HERE, hub, rare, *ends, *said, link, *facts, make_fact("Rare", link), **bare)

    page = await store.neighbourhood([HERE], [hub.id], as_of=LATE, known_at=LATE, limit=7)
    assert len(page.facts) == 7


async def test_hub_is_read_by_its_index(store: SqliteGraphStore, database: Database) -> None:
    """The newest 50 of a hub are read without sorting the hub."""
    keys = {**given.filter_keys(Filter()), "scopes": "[]", "as_of": 0, "known_at": 0, "ended": 0}
    asked = {"limit": 5, "entity": "x", "predicates": None}
    sql = "EXPLAIN QUERY PLAN " + _SQL["facts_of_entity"]

    plan = await database.read(lambda c: c.rows(sql, keys | asked))

    reads = [row for row in plan if row[3].startswith("SEARCH f ")]
    assert [row[3].split("(")[0].strip() for row in reads] == [
        "SEARCH f USING INDEX facts_subject",
        "SEARCH f USING INDEX facts_object",
    ]
    sorted_ = {row[1] for row in plan if "FOR ORDER BY" in row[3]}
    assert not sorted_ & {row[1] for row in reads}, "a sort where the hub is read"


async def test_match_asks_for_the_scope(store: SqliteGraphStore, database: Database) -> None:
    """The scope is a word of the match: the index itself leaves the others out."""
    for user in ("ada", "bob"):
        scope = Scope(user=user)
        await save(store, scope, make_episode(scope, 1, "goats"))

    def matches(c: Transaction) -> list[int]:
        asked = [f'scope : ("{Scope(user=u).key}") AND terms : ("goat")' for u in ("ada", "bob")]
        asked.append('terms : ("goat")')
        sql = "SELECT count(*) FROM episode_text WHERE episode_text MATCH :match"
        return [c.rows(sql, {"match": match})[0][0] for match in asked]

    assert await database.read(matches) == [1, 1, 2]


async def test_more_matches_than_are_handed_over(store: SqliteGraphStore) -> None:
    """Beyond 2,000 matches the engine's own rank cuts to its best 500, and ours to the limit."""
    at = {"occurred_at": day(1), "recorded_at": day(1)}
    plain = [make_episode(HERE, n, "goats and some more words here", **at) for n in range(2100)]
    best = [make_episode(HERE, n, "goats goats", **at) for n in range(2100, 2103)]
    await save(store, HERE, *plain, *best, put_embeddings=(), model_id=None)

    ids = await found(store, HERE, await ask("goats", text_limit=3))

    assert ids == {e.id for e in best}


async def test_check_finds_a_damaged_index(store: SqliteGraphStore, database: Database) -> None:
    await save(store, HERE, make_episode(HERE, 1, "goats"))
    assert await store.check() == []

    await database.write(lambda c: c.rows("DELETE FROM episode_text_data WHERE id > 1") and None)

    assert any("damaged" in complaint for complaint in await store.check())


async def test_vectors_of_nothing_are_taken_away(
    store: SqliteGraphStore, database: Database
) -> None:
    await save(store, HERE, make_episode(HERE, 1, "goats"), make_episode(HERE, 2, "boats"))
    gone = "UPDATE vectors SET item = 'gone' WHERE item = (SELECT min(item) FROM vectors)"
    await database.write(lambda c: c.rows(gone) and None)

    before = await store.check()
    done, again = await store.repair(), await store.repair()

    assert "1 vectors belong to nothing" in before
    assert list(done) == ["1 vectors that belonged to nothing are gone"]
    assert list(again) == []
    assert await store.check() == ["1 episodes have no vector of the active model"]


async def test_erased_text_is_not_in_the_file(store: SqliteGraphStore, database: Database) -> None:
    secret = make_episode(HERE, 1, "quetzalcoatl")
    keep = make_episode(HERE, 2, "goats")
    await save(store, HERE, secret, keep)

    gone = GraphChange(scope=HERE, stream=HERE.stream, delete_episodes=(secret.id,))
    await store.apply(gone, fence=1)

    await database.write(lambda c: None)
    raw = apsw.Connection(database.path)
    raw.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    raw.close()
    assert b"quetzalcoatl" not in await asyncio.to_thread(Path(database.path).read_bytes)


async def test_first_question_finds_what_later_ones_find(
    store: SqliteGraphStore, database: Database
) -> None:
    """FTS5 answers a scope's first question after a write, memory those that follow."""
    for user in ("ada", "bob"):
        scope = Scope(user=user)
        words = [f"goat {'cheese ' * (n % 3)}wörd{n % 7} number {n}" for n in range(90)]
        await save(store, scope, *(make_episode(scope, n + 1, w) for n, w in enumerate(words)))
    asked = await ask('goat cheese wörd3 "AND" number 5', text_limit=20)

    answers = [await store.candidates([Scope(user="ada")], asked) for _ in range(3)]

    assert len(answers[0].candidates) >= 20
    assert {c.id for c in answers[0].candidates} == {c.id for c in answers[1].candidates}
    assert tuple(answers[1].candidates) == tuple(answers[2].candidates)
    assert {c.scope_key for c in answers[0].candidates} == {Scope(user="ada").key}


async def test_assertions_of_an_older_schema_are_numbered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As schema 5 kept them: by their ids, and named by their ids."""
    episodes = [make_episode(HERE, n) for n in range(1, 4)]
    ada = make_entity(HERE, "Ada")
    said = [
        replace(make_assertion(e, ada, "likes", f"rum {e.seq}"), names=("ada", f"rum {e.seq}"))
        for e in episodes
    ]
    database = Database.acquire(str(tmp_path / "graph.db"))
    monkeypatch.setattr(connection, "migrations", lambda: migrations()[:5])
    store = await opened(database)
    await save(store, HERE, *episodes, ada)

    def put(c: Transaction) -> None:
        for assertion in reversed(said):
            row = rows.assertion_row(assertion)
            names, columns = ", ".join(row), ", ".join(f":{key}" for key in row)
            c.run(f"INSERT INTO assertions ({names}) VALUES ({columns})", row)
            for name in assertion.names:
                keys = {"scope": HERE.key, "name": name, "id": assertion.id}
                c.run("INSERT INTO assertion_names VALUES (:scope, :name, :id)", keys)

    await database.write(put)
    monkeypatch.undo()
    await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)

    named = (
        "SELECT a.id, m.name FROM assertion_names m JOIN assertions a ON a.n = m.assertion "
        "ORDER BY a.n, m.name"
    )
    assert await database.read(lambda c: c.rows(named)) == [
        (a.id, name) for a in said for name in a.names
    ]
    by_name = KnownQuery(mentioned=("rum 2",))
    assert said[1] in (await store.known(HERE, by_name)).assertions
    everything = KnownQuery(episode_ids=tuple(e.id for e in episodes))
    assert (await store.known(HERE, everything)).assertions == tuple(said)
    gone = GraphChange(scope=HERE, stream=HERE.stream, delete_assertions=(said[1].id,))
    await store.apply(gone, fence=2)
    assert (await store.known(HERE, by_name)).assertions == ()
    left = await database.read(
        lambda c: [
            c.rows("SELECT name FROM assertion_names ORDER BY name"),
            c.rows("PRAGMA foreign_key_check"),
        ]
    )
    assert left == [[("ada",), ("ada",), ("rum 1",), ("rum 3",)], []]
    await store.close()

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphmem.graph import sqlite_candidates
from graphmem.graph.shelves import Row, Shelf
from graphmem.graph.sqlite import SqliteGraphStore
from graphmem.graph.vectors import Matrix
from graphmem.models import (
    Assertion,
    Candidate,
    CandidatePool,
    Embedding,
    Entity,
    Episode,
    Fact,
    Filter,
    GraphChange,
    Scope,
)
from graphmem.retrieval.bm25 import bm25
from graphmem.sqlite import connection
from graphmem.sqlite.connection import Database, Transaction, migrations
from graphmem.testing.memories import (
    EMBEDDER,
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

HERE = Scope(user="ada")
AGENT = Scope(user="ada", agent="planner")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database.acquire(str(tmp_path / "graph.db"))
    yield database
    await database.release()


async def opened(database: Database) -> SqliteGraphStore:
    store = SqliteGraphStore(database)
    await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
    return store


@pytest.fixture
async def store(database: Database) -> AsyncIterator[SqliteGraphStore]:
    store = await opened(database.share())
    yield store
    await store.close()


# what is kept in memory must not outlive what is in the file --------------------------------


async def test_what_goes_from_another_scope_is_not_found(store: SqliteGraphStore) -> None:
    """A user's change takes away what a private agent of hers remembers: nothing is stale."""
    episode = make_episode(AGENT, 1, "two goats")
    await save(store, AGENT, episode)
    query = await ask("goats", "two goats")
    assert await found(store, AGENT, query) == {episode.id}

    gone = GraphChange(scope=HERE, stream=HERE.stream, delete_episodes=(episode.id,))
    assert await store.apply(gone, fence=1)

    pool = await store.candidates([AGENT], query)
    assert pool.candidates == ()


async def test_fact_that_goes_from_another_scope_is_not_found(store: SqliteGraphStore) -> None:
    ada, episode = make_entity(AGENT, "Ada"), make_episode(AGENT, 1, "rum")
    said = make_assertion(episode, ada, "likes", "rum")
    fact = make_fact("Ada likes goats", said)
    await save(store, AGENT, ada, episode, said, fact)
    query = await ask("goats")
    assert await found(store, AGENT, query) == {fact.id}

    gone = GraphChange(scope=HERE, stream=HERE.stream, delete_facts=((fact.id, fact.recorded_at),))
    assert await store.apply(gone, fence=1)

    assert await found(store, AGENT, query) == set()


async def test_restated_elsewhere_is_read_again(store: SqliteGraphStore) -> None:
    """What an episode is about moves with its assertions, whichever scope the change names."""
    ada, eda = make_entity(AGENT, "Ada"), make_entity(AGENT, "Eda")
    episode = make_episode(AGENT, 1, "goats")
    said = make_assertion(episode, ada, "likes", "goats")
    await save(store, AGENT, ada, eda, episode, said)
    query = await ask("goats")
    (before,) = (await store.candidates([AGENT], query)).candidates
    assert before.slot == said.slot

    moved = replace(said, subject_id=eda.id, slot="eda's")
    await store.apply(GraphChange(scope=HERE, stream=HERE.stream, put_assertions=(moved,)), fence=1)

    (after,) = (await store.candidates([AGENT], query)).candidates
    assert after.slot == "eda's"


async def test_older_file_gets_what_raises_versions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = migrations()
    episode = make_episode(AGENT, 1, "two goats")
    with monkeypatch.context() as patch:
        patch.setattr(connection, "migrations", lambda: [s for s in steps if s[0] < 3])
        store = await opened(database.share())
        await save(store, AGENT, episode)
        await store.close()

    store = await opened(database.share())
    query = await ask("goats", "two goats")
    assert await found(store, AGENT, query) == {episode.id}
    gone = GraphChange(scope=HERE, stream=HERE.stream, delete_episodes=(episode.id,))
    await store.apply(gone, fence=1)

    assert await found(store, AGENT, query) == set()
    await store.close()


# what has changed is taken in, and no more --------------------------------------------------


class World:
    """Memories of two scopes that come, change and go at random, through one store."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.made = 0
        self.facts: dict[str, tuple[Assertion, Fact]] = {}
        self.ada = {scope: make_entity(scope, "Ada") for scope in (HERE, AGENT)}

    async def change(self, store: SqliteGraphStore) -> None:
        scope = (HERE, AGENT)[self.rng.integers(2)]
        match self.rng.choice(["add", "add", "add", "end", "forget", "erase", "embed"]):
            case "add":
                await self.add(store, scope, int(self.rng.integers(1, 9)))
            case "end" if self.facts:
                _, fact = self.picked()
                ended = replace(fact, valid_to=day(int(self.rng.integers(1, 400))))
                change = GraphChange(scope=scope, stream=scope.stream, put_facts=(ended,))
                await store.apply(change, fence=1)
            case "forget" if self.facts:
                said, fact = self.picked()
                del self.facts[fact.id]
                gone = GraphChange(
                    scope=scope,
                    stream=scope.stream,
                    delete_facts=((fact.id, fact.recorded_at),),
                    delete_assertions=(said.id,),
                )
                await store.apply(gone, fence=1)
            case "erase" if self.facts:
                said, fact = self.picked()
                del self.facts[fact.id]
                gone = GraphChange(
                    scope=scope,
                    stream=scope.stream,
                    delete_facts=((fact.id, fact.recorded_at),),
                    delete_assertions=(said.id,),
                    delete_episodes=(said.episode_id,),
                )
                await store.apply(gone, fence=1)
            case "embed" if self.facts:
                _, fact = self.picked()
                vectors = await EMBEDDER.embed([self.words()], purpose="document")
                moved = Embedding(item_id=fact.id, kind="fact", vectors=vectors)
                await store.put_embeddings(MODEL, [moved])
            case _:
                await self.add(store, scope, 1)

    async def add(self, store: SqliteGraphStore, scope: Scope, count: int) -> None:
        made: list[Entity | Episode | Assertion | Fact] = [self.ada[scope]]
        for _ in range(count):
            self.made += 1
            at = {"session_id": f"s{self.rng.integers(4)}", "event_id": f"e{self.made}"}
            episode = make_episode(scope, self.made, self.words(), **at)
            said = make_assertion(episode, self.ada[scope], "likes", f"thing {self.made}")
            fact = make_fact(self.words(), said, id=f"fact{self.made}")
            self.facts[fact.id] = (said, fact)
            made += [episode, said, fact]
        await save(store, scope, *made)

    def picked(self) -> tuple[Assertion, Fact]:
        return self.facts[sorted(self.facts)[self.rng.integers(len(self.facts))]]

    def words(self) -> str:
        named = ["goat", "mill", "ferry", "rum", "oslo", "bread", "violin", "tea"]
        return " ".join(self.rng.choice(named, 4))


@pytest.mark.parametrize("seed", range(4))
async def test_store_that_takes_in_changes_answers_as_one_that_loads(
    database: Database, seed: int
) -> None:
    """Whatever comes, changes and goes, and in whichever scope, between two questions."""
    world, store = World(seed), await opened(database.share())
    for _ in range(60):
        await world.change(store)
        if world.rng.random() < 0.3:
            continue  # several changes between two questions
        query = await ask("goat ferri", world.words(), as_of=day(200))
        fresh = await opened(database.share())
        warm = await store.candidates([HERE, AGENT], query)
        loaded = await fresh.candidates([HERE, AGENT], query)
        await fresh.close()
        assert by_id(warm) == by_id(loaded)
        assert warm.version == loaded.version
    await store.close()


def by_id(pool: CandidatePool) -> list[Candidate]:
    rounded = [
        replace(c, cosine=None if c.cosine is None else round(c.cosine, 5)) for c in pool.candidates
    ]
    return sorted(rounded, key=lambda c: c.id)


async def test_after_a_write_only_what_is_new_is_loaded(
    store: SqliteGraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make_entity(HERE, "Ada")
    await save(store, HERE, ada, *(make_episode(HERE, n, "goats") for n in range(20)))
    query = await ask("goats", "goats")
    assert len(await found(store, HERE, query)) == 20
    loaded: list[int] = []
    build = sqlite_candidates._episodes_of

    def counting(rows: list[Row], matrix: Matrix) -> Shelf:
        loaded.append(len(rows))
        return build(rows, matrix)

    monkeypatch.setattr(sqlite_candidates, "_episodes_of", counting)

    await save(store, HERE, make_episode(HERE, 20, "goats"))
    assert len(await found(store, HERE, query)) == 21
    assert loaded == [1]

    erased = make_episode(HERE, 3, "goats").id
    gone = GraphChange(scope=HERE, stream=HERE.stream, delete_episodes=(erased,))
    await store.apply(gone, fence=1)
    assert len(await found(store, HERE, query)) == 20
    assert loaded == [1, 20], "an erasure leaves nothing behind: all is loaded anew"


async def test_what_went_is_listed_for_some_time(database: Database) -> None:
    """The list of what went is bounded; who has slept longer loads all."""
    store = await opened(database.share())
    await save(store, HERE, make_episode(HERE, 0, "goats"))
    asleep = await opened(database.share())
    query = await ask("goats", "goats")
    await found(asleep, HERE, query)

    def work(c: Transaction) -> int:
        c.run("UPDATE scopes SET version = version + 5000")
        c.run("INSERT INTO gone SELECT key, version, 'fact', 1 FROM scopes WHERE key = :key", keys)
        c.run("INSERT INTO gone SELECT key, version - 4097, 'fact', 2 FROM scopes", keys)
        c.run("INSERT INTO gone SELECT key, version, 'fact', 3 FROM scopes WHERE key = :key", keys)
        return len(c.rows("SELECT * FROM gone"))

    keys = {"key": HERE.key}
    assert await database.write(work) == 2
    assert sqlite_candidates.TOLD == 4096
    assert await found(asleep, HERE, query) == await found(store, HERE, query)
    await asleep.close()
    await store.close()


# the cut of text matches --------------------------------------------------------------------


async def test_cut_is_by_bm25_of_all_matches(store: SqliteGraphStore) -> None:
    """However many match: the best of a scope are the best of that scope's own words."""
    rng = np.random.default_rng(3)
    words = np.array(["goat", "mill", "ferry", "rum", "oslo", "bread"])
    texts = [" ".join(words[rng.integers(0, 6, rng.integers(1, 9))]) for _ in range(2500)]
    at = {"occurred_at": day(1), "recorded_at": day(1)}
    episodes = [make_episode(HERE, n, text, **at) for n, text in enumerate(texts)]
    await save(store, HERE, *episodes, put_embeddings=(), model_id=None)
    query = await ask("goat ferry", text_limit=20)

    ids = await found(store, HERE, query)

    held = [e for e in episodes if set(query.terms) & set(e.terms.split())]
    scores = bm25(query.terms, [e.terms for e in held])
    best = sorted(range(len(held)), key=lambda n: (-round(scores[n], 9), held[n].seq))[:20]
    assert len(held) > 1000
    assert ids == {held[n].id for n in best}


async def test_others_do_not_move_the_cut(store: SqliteGraphStore) -> None:
    """Not even above 2,000 matches, where other tenants' rare words once made ours common."""
    at = {"occurred_at": day(1), "recorded_at": day(1)}
    ours = [make_episode(HERE, n, f"goat mill x{n % 7}", **at) for n in range(2100)]
    ours += [make_episode(HERE, n, "ferry " * (n % 5 + 1), **at) for n in range(2100, 2150)]
    bare = {"put_embeddings": (), "model_id": None}
    await save(store, HERE, *ours, **bare)
    query = await ask("goat ferry", text_limit=30)
    before = await found(store, HERE, query)

    other = Scope(user="bob")
    theirs = [make_episode(other, n, "ferry ferry", event_id=f"b{n}", **at) for n in range(3000)]
    await save(store, other, *theirs, **bare)

    assert await found(store, HERE, query) == before


async def test_two_scopes_are_cut_as_one(store: SqliteGraphStore) -> None:
    """Limits and BM25 are of the union of the scopes, whose numbers interleave."""
    at = {"occurred_at": day(1), "recorded_at": day(1)}
    texts = ["goat", "goat mill", "goat goat", "mill", "goat ferry rum", "goat goat goat"]
    made = []
    for n, text in enumerate(texts):
        scope = (HERE, AGENT)[n % 2]
        episode = make_episode(scope, n, text, event_id=f"m{n}", **at)
        made.append(episode)
        await save(store, scope, episode)
    query = await ask("goat", text_limit=2)

    ids = await found(store, [HERE, AGENT], query)

    scores = bm25(query.terms, [e.terms for e in made if "goat" in e.terms])
    held = [e for e in made if "goat" in e.terms]
    assert ids == {held[n].id for n in np.argsort(-scores)[:2]}
    near = await ask(near="goat mill", vector_limit=1)
    assert await found(store, [HERE, AGENT], near) == {made[1].id}


# the rest -----------------------------------------------------------------------------------


async def test_filter_that_lets_few_pass_looks_farther(store: SqliteGraphStore) -> None:
    near = [make_episode(HERE, n, "two goats") for n in range(1, 60)]
    far = [make_episode(HERE, n, f"rum {n}", session_id="s2") for n in range(60, 63)]
    await save(store, HERE, *near, *far)

    query = await ask(near="two goats", vector_limit=2, filter=Filter(session="s2"), neighbours=0)

    assert len(await found(store, HERE, query)) == 2
    assert await found(store, HERE, query) <= {e.id for e in far}


async def test_rows_are_remembered_and_the_same(
    store: SqliteGraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second question reads no row again, and answers alike."""
    ada = make_entity(HERE, "Ada")
    episodes = [make_episode(HERE, n, f"goats {n}") for n in range(1, 9)]
    said = [make_assertion(e, ada, "likes", f"goats {e.seq}") for e in episodes]
    facts = [make_fact(f"Ada likes goats {a.seq}", a) for a in said]
    await save(store, HERE, ada, *episodes, *said, *facts)
    query = await ask("goats", "goats 3", neighbours=2)
    first = await store.candidates([HERE], query)

    def fail(*_: object) -> dict[int, tuple[object, ...]]:
        raise AssertionError("read again")

    monkeypatch.setattr(store._finder, "_read_episodes", fail)
    monkeypatch.setattr(store._finder, "_read_facts", fail)

    assert await store.candidates([HERE], query) == first
    assert len(first.candidates) == 16


async def test_limits_of_zero_find_nothing(store: SqliteGraphStore) -> None:
    await save(store, HERE, *(make_episode(HERE, n, "two goats") for n in range(5)))

    query = await ask("goats", "two goats", text_limit=0, vector_limit=0)

    assert await found(store, HERE, query) == set()


async def test_parts_beyond_the_bound_are_loaded_again(
    database: Database,
) -> None:
    store = SqliteGraphStore(database.share(), memory_mb=0)
    await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
    ids: dict[str, str] = {}
    for user in ("ada", "bob"):
        episode = make_episode(Scope(user=user), 1, "goats")
        ids[user] = episode.id
        await save(store, Scope(user=user), episode)
    query = await ask("goats", "goats")

    for user in ("ada", "bob", "ada", "bob"):
        assert await found(store, Scope(user=user), query) == {ids[user]}
    await store.close()

"""What ``GraphStore.candidates`` must do: the arms, the clocks, the filter, the walls of a scope.

Part of ``GraphStoreConformance``. Does not know how a pool is ranked.
"""

import asyncio
import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from graphmem.models import (
    Candidate,
    CandidatePool,
    Episode,
    Filter,
    GraphChange,
    Scope,
    Status,
)
from graphmem.ports import GraphStore
from graphmem.testing.memories import (
    FILTERS,
    MODEL,
    Harbour,
    ask,
    day,
    found,
    make_change,
    make_embedding,
    make_episode,
    make_harbour,
    save,
)

_numbers = count()
_RUN = secrets.token_hex(4)  # of two runs on one server each has its own scopes


def sorted_by_id(pool: CandidatePool) -> list[Candidate]:
    return sorted(pool.candidates, key=lambda candidate: candidate.id)


filters = pytest.mark.parametrize(("build", "expected"), FILTERS.values(), ids=FILTERS)


class Isolated:
    """Whose memories a test puts: nobody else's, so that a shared server needs no cleaning."""

    @pytest.fixture
    def scope(self, request: pytest.FixtureRequest) -> Scope:
        name = f"{request.node.name[:60]}-{next(_numbers)}-{os.getpid()}-{_RUN}"
        return Scope(app="conformance", user=name)

    @pytest.fixture
    async def harbour(self, store: GraphStore, scope: Scope) -> Harbour:
        return await make_harbour(store, scope)


class CandidatesConformance(Isolated):
    """The arms of one question."""

    # text

    async def test_text_finds_any_word(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        ids = await found(store, scope, await ask("rum, or a boat?"))

        assert harbour.names(ids) == {"second", "likes", "owns"}

    async def test_text_limit_keeps_the_best(self, store: GraphStore, scope: Scope) -> None:
        both = make_episode(scope, 2, "goats behind the mill")
        texts = ("a mill", "goats and sheep", "three goats")
        others = [make_episode(scope, n, t) for n, t in enumerate(texts, 3)]
        await save(store, scope, both, *others)

        ids = await found(store, scope, await ask("goats mill", text_limit=1))

        assert ids == {both.id}

    async def test_text_limit_keeps_the_earlier_of_equals(
        self, store: GraphStore, scope: Scope
    ) -> None:
        """By when it was recorded, whatever the order in which it was put; then by id."""
        goats = [
            make_episode(scope, n, f"goats {n}", recorded_at=day(9 - n // 2)) for n in range(8)
        ]
        await save(store, scope, *goats)
        ranked = sorted(goats, key=lambda e: (e.recorded_at, e.id))

        for limit in (1, 2, 3, 4):
            ids = await found(store, scope, await ask("goats", text_limit=limit))
            assert ids == {e.id for e in ranked[:limit]}

    async def test_fact_limit_is_of_facts(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        query = await ask("harbour rum boat", "harbour rum", ended=True)
        every = await found(store, scope, query)

        few = await found(store, scope, replace(query, fact_limit=1, vector_limit=0))
        none = await found(store, scope, replace(query, fact_limit=0))

        assert len(few) == len(none) + 1
        assert harbour.names(none) == {"first", "second"} < harbour.names(every)

    @pytest.mark.parametrize(
        "term",
        [
            '"',
            '""',
            "AND",
            "NOT",
            "a*",
            "terms:ferry",
            "NEAR(a b)",
            "(",
            "^ferry",
            "-x",
            "'",
            "{a}",
        ],
    )
    async def test_text_syntax_is_text(self, store: GraphStore, scope: Scope, term: str) -> None:
        ferry = make_episode(scope, 1, "the ferry leaves at seven")
        await save(store, scope, ferry, make_episode(scope, 2, "the train waits"))
        query = await ask()

        both = await found(store, scope, replace(query, terms=(term, "ferri")))
        alone = await found(store, scope, replace(query, terms=(term,)))

        assert both == {ferry.id}
        assert alone <= {ferry.id}, "at most the word inside it is found"

    async def test_scope_is_no_word(self, store: GraphStore, scope: Scope) -> None:
        await save(store, scope, make_episode(scope, 1, "the ferry leaves"))

        query = replace(await ask(), terms=(scope.key,))

        assert await found(store, scope, query) == set()

    # vectors

    async def test_vector_finds_the_nearest(self, store: GraphStore, scope: Scope) -> None:
        texts = ("two goats", "two goats and a mill", "the ferry", "a train")
        episodes = [make_episode(scope, n, t) for n, t in enumerate(texts, 1)]
        await save(store, scope, *episodes)

        ids = await found(store, scope, await ask(near="two goats", vector_limit=2))

        assert ids == {episodes[0].id, episodes[1].id}

    async def test_vector_limit_counts_what_passes(self, store: GraphStore, scope: Scope) -> None:
        near = [make_episode(scope, n, "two goats") for n in range(1, 40)]
        far = [make_episode(scope, n, f"goats {n}", session_id="s2") for n in range(40, 43)]
        await save(store, scope, *near, *far)

        query = await ask(near="two goats", vector_limit=3, filter=Filter(session="s2"))

        assert await found(store, scope, query) == {e.id for e in far}

    async def test_cosine_is_exact_in_every_arm(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        query = await ask("harbour rum", "talk of boats", vector_limit=1, ended=True)

        pool = await store.candidates([scope], query)

        assert query.vector is not None
        cosines = {c.id: c.cosine for c in pool.candidates}
        for item in harbour.items.values():
            (vector,) = (await make_embedding(item)).vectors
            assert cosines[item.id] == pytest.approx(float(vector @ query.vector), abs=1e-6)

    async def test_cosine_is_of_the_best_window(self, store: GraphStore, scope: Scope) -> None:
        episode, other = make_episode(scope, 1, "long"), make_episode(scope, 2, "goats and a mill")
        windows = await make_embedding(episode, "rain all day", "two goats", "and more rain")
        change = await make_change(scope, episode, other)
        embeddings = (windows, *change.put_embeddings[1:])
        await store.apply(replace(change, put_embeddings=embeddings), fence=1)

        query = await ask(near="two goats", vector_limit=1)
        pool = await store.candidates([scope], query)

        (only,) = pool.candidates
        assert only.id == episode.id
        assert only.cosine == pytest.approx(1, abs=1e-6)

    async def test_no_vector_no_cosine(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        pool = await store.candidates([scope], await ask("harbour"))

        assert {c.cosine for c in pool.candidates} == {None}

    async def test_empty_question_finds_nothing(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        pool = await store.candidates([scope], await ask())

        assert pool.candidates == ()

    async def test_unknown_scope_is_empty(self, store: GraphStore, scope: Scope) -> None:
        query = await ask("harbour", "harbour", neighbours=2)

        pool = await store.candidates([scope], query)

        assert (pool.candidates, pool.version) == ((), 0)

    # NEXT

    async def conversation(self, store: GraphStore, scope: Scope) -> list[Episode]:
        """Put seq 1 to 9, where 4 and 6 are of another session, and 5 speaks of goats."""
        episodes = [
            make_episode(
                scope,
                n,
                "about goats" if n == 5 else f"words {n}",
                session_id="s2" if n in (4, 6) else "s1",
            )
            for n in range(1, 10)
        ]
        await save(store, scope, *episodes)
        return episodes

    @pytest.mark.parametrize(("reach", "seqs"), [(0, {5}), (1, {3, 5, 7}), (2, {2, 3, 5, 7, 8})])
    async def test_neighbours_are_of_the_session(
        self, store: GraphStore, scope: Scope, reach: int, seqs: set[int]
    ) -> None:
        await self.conversation(store, scope)

        pool = await store.candidates([scope], await ask("goats", neighbours=reach))

        assert {c.seq for c in pool.candidates} == seqs

    async def test_neighbours_of_vector_finds(self, store: GraphStore, scope: Scope) -> None:
        await self.conversation(store, scope)

        query = await ask(near="about goats", vector_limit=1, neighbours=1)
        pool = await store.candidates([scope], query)

        assert {c.seq for c in pool.candidates} == {3, 5, 7}
        assert all(c.cosine is not None for c in pool.candidates)

    async def test_neighbours_at_the_ends(self, store: GraphStore, scope: Scope) -> None:
        await self.conversation(store, scope)

        pool = await store.candidates([scope], await ask("9", neighbours=3))

        assert {c.seq for c in pool.candidates} == {5, 7, 8, 9}

    async def test_neighbours_of_the_best_only(self, store: GraphStore, scope: Scope) -> None:
        """Best in both arms together; what is further down is found without its neighbours."""
        texts = {2: "goats and a mill", 6: "goats", 10: "a mill"}
        episodes = [make_episode(scope, n, texts.get(n, f"words {n}")) for n in range(1, 12)]
        await save(store, scope, *episodes)
        query = await ask("goats mill", "goats", vector_limit=1, neighbours=1)

        async def seqs(seeds: int) -> set[int]:
            pool = await store.candidates([scope], replace(query, seeds=seeds))
            return {c.seq for c in pool.candidates}

        assert await seqs(0) == {2, 6, 10}
        assert await seqs(1) == {2, 5, 6, 7, 10}, "second by its words, but first by its meaning"
        assert await seqs(2) == {1, 2, 3, 5, 6, 7, 10}

    # scopes

    async def test_levels_in_one_question(self, store: GraphStore, scope: Scope) -> None:
        agent = replace(scope, agent="planner")
        app = Scope(app=f"{scope.app}-{scope.user}", user=None)
        ids: dict[str, str] = {}
        for n, level in enumerate((scope, agent, app), 1):
            episode = make_episode(level, n, "goats", event_id=f"x{n}")
            ids[level.key] = episode.id
            await save(store, level, episode)

        pool = await store.candidates([scope, agent, app], await ask("goats", "goats"))

        assert {c.scope_key: c.id for c in pool.candidates} == ids
        assert await found(store, scope, await ask("goats", "goats")) == {ids[scope.key]}

    async def test_others_move_nothing(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        questions = [
            await ask("harbour rum", text_limit=1),
            await ask(near="harbour rum", vector_limit=1),
            await ask("harbour", "rum", neighbours=2),
        ]
        before = [await store.candidates([scope], q) for q in questions]

        for n in range(3):
            other = replace(scope, user=f"{scope.user} {n}")
            await make_harbour(store, other)
            extra = [make_episode(other, n, "rum rum rum", event_id=f"r{n}") for n in range(6, 30)]
            await save(store, other, *extra)

        assert [await store.candidates([scope], q) for q in questions] == before

    # clocks

    ARMS: tuple[dict[str, Any], ...] = (
        {"text": "harbour"},
        {"near": "harbour"},
    )
    arms = pytest.mark.parametrize("arm", ARMS, ids=["text", "vector"])

    @arms
    async def test_known_at_in_every_arm(
        self, store: GraphStore, scope: Scope, harbour: Harbour, arm: dict[str, Any]
    ) -> None:
        now = await found(store, scope, await ask(**arm))
        query = await ask(**arm, known_at=day(4), neighbours=2)

        assert harbour.names(await found(store, scope, query)) == (
            harbour.names(now) & {"first", "owns"}
        )

    @arms
    async def test_as_of_in_every_arm(
        self, store: GraphStore, scope: Scope, harbour: Harbour, arm: dict[str, Any]
    ) -> None:
        now = await found(store, scope, await ask(**arm, ended=True))

        seen = {
            at: harbour.names(
                await found(store, scope, await ask(**arm, as_of=day(at), neighbours=2))
            )
            for at in (0, 4, 7, 9)
        }

        every = harbour.names(now)
        assert seen[0] == set()
        assert seen[4] == every & {"first", "owns"}
        assert seen[7] == every
        assert seen[9] == every - {"sails"}

    @arms
    async def test_ended_facts_on_request(
        self, store: GraphStore, scope: Scope, harbour: Harbour, arm: dict[str, Any]
    ) -> None:
        without = await found(store, scope, await ask(**arm, as_of=day(8)))
        with_ended = await found(store, scope, await ask(**arm, as_of=day(8), ended=True))
        before = await found(store, scope, await ask(**arm, as_of=day(0), ended=True))

        assert harbour.names(with_ended - without) == {"sails"}
        assert before == set(), "what is yet to begin has not ended"

    @arms
    async def test_one_version_at_a_time(
        self, store: GraphStore, scope: Scope, harbour: Harbour, arm: dict[str, Any]
    ) -> None:
        old = replace(harbour.owns, retired_at=day(10))
        new = replace(harbour.owns, recorded_at=day(10), valid_to=day(9), confidence=0.9)
        await save(store, scope, old, new)

        async def confidence(known_at: int) -> list[float]:
            query = await ask(**arm, known_at=day(known_at), as_of=day(3), ended=True)
            pool = await store.candidates([scope], query)
            return [c.confidence for c in pool.candidates if c.id == harbour.owns.id]

        assert await confidence(9) == [0.8]
        assert await confidence(10) == [0.9]

    @arms
    @pytest.mark.parametrize("status", ["quarantined", "supposed"])
    async def test_quarantined_and_supposed_never_come(
        self,
        store: GraphStore,
        scope: Scope,
        harbour: Harbour,
        arm: dict[str, Any],
        status: Status,
    ) -> None:
        assert harbour.owns.id in await found(store, scope, await ask(**arm))

        await save(store, scope, replace(harbour.owns, status=status))

        assert harbour.owns.id not in await found(store, scope, await ask(**arm, ended=True))

    # filters

    @filters
    async def test_filter_in_every_arm(
        self,
        store: GraphStore,
        scope: Scope,
        harbour: Harbour,
        build: Callable[[Harbour], Filter],
        expected: str,
    ) -> None:
        seen: set[str] = set()
        for arm in self.ARMS:
            query = await ask(**arm, filter=build(harbour), ended=True, neighbours=2)
            names = harbour.names(await found(store, scope, query))
            assert names <= set(expected.split()), arm
            seen |= names

        assert seen == set(expected.split())

    # the rows

    async def test_fact_row_is_whole(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        pool = await store.candidates([scope], await ask("owns"))

        (row,) = pool.candidates
        fact, first = harbour.owns, harbour.first
        for name in ("id", "terms", "slot", "status", "confidence", "importance", "type"):
            assert getattr(row, name) == getattr(fact, name), name
        for name in ("source_class", "recorded_at", "valid_from", "valid_to", "event_ids"):
            assert getattr(row, name) == getattr(fact, name), name
        assert (row.kind, row.scope_key, row.role) == ("fact", scope.key, None)
        assert (row.seq, row.session_id, row.author) == (first.seq, first.session_id, None)
        assert (row.occurred_at, row.episode_ids) == (first.occurred_at, (first.id,))
        assert row.text in (None, fact.text)

    async def test_episode_row_is_whole(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        pool = await store.candidates([scope], await ask("talk", filter=Filter(session="s1")))

        (row,) = pool.candidates
        first = harbour.first
        for name in ("id", "terms", "seq", "session_id", "author", "role", "occurred_at"):
            assert getattr(row, name) == getattr(first, name), name
        assert (row.kind, row.scope_key, row.type) == ("episode", scope.key, "episodic")
        assert (row.recorded_at, row.source_class) == (first.recorded_at, first.source_class)
        assert (row.episode_ids, row.event_ids) == ((first.id,), (first.event_id,))
        assert row.text in (None, first.text)
        assert (row.slot, row.ended, row.confidence) == (harbour.owns.slot, False, 1.0)

    @pytest.mark.parametrize(("as_of", "ended"), [(5, False), (9, False), (11, True)])
    async def test_episode_ends_with_its_last_fact(
        self, store: GraphStore, scope: Scope, harbour: Harbour, as_of: int, ended: bool
    ) -> None:
        await save(store, scope, replace(harbour.likes, valid_to=day(10)))
        silent = make_episode(scope, 2, "harbour and nothing to learn")
        await save(store, scope, silent)

        pool = await store.candidates([scope], await ask("harbour", as_of=day(as_of)))

        rows = {c.id: c.ended for c in pool.candidates if c.kind == "episode"}
        assert rows == {harbour.first.id: False, harbour.second.id: ended, silent.id: False}

    @pytest.mark.parametrize(("as_of", "partly"), [(7, False), (9, True)])
    async def test_episode_ends_in_part(
        self, store: GraphStore, scope: Scope, harbour: Harbour, as_of: int, partly: bool
    ) -> None:
        pool = await store.candidates([scope], await ask("harbour", as_of=day(as_of)))

        rows = {c.id: (c.ended, c.partly_ended) for c in pool.candidates if c.kind == "episode"}
        assert rows == {harbour.first.id: (False, False), harbour.second.id: (False, partly)}

    async def test_what_was_told_as_past_has_not_ended(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        sailed = replace(harbour.sails, valid_from=day(1), valid_to=day(3))
        await save(store, scope, sailed)

        pool = await store.candidates([scope], await ask("harbour", as_of=day(9)))

        rows = {c.id: (c.ended, c.partly_ended) for c in pool.candidates if c.kind == "episode"}
        assert rows[harbour.second.id] == (False, False)

    async def test_version_rises_with_writes(self, store: GraphStore, scope: Scope) -> None:
        seen: list[int] = []
        for n in range(1, 4):
            await save(store, scope, make_episode(scope, n))
            seen.append((await store.candidates([scope], await ask())).version)

        assert seen == sorted(set(seen))

    async def test_version_is_that_of_the_pool(self, store: GraphStore, scope: Scope) -> None:
        assert (
            await store.version([scope]) == (await store.candidates([scope], await ask())).version
        )
        await save(store, scope, make_episode(scope, 1))

        version = await store.version([scope])

        assert version == (await store.candidates([scope], await ask())).version
        assert version == await store.version([scope]), "reading is no write"

    async def test_version_rises_with_what_goes_or_comes_late(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        """Also where the change is another scope's, or of vectors alone."""
        agent = replace(scope, agent="planner")
        episode = make_episode(agent, 1, "goats", event_id="late")
        changes = [
            GraphChange(scope=scope, stream=scope.stream, delete_episodes=(episode.id,)),
            GraphChange(
                scope=scope,
                stream=scope.stream,
                delete_facts=((harbour.likes.id, harbour.likes.recorded_at),),
            ),
        ]
        seen = [await store.version([scope, agent])]
        await save(store, agent, episode, put_embeddings=())
        seen.append(await store.version([scope, agent]))
        await store.put_embeddings(MODEL, [await make_embedding(episode)])
        seen.append(await store.version([scope, agent]))
        for change in changes:
            await store.apply(change, fence=1)
            seen.append(await store.version([scope, agent]))

        assert seen == sorted(set(seen))

    async def test_pool_stands_until_told(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        """Whatever ends, begins or comes to be known on the way."""
        retired = replace(harbour.owns, retired_at=day(7))
        future = replace(harbour.likes, id="future", valid_from=day(4.5), valid_to=day(9))
        await save(store, scope, retired, future)
        query = await ask("harbour", "rum")
        days = range(12)
        pools = [
            await store.candidates([scope], replace(query, as_of=day(n), known_at=day(12)))
            for n in days
        ]
        known = [
            await store.candidates([scope], replace(query, as_of=day(6), known_at=day(n)))
            for n in days
        ]

        for n in days:
            for later in days[n:]:
                until = pools[n].holds_until
                if until is not None and day(later) < until:
                    assert sorted_by_id(pools[later]) == sorted_by_id(pools[n])
                until = known[n].known_until
                if until is not None and day(later) < until:
                    assert sorted_by_id(known[later]) == sorted_by_id(known[n])

    async def test_questions_at_once_agree(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        query = await ask("harbour", "rum", neighbours=2)
        expected = await store.candidates([scope], query)

        pools = await asyncio.gather(*(store.candidates([scope], query) for _ in range(8)))

        assert all(pool == expected for pool in pools)

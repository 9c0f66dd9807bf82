"""What reading a GraphStore by id, neighbourhood, history and list must do.

Part of ``GraphStoreConformance``. Does not know recall.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from graphmem.models import Fact, Filter, MemoryKind, Page, Scope
from graphmem.ports import GraphStore
from graphmem.testing.candidates import CandidatesConformance, filters
from graphmem.testing.memories import (
    LATE,
    Harbour,
    day,
    make_assertion,
    make_entity,
    make_episode,
    make_fact,
    save,
)


def ids_of(page: Page) -> list[str]:
    return [m.id for m in (*page.facts, *page.episodes, *page.entities)]


class ReadingConformance(CandidatesConformance):
    """Memories by id and in lists."""

    @pytest.fixture
    def other(self, scope: Scope) -> Scope:
        """Another user of the same app."""
        return replace(scope, user=f"{scope.user} other")

    async def test_read_by_id_and_event(
        self, store: GraphStore, scope: Scope, other: Scope, harbour: Harbour
    ) -> None:
        wanted = [harbour.owns.id, harbour.ada.id, harbour.first.id, "no-such"]

        page = await store.read([scope], wanted)

        assert ids_of(page) == [harbour.owns.id, harbour.first.id, harbour.ada.id]
        assert page.episodes[0].entity_ids == tuple(sorted((harbour.ada.id, harbour.ines.id)))
        assert ids_of(await store.read([scope], ["e1"])) == [harbour.first.id]
        assert ids_of(await store.read([other], [*wanted, "e1"])) == []
        assert await store.read([scope], [*wanted, *wanted, "e1"]) == page, "each once"

    async def test_read_gives_the_newest_version(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        old = replace(harbour.owns, retired_at=day(10))
        new = replace(harbour.owns, recorded_at=day(10), text="Ada owned the Ines")
        await save(store, scope, old, new)

        async def read(known_at: datetime | None) -> tuple[Fact, ...]:
            return (await store.read([scope], [new.id], known_at=known_at)).facts

        assert await read(None) == (new,)
        assert await read(day(9)) == (old,)
        assert await read(day(0)) == ()

    async def test_neighbourhood_is_valid_then(
        self, store: GraphStore, scope: Scope, other: Scope, harbour: Harbour
    ) -> None:
        async def around(
            who: str, at: int, known_at: int = 100, scopes: tuple[Scope, ...] = (scope,)
        ) -> Page:
            return await store.neighbourhood(scopes, [who], as_of=day(at), known_at=day(known_at))

        page = await around(harbour.ines.id, 6)
        assert {f.id for f in page.facts} == {harbour.owns.id, harbour.sails.id}
        assert {e.id for e in page.entities} == {harbour.ada.id, harbour.ines.id}
        assert (await around(harbour.ines.id, 9)).facts == (harbour.owns,)
        assert (await around(harbour.ines.id, 6, known_at=4)).facts == (harbour.owns,)
        assert await around(harbour.ines.id, 6, scopes=(other,)) == Page()

    async def test_neighbourhood_with_what_has_ended(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        async def around(at: int, ended: bool) -> set[str]:
            page = await store.neighbourhood(
                [scope], [harbour.ines.id], as_of=day(at), known_at=LATE, ended=ended
            )
            return {f.id for f in page.facts}

        assert await around(9, ended=False) == {harbour.owns.id}
        assert await around(9, ended=True) == {harbour.owns.id, harbour.sails.id}
        assert await around(0, ended=True) == set(), "what had not begun has not ended"

    async def test_neighbourhood_newest_first_within_limit(
        self, store: GraphStore, scope: Scope
    ) -> None:
        ada = make_entity(scope, "Ada")
        said = [make_assertion(make_episode(scope, n), ada, "likes", f"{n}") for n in range(1, 9)]
        facts = [make_fact(f"Ada likes {a.seq}", a) for a in said]
        await save(store, scope, ada, *said, *facts)

        page = await store.neighbourhood([scope], [ada.id], as_of=LATE, known_at=LATE, limit=3)

        assert list(page.facts) == facts[:-4:-1]

    async def test_neighbourhood_of_equally_new_ones_by_id(
        self, store: GraphStore, scope: Scope
    ) -> None:
        """Of what was learnt at once the last by id; the entities are the ends of these alone."""
        ada, *others = (make_entity(scope, name) for name in ("Ada", "Bo", "Cy", "Di", "Eve"))
        first = make_episode(scope, 1)
        said = [make_assertion(first, ada, "knows", x, ordinal=i) for i, x in enumerate(others)]
        facts = sorted((make_fact("knows", a) for a in said), key=lambda f: f.id, reverse=True)
        await save(store, scope, ada, *others, first, *said, *facts)

        page = await store.neighbourhood(
            [scope], [ada.id, *(e.id for e in others)], as_of=LATE, known_at=LATE, limit=3
        )

        assert page.facts == tuple(facts[:3])
        ends = {ada.id, *(f.object_id for f in facts[:3])}
        assert [e.id for e in page.entities] == sorted(filter(None, ends))

    async def test_neighbourhood_of_some_predicates(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        async def around(*predicates: str) -> set[str]:
            page = await store.neighbourhood(
                [scope], [harbour.ines.id], as_of=day(6), known_at=LATE, predicates=predicates
            )
            return {f.predicate for f in page.facts}

        assert await around(harbour.owns.predicate) == {harbour.owns.predicate}
        assert await around("no-such", harbour.sails.predicate) == {harbour.sails.predicate}
        assert await around() == set()

    async def test_neighbourhood_of_some_predicates_is_not_cut_by_others(
        self, store: GraphStore, scope: Scope
    ) -> None:
        ada = make_entity(scope, "Ada")
        said = [make_assertion(make_episode(scope, n), ada, "likes", f"{n}") for n in range(2, 9)]
        first = make_assertion(make_episode(scope, 1), ada, "hobby", "chess")
        facts = [make_fact(a.statement.value or "", a) for a in (first, *said)]
        await save(store, scope, ada, first, *said, *facts)

        page = await store.neighbourhood(
            [scope], [ada.id], as_of=LATE, known_at=LATE, predicates=["hobby"], limit=3
        )

        assert page.facts == (facts[0],)

    async def test_periods_in_the_order_in_which_sessions_began(
        self, store: GraphStore, scope: Scope, other: Scope
    ) -> None:
        told = [("s2", 4), ("s1", 2), ("s1", 6), ("s3", 9)]
        await save(store, scope, *(make_episode(scope, n, session_id=s) for s, n in told))
        await save(store, other, make_episode(other, 1, session_id="s0"))

        async def periods(at: int, known_at: int = 100) -> list[tuple[str, datetime, datetime]]:
            found = await store.periods([scope], as_of=day(at), known_at=day(known_at))
            return [(p.session_id, p.start, p.end) for p in found]

        s1, s2 = ("s1", day(2), day(6)), ("s2", day(4), day(4))
        assert await periods(100) == [s1, s2, ("s3", day(9), day(9))]
        assert await periods(6) == [s1, s2]
        assert await periods(5) == [("s1", day(2), day(2)), s2], "of what had happened then"
        assert await periods(100, known_at=3) == [("s1", day(2), day(2))]
        assert await store.periods([], as_of=LATE, known_at=LATE) == []

    async def test_named_by_any_identity_key(
        self, store: GraphStore, scope: Scope, other: Scope
    ) -> None:
        ada = make_entity(scope, "Ada")
        oda = replace(
            make_entity(scope, "Oda"), aliases=("Odie",), descriptors=(f"sister@{ada.id}",)
        )
        theirs = make_entity(other, "Oda")
        await save(store, scope, ada, oda)
        await save(store, other, theirs)

        async def named(*names: str, scopes: tuple[Scope, ...] = (scope,)) -> set[str]:
            return {e.id for e in await store.named(scopes, names)}

        assert await named("oda") == await named("odie") == {oda.id}
        assert await named(f"sister@{ada.id}", "ada") == {oda.id, ada.id}
        assert await named("oda", scopes=(scope, other)) == {oda.id, theirs.id}
        assert await named("oda", scopes=(other,)) == {theirs.id}
        assert await named("'; DROP TABLE entities; --") == await named() == set()

    async def test_history_is_of_the_slot(
        self, store: GraphStore, scope: Scope, other: Scope
    ) -> None:
        ada, oslo, rome = (make_entity(scope, n) for n in ("Ada", "Oslo", "Rome"))
        said = [
            make_assertion(make_episode(scope, n), ada, "lives_in", place)
            for n, place in ((1, oslo), (5, rome))
        ]
        first = make_fact("Ada lives in Oslo", said[0], retired_at=day(5))
        ended = replace(first, valid_to=day(5), recorded_at=day(5), retired_at=None)
        second = make_fact("Ada lives in Rome", said[1], supersedes=first.id)
        await save(store, scope, ada, oslo, rome, *said, second, ended, first)

        assert list(await store.history(scope, second.id)) == [first, ended, second]
        assert list(await store.history(scope, first.id)) == [first, ended, second]
        assert list(await store.history(other, first.id)) == []
        assert list(await store.history(scope, "no-such")) == []

    @pytest.mark.parametrize("kind", ["fact", "episode", "entity"])
    @pytest.mark.parametrize("limit", [1, 3, 4, 100])
    async def test_list_pages_cover_all_once(
        self, store: GraphStore, scope: Scope, other: Scope, kind: MemoryKind, limit: int
    ) -> None:
        items: list[str] = []
        for level in (scope, replace(scope, agent="planner"), other):
            for n in range(4):
                episode = make_episode(level, n, event_id=f"{level.agent}{n}")
                entity = make_entity(level, f"N{n}")
                said = make_assertion(episode, entity, "likes", "rum")
                fact = make_fact("likes", said)
                await save(store, level, episode, entity, said, fact)
                if level is not other:
                    items.append({"fact": fact, "episode": episode, "entity": entity}[kind].id)

        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await store.list(
                [scope, replace(scope, agent="planner")],
                kind,
                Filter(),
                limit=limit,
                cursor=cursor,
            )
            assert len(ids_of(page)) <= limit
            seen += ids_of(page)
            if (cursor := page.cursor) is None:
                break

        assert seen == sorted(items)

    @filters
    async def test_list_filters(
        self,
        store: GraphStore,
        scope: Scope,
        harbour: Harbour,
        build: Callable[[Harbour], Filter],
        expected: str,
    ) -> None:
        facts = await store.list([scope], "fact", build(harbour))
        episodes = await store.list([scope], "episode", build(harbour))

        seen = harbour.names({*ids_of(facts), *ids_of(episodes)})
        assert seen == set(expected.split())

    async def test_list_of_entities_filters(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        await save(store, scope, replace(harbour.ines, importance=0.9, created_at=day(3)))

        async def names(given: Filter) -> list[str]:
            page = await store.list([scope], "entity", given)
            return sorted(e.name for e in page.entities)

        assert await names(Filter()) == ["Ada", "Ines"]
        assert await names(Filter(min_importance=0.6)) == ["Ines"]
        assert await names(Filter(entity=harbour.ada.id)) == ["Ada"]
        assert await names(Filter(recorded_from=day(1))) == ["Ines"]
        assert await names(Filter(kinds=("fact",))) == []
        for lacking in (Filter(topic="boats"), Filter(session="s1"), Filter(type="semantic")):
            assert await names(lacking) == [], "an entity has none of these"

    async def test_list_facts_on_both_clocks(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        old = replace(harbour.owns, retired_at=day(10))
        new = replace(harbour.owns, recorded_at=day(10), valid_to=day(9))
        await save(store, scope, old, new)

        async def names(as_of: int | None, known_at: int | None) -> set[str]:
            page = await store.list(
                [scope],
                "fact",
                Filter(),
                as_of=None if as_of is None else day(as_of),
                known_at=None if known_at is None else day(known_at),
            )
            return harbour.names(set(ids_of(page)))

        assert await names(None, None) == {"owns", "likes", "sails"}
        assert await names(20, None) == {"likes"}
        assert await names(20, 9) == {"owns", "likes"}
        assert await names(None, 4) == {"owns"}
        assert await names(2, None) == {"owns"}

    async def test_list_episodes_on_both_clocks(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        late = make_episode(scope, 2, recorded_at=day(30))
        await save(store, scope, late)

        then = await store.list([scope], "episode", Filter(), as_of=day(4))
        known = await store.list([scope], "episode", Filter(), known_at=day(10))

        assert set(ids_of(then)) == {harbour.first.id, late.id}
        assert set(ids_of(known)) == {harbour.first.id, harbour.second.id}

"""The conformance suite of the GraphStore port: subclass it, give a ``store`` fixture.

``store`` is empty and migrated to ``MODEL`` (see ``graphmem/testing/memories.py``). The clock is an
argument everywhere, so nothing here sleeps. Changes are written by hand, not by a fold: what a
store keeps is what it was given. That a whole graph can be moved is in ``moving``.
"""

import asyncio
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from graphmem.errors import EmbeddingMismatch, InvalidInput, LeaseLost
from graphmem.models import (
    Embedding,
    Entity,
    Episode,
    Fact,
    Filter,
    GraphChange,
    Known,
    KnownQuery,
    Scope,
)
from graphmem.ports import GraphStore
from graphmem.testing.candidates import Isolated
from graphmem.testing.fakes import HashEmbedder
from graphmem.testing.memories import (
    EMBEDDER,
    LATE,
    MODEL,
    Harbour,
    ask,
    day,
    found,
    make_assertion,
    make_change,
    make_embedding,
    make_entity,
    make_episode,
    make_fact,
    mark,
    save,
)
from graphmem.testing.reading import ReadingConformance

OTHER = HashEmbedder(16, "other")


async def dump(store: GraphStore, scope: Scope) -> list[Episode | Entity | Fact]:
    return [item async for item in store.dump(scope)]


class GraphStoreConformance(ReadingConformance):
    """What every GraphStore must do."""

    # apply

    async def test_apply_keeps_every_field(self, store: GraphStore, scope: Scope) -> None:
        ada = make_entity(scope, "Ada", aliases=("Captain",), descriptors=("x@y",), summary="sails")
        episode = make_episode(
            scope,
            1,
            "käse \U0001f9c0 “quoted”\n\ttab",
            author="Ada",
            origin="explicit",
            metadata={"k": [1, {"x": None}], "b": True},
            entity_ids=(ada.id,),
        )
        said = make_assertion(episode, ada, "likes", "käse")
        fact = make_fact(
            "Ada likes käse",
            said,
            type="procedural",
            topic="food",
            status="conflict",
            valid_from=None,
            valid_to=day(3),
            retired_at=day(9),
            supersedes="f0",
            reason="UPDATE",
            contradicts=("f1", "f2"),
        )

        await save(store, scope, ada, episode, said, fact)

        assert await dump(store, scope) == [episode, ada, fact]

    async def test_watermark_is_written_once(self, store: GraphStore, scope: Scope) -> None:
        first = await make_change(scope, make_episode(scope, 1), watermark=mark(scope, 5))
        again = await make_change(scope, make_episode(scope, 2), watermark=mark(scope, 5))
        behind = replace(again, watermark=mark(scope, 4))
        stage = replace(again, watermark=mark(scope, 5, "episodes"))

        assert await store.apply(first, fence=1)
        assert not await store.apply(again, fence=1)
        assert not await store.apply(behind, fence=1)
        assert len(await dump(store, scope)) == 1, "what is refused writes nothing"
        assert await store.apply(stage, fence=1)
        assert await store.watermark(scope.stream) == {"facts": 5, "episodes": 5}

    async def test_watermark_of_nobody(self, store: GraphStore, scope: Scope) -> None:
        assert await store.watermark(scope.stream) == {}

    async def test_one_of_two_at_once_applies(self, store: GraphStore, scope: Scope) -> None:
        change = await make_change(scope, make_episode(scope, 1), watermark=mark(scope, 1))

        applied = await asyncio.gather(*(store.apply(change, fence=1) for _ in range(6)))

        assert sorted(applied) == [False] * 5 + [True]

    @pytest.mark.parametrize("marked", [True, False])
    async def test_older_fence_is_refused(
        self, store: GraphStore, scope: Scope, marked: bool
    ) -> None:
        await store.apply(GraphChange(scope=scope, stream=scope.stream), fence=7)
        late = await make_change(
            scope, make_episode(scope, 1), watermark=mark(scope, 1) if marked else None
        )

        with pytest.raises(LeaseLost):
            await store.apply(late, fence=6)

        assert await dump(store, scope) == []
        assert await store.apply(late, fence=7)

    async def test_fences_are_per_stream(
        self, store: GraphStore, scope: Scope, other: Scope
    ) -> None:
        await store.apply(GraphChange(scope=other, stream=other.stream), fence=7)

        assert await store.apply(await make_change(scope, make_episode(scope, 1)), fence=1)

    async def test_done_watermark_still_raises_the_fence(
        self, store: GraphStore, scope: Scope
    ) -> None:
        change = await make_change(scope, make_episode(scope, 1), watermark=mark(scope, 1))
        await store.apply(change, fence=1)
        await store.apply(change, fence=3)

        with pytest.raises(LeaseLost):
            await store.apply(replace(change, watermark=mark(scope, 2)), fence=2)

    async def test_other_model_is_refused(self, store: GraphStore, scope: Scope) -> None:
        change = await make_change(scope, make_episode(scope, 1), model_id=OTHER.model_id)

        with pytest.raises(EmbeddingMismatch):
            await store.apply(change, fence=1)

        assert await dump(store, scope) == []

    async def test_migrate_again_asks_for_the_model(self, store: GraphStore) -> None:
        await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)

        with pytest.raises(EmbeddingMismatch, match="hash/32"):
            await store.migrate(model_id=OTHER.model_id, dimension=OTHER.dimension)
        with pytest.raises(EmbeddingMismatch):
            await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension + 1)

    async def test_vectors_need_their_model(self, store: GraphStore, scope: Scope) -> None:
        with pytest.raises(InvalidInput):
            await store.apply(
                await make_change(scope, make_episode(scope, 1), model_id=None), fence=1
            )

    async def test_apply_is_all_or_nothing(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        before = await dump(store, scope)
        good = await make_change(
            scope,
            make_episode(scope, 9, "new"),
            make_entity(scope, "New"),
            replace(harbour.owns, confidence=0.1),
            watermark=mark(scope, 9),
            delete_episodes=(harbour.second.id,),
            delete_facts=((harbour.likes.id, harbour.likes.recorded_at),),
        )
        bad = Embedding(
            item_id=harbour.owns.id, kind="fact", vectors=np.ones((1, 3), dtype=np.float32)
        )

        with pytest.raises(InvalidInput):
            await store.apply(replace(good, put_embeddings=(*good.put_embeddings, bad)), fence=8)

        assert await dump(store, scope) == before
        assert await store.watermark(scope.stream) == {}
        assert harbour.second.id in await found(store, scope, await ask(near="rum"))
        assert await store.apply(good, fence=2), "nor was the fence raised"

    async def test_put_replaces_by_id(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        zoe = replace(harbour.ada, name="Zoe", updated_at=day(9))
        second = replace(harbour.second, text="of tea", terms="tea")
        likes = replace(harbour.likes, text="Zoe likes tea", terms="zoe like tea", confidence=0.4)

        await save(store, scope, zoe, second, likes)

        page = await store.read([scope], [zoe.id, second.id, likes.id])
        assert (page.entities, page.facts) == ((zoe,), (likes,))
        assert [replace(e, entity_ids=()) for e in page.episodes] == [second]
        assert await found(store, scope, await ask("rum")) == set()
        assert await found(store, scope, await ask("tea")) == {second.id, likes.id}
        assert await store.named([scope], ["zoe"]) == [zoe]
        assert await store.check([scope]) == []

    async def test_old_name_goes_but_the_key_stays(self, store: GraphStore, scope: Scope) -> None:
        episode = make_episode(scope, 1)
        sister = make_entity(scope, "user's sister", aliases=("Mia",))
        said = make_assertion(episode, sister, "likes", "tea")
        fact = make_fact("Mia likes tea", said)
        await save(store, scope, episode, sister, said, fact)

        await save(store, scope, replace(sister, name="Nora", aliases=()))

        assert await store.named([scope], ["mia"]) == []
        for name in ("nora", sister.key):
            assert [e.id for e in await store.named([scope], [name])] == [sister.id]

    async def test_delete_takes_everything_of_it(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        change = GraphChange(
            scope=scope,
            stream=scope.stream,
            delete_episodes=tuple(e.id for e in (harbour.first, harbour.second)),
            delete_entities=(harbour.ada.id, harbour.ines.id),
            delete_assertions=tuple(
                s.assertion_id
                for f in (harbour.owns, harbour.likes, harbour.sails)
                for s in f.support
            ),
            delete_facts=tuple(
                (f.id, f.recorded_at) for f in (harbour.owns, harbour.likes, harbour.sails)
            ),
        )

        await store.apply(change, fence=1)
        await store.apply(change, fence=1)

        assert await dump(store, scope) == []
        pool = await store.candidates([scope], await ask("harbour", "harbour"))
        assert pool.candidates == ()
        known = await store.known(scope, KnownQuery(names=("ada",), entity_ids=(harbour.ada.id,)))
        assert (known.entities, known.assertions, known.facts) == ((), (), ())
        assert set((await store.stats([scope], now=LATE)).values()) == {0}
        assert await store.check([scope]) == []

    async def test_delete_of_one_version_leaves_the_other(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        new = replace(harbour.owns, recorded_at=day(10))
        await save(store, scope, replace(harbour.owns, retired_at=day(10)), new)

        drop = GraphChange(
            scope=scope, stream=scope.stream, delete_facts=((harbour.owns.id, day(1)),)
        )
        await store.apply(drop, fence=1)

        assert (await store.read([scope], [new.id])).facts == (new,)
        assert new.id in await found(store, scope, await ask(near="owns the boat"))

    async def test_vector_of_the_absent_is_dropped(self, store: GraphStore, scope: Scope) -> None:
        ghost = await make_embedding(make_episode(scope, 1))
        change = GraphChange(
            scope=scope, stream=scope.stream, put_embeddings=(ghost,), model_id=MODEL
        )

        await store.apply(change, fence=1)

        assert (await store.candidates([scope], await ask(near="hello"))).candidates == ()
        assert await store.check([scope]) == []

    # known

    async def test_known_by_name_and_predicate(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        known = await store.known(scope, KnownQuery(names=("ada",), predicates=("likes", "owns")))

        assert {a.statement.predicate for a in known.assertions} == {"likes", "owns"}
        assert {f.id for f in known.facts} == {harbour.likes.id, harbour.owns.id}
        assert set(known.slots) == {harbour.likes.slot, harbour.owns.slot}
        assert {e.id for e in known.entities} == {harbour.ada.id, harbour.ines.id}, "ends too"

    async def test_known_gives_assertions_whole(self, store: GraphStore, scope: Scope) -> None:
        ada = make_entity(scope, "Ada")
        said = [
            make_assertion(make_episode(scope, n), ada, "likes", "rum", quarantined=n == 2)
            for n in (3, 2, 1)
        ]
        await save(store, scope, ada, *said)

        known = await store.known(scope, KnownQuery(names=("ada",), predicates=("likes",)))

        assert known.assertions == tuple(reversed(said)), "in the order of the log"

    async def test_known_follows_merges(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        trail = replace(make_entity(scope, "Inez", kind="thing"), same_as=harbour.ines.id)
        await save(store, scope, trail)

        by_trail = await store.known(scope, KnownQuery(names=("inez",), keyed=("owns",)))
        by_whom = await store.known(scope, KnownQuery(names=("ines",)))
        by_id = await store.known(scope, KnownQuery(entity_ids=(harbour.ines.id,)))
        listed = await store.list([scope], "entity", Filter())

        assert {e.id for e in by_trail.entities} == {trail.id, harbour.ines.id}
        assert {e.id for e in by_whom.entities} == {trail.id, harbour.ines.id}
        assert trail in by_id.entities
        assert by_trail.names == ("inez",)
        assert {e.id for e in listed.entities} == {harbour.ada.id, harbour.ines.id}
        assert (await store.read([scope], [trail.id])).entities == (trail,)
        assert (await store.stats([scope], now=day(9)))["entities"] == 2

    async def test_known_by_object(self, store: GraphStore, scope: Scope, harbour: Harbour) -> None:
        keyed = ("likes", "sails", "owns")
        by_value = KnownQuery(names=("ada",), keyed=keyed, values=("rum", "tea"))
        by_entity = KnownQuery(names=("ada", "ines"), keyed=keyed)

        values = await store.known(scope, by_value)
        entities = await store.known(scope, by_entity)

        assert [a.statement.predicate for a in values.assertions] == ["likes"]
        assert [a.statement.predicate for a in entities.assertions] == ["owns", "sails"]

    async def test_known_reads_slots_whole(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        old = replace(harbour.likes, recorded_at=day(2), retired_at=day(5))
        await save(store, scope, old)

        known = await store.known(scope, KnownQuery(slots=(harbour.likes.slot,)))

        assert {(f.id, f.recorded_at) for f in known.facts} == {
            (old.id, day(2)),
            (old.id, day(5)),
        }
        assert [a.statement.predicate for a in known.assertions] == ["likes"]

    async def test_known_by_mention_and_episode(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        mentioned = await store.known(scope, KnownQuery(mentioned=("ines",)))
        spoken = await store.known(scope, KnownQuery(episode_ids=(harbour.second.id,)))

        assert [a.statement.predicate for a in mentioned.assertions] == ["owns", "sails"]
        assert [a.statement.predicate for a in spoken.assertions] == ["likes", "sails"]

    async def test_known_spans_outside_the_episodes(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        asked = KnownQuery(entity_ids=(harbour.ines.id, harbour.ada.id))
        every = await store.known(scope, asked)
        some = await store.known(scope, replace(asked, episode_ids=(harbour.second.id,)))
        none = await store.known(
            scope, replace(asked, episode_ids=(harbour.first.id, harbour.second.id))
        )

        span = every.spans[harbour.ines.id]
        assert (span.count, span.first, span.last) == (2, day(1), day(5))
        span = some.spans[harbour.ines.id]
        assert (span.count, span.first, span.last) == (1, day(1), day(1))
        assert {span.count for span in none.spans.values()} == {0}
        assert (every.spans[harbour.ada.id].count, some.spans[harbour.ada.id].count) == (3, 1)

    async def test_known_is_of_one_scope(
        self, store: GraphStore, scope: Scope, other: Scope, harbour: Harbour
    ) -> None:
        asked = KnownQuery(
            names=("ada",),
            predicates=("likes",),
            keyed=("owns",),
            values=("rum",),
            episode_ids=(harbour.first.id,),
            mentioned=("ines",),
            slots=(harbour.likes.slot,),
        )

        assert await store.known(other, asked) == Known(names=("ada",), slots=(harbour.likes.slot,))

    # dump and administration

    async def test_dump_is_of_exactly_this_scope(
        self, store: GraphStore, scope: Scope, other: Scope, harbour: Harbour
    ) -> None:
        await make_harbour_elsewhere(store, other)
        await make_harbour_elsewhere(store, replace(scope, agent="planner"))
        retired = replace(harbour.likes, recorded_at=day(2), retired_at=day(5))
        await save(store, scope, retired)

        items = await dump(store, scope)

        assert [type(i) for i in items] == [Episode] * 2 + [Entity] * 2 + [Fact] * 4
        assert {i.scope for i in items} == {scope}
        facts = [(i.id, i.recorded_at) for i in items if isinstance(i, Fact)]
        assert facts == sorted(facts)
        assert (retired.id, day(2)) in facts
        assert items == await dump(store, scope)

    async def test_dump_of_many_is_whole(self, store: GraphStore, scope: Scope) -> None:
        ada = make_entity(scope, "Ada")
        said = make_assertion(make_episode(scope, 1), ada, "likes", "rum")
        facts = [make_fact("likes", said, recorded_at=day(n)) for n in range(1203)]
        await save(store, scope, ada, said, *facts)

        assert await dump(store, scope) == [ada, *facts]

    async def test_stats_count_by_state(
        self, store: GraphStore, scope: Scope, other: Scope, harbour: Harbour
    ) -> None:
        await make_harbour_elsewhere(store, other)
        await save(
            store,
            scope,
            replace(harbour.likes, status="conflict"),
            replace(harbour.owns, retired_at=day(10)),
            replace(harbour.owns, recorded_at=day(10)),
            replace(harbour.likes, id=f"{harbour.likes.id}-maybe", slot="maybe", status="supposed"),
        )

        assert await store.stats([scope], now=day(20)) == {
            "episodes": 2,
            "entities": 2,
            "facts_current": 1,
            "facts_ended": 1,
            "fact_versions": 5,
            "facts_in_conflict": 1,
            "facts_quarantined": 0,
            "facts_supposed": 1,
            "assertions": 3,
        }

    async def test_check_is_silent_when_all_is_well(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        assert await store.check([scope]) == []

    @pytest.mark.parametrize("kind", ["entity", "assertion", "support", "vector"])
    async def test_check_says_what_is_wrong(
        self,
        store: GraphStore,
        scope: Scope,
        harbour: Harbour,
        kind: Literal["entity", "assertion", "support", "vector"],
    ) -> None:
        broken = GraphChange(scope=scope, stream=scope.stream)
        match kind:
            case "entity":
                broken = replace(broken, delete_entities=(harbour.ines.id,))
            case "assertion":
                gone = tuple(s.assertion_id for s in harbour.owns.support)
                broken = replace(broken, delete_assertions=gone)
            case "support":
                broken = replace(broken, put_facts=(replace(harbour.owns, support=()),))
            case "vector":
                broken = replace(broken, put_episodes=(make_episode(scope, 9),))
        await store.apply(broken, fence=1)

        assert len(await store.check([scope])) == 1

    async def test_vectors_put_later_are_seen(self, store: GraphStore, scope: Scope) -> None:
        episode = make_episode(scope, 1, "goats")
        await save(store, scope, episode, put_embeddings=())
        assert await found(store, scope, await ask(near="goats")) == set()

        await store.put_embeddings(MODEL, [await make_embedding(episode)])

        assert await found(store, scope, await ask(near="goats")) == {episode.id}

    async def test_adopt_refuses_another_dimension(self, store: GraphStore) -> None:
        with pytest.raises(EmbeddingMismatch):
            await store.adopt_model(MODEL, EMBEDDER.dimension + 1)


class ReembeddingConformance(Isolated):
    """A change of the embedding model; the store must hold nothing but what the test puts."""

    async def test_reembed_then_adopt(
        self, store: GraphStore, scope: Scope, harbour: Harbour
    ) -> None:
        name, dimension = OTHER.model_id, OTHER.dimension
        items = await store.unembedded(name, limit=100)
        texts = {i: (kind, text) for i, kind, text, _, _ in items}
        assert texts == {
            m.id: ("episode" if isinstance(m, Episode) else "fact", m.text)
            for m in harbour.items.values()
        }
        assert len(await store.unembedded(name, limit=2)) == 2
        assert await store.unembedded(MODEL, limit=100) == []

        vectors = await OTHER.embed([text for _, _, text, _, _ in items], purpose="document")
        made = [
            Embedding(item_id=item[0], kind=item[1], vectors=vectors[n : n + 1])
            for n, item in enumerate(items)
        ]
        await store.put_embeddings(name, made[1:])
        assert not await store.adopt_model(name, dimension)
        assert harbour.likes.id in await found(store, scope, await ask(near="likes rum"))
        await store.put_embeddings(name, made[:1])
        assert await store.unembedded(name, limit=100) == []
        assert await store.adopt_model(name, dimension)

        with pytest.raises(EmbeddingMismatch):
            await store.candidates([scope], await ask(near="likes rum"))
        (vector,) = await OTHER.embed(["Ada likes harbour rum"], purpose="query")
        query = replace(await ask(), vector=vector, model_id=name, vector_limit=1)
        pool = await store.candidates([scope], query)
        best = max(pool.candidates, key=lambda c: c.cosine or -1)
        assert best.id == harbour.likes.id
        assert best.cosine == pytest.approx(1, abs=1e-6)
        assert await store.check([scope]) == []


async def make_harbour_elsewhere(store: GraphStore, scope: Scope) -> None:
    ada = make_entity(scope, "Ada")
    episode = make_episode(scope, 1, "harbour", event_id=f"x{scope.agent}")
    said = make_assertion(episode, ada, "likes", "rum")
    await save(store, scope, ada, episode, said, make_fact("Ada likes rum", said))

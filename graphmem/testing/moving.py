"""What moving a whole memory asks of both stores: subclass these, give a ``store`` fixture.

``store`` holds nothing, nobody else writes to it, and a graph is migrated to ``MODEL``; unlike the
other suites these see all of it, so a server has to be emptied before each test. The records are
written by hand; they are compared as the lines of ``archive``, in any order within a kind.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

import pytest

from graphmem import archive, ids
from graphmem.archive import Record
from graphmem.errors import (
    Conflict,
    EmbeddingMismatch,
    GraphmemError,
    InvalidInput,
    LeaseLost,
    StoreError,
)
from graphmem.models import (
    Assertion,
    Embedding,
    Entity,
    Episode,
    Extraction,
    Fact,
    GraphChange,
    KnownQuery,
    Session,
)
from graphmem.ports import GraphStore, SessionStore
from graphmem.records import (
    Cursor,
    EmbeddingModel,
    ErasedEvent,
    ErasedId,
    Erasure,
    ErasureKey,
    Fence,
    GraphRecord,
    KeptExtraction,
    LoggedEvent,
    StoredEmbedding,
)
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
    make_harbour,
    mark,
    save,
)
from graphmem.testing.whole import (
    ADA,
    BOB,
    KEY,
    NOW,
    graph_records,
    log_records,
    mac_of,
    make_said,
    new,
)

Kinds: TypeAlias = dict[str, list[str]]
R = TypeVar("R", bound=Record)


async def kept(records: AsyncIterator[Record]) -> Kinds:
    """Return what a store says it holds, by kind; the kinds come in their order, each once."""
    return lines([record async for record in records])


def lines(records: Sequence[Record]) -> Kinds:
    by_kind: Kinds = {}
    for record in records:
        kind = archive.kind_of(record)
        assert kind not in by_kind or kind == list(by_kind)[-1], "kind by kind"
        by_kind.setdefault(kind, []).append(archive.dump(record))
    assert list(by_kind) == [kind for kind in archive.KINDS if kind in by_kind]
    return {kind: sorted(told) for kind, told in by_kind.items()}


async def fill(store: Any, records: Sequence[Record], *, batch: int = 3) -> None:
    await store.begin_restore()
    for start in range(0, len(records), batch):
        await store.restore(records[start : start + batch])
    await store.finish_restore()


def records_of(records: Sequence[Record], made: type[R]) -> list[R]:
    return [record for record in records if isinstance(record, made)]


class LogMovingConformance:
    """What every SessionStore must do to be moved."""

    async def test_export_is_what_was_restored(self, store: SessionStore) -> None:
        await fill(store, log_records())

        assert await kept(store.export()) == lines(log_records())
        assert await kept(store.export()) == await kept(store.export())

    async def test_export_is_what_was_written(self, store: SessionStore) -> None:
        scope = replace(ADA, session="s1")
        await store.create(scope, now=NOW, metadata={"a": 1}, expires_at=NOW + timedelta(days=1))
        await store.set_state(scope, {"step": 1}, now=NOW + timedelta(seconds=1))
        events = [new(number) for number in (1, 2, 3)]
        await store.append(scope, events, now=NOW)
        claim = await store.claim("w", lease_s=30, max_events=2, max_bytes=1 << 20, now=NOW)
        assert claim is not None
        read = [Extraction(event_id=e.id, extractor="x/1") for e in claim.events]
        await store.save_extractions(claim, read)
        receipt, fence = await store.tombstone(
            scope, [ids.episode(ADA.app, ADA.user, "s1", "e2")], lease_s=9, now=NOW
        )
        await store.erase(scope, receipt, now=NOW)

        records = [record async for record in store.export()]

        by_type: dict[type, list[Any]] = {}
        for record in records:
            by_type.setdefault(type(record), []).append(record)
        (key,) = by_type[ErasureKey]
        gone = hmac.digest(key.key, ids.episode(ADA.app, ADA.user, "s1", "e2").encode(), "sha256")
        assert by_type[ErasedId] == [ErasedId(scope=ADA, mac=gone)]
        assert by_type[Session] == [replace(await store.get(scope), events=0)]
        assert by_type[LoggedEvent] == [make_said(ADA, 1), make_said(ADA, 3)]
        assert by_type[ErasedEvent] == [ErasedEvent(scope=ADA, seq=2, recorded_at=NOW)]
        assert by_type[KeptExtraction] == [KeptExtraction(scope=ADA, seq=1, extraction=read[0])]
        assert by_type[Erasure] == [
            Erasure(id=receipt, scope=ADA, events=1, opened_at=NOW, closed_at=NOW)
        ]
        assert by_type[Cursor] == [
            Cursor(scope=ADA, last_seq=3, done_seq=0, fence=fence, batch_first=1, batch_last=2)
        ]

    async def test_restored_sessions_are_read(self, store: SessionStore) -> None:
        records = log_records()
        await fill(store, records)

        session = await store.get(replace(ADA, session="s1"))
        listed = await store.list(ADA)

        made = records_of(records, Session)[0]
        assert session == replace(made, events=4)
        assert [s.id for s in listed] == ["s1", "s2"]
        assert [e.seq for e in await store.read(ADA)] == [1, 3, 4, 5, 6]
        open_ = (ids.episode(ADA.app, ADA.user, "s1", "e1"),)
        assert list(await store.tombstones(ADA)) == [("open", open_)]

    async def test_restored_log_goes_on(self, store: SessionStore) -> None:
        await fill(store, log_records())
        scope = replace(ADA, session="s1")
        known = new(5, "I like rum")
        gone = new(2)
        fresh = new(7)

        receipt = await store.append(scope, [known, gone, fresh], now=NOW)

        assert (receipt.known, receipt.forgotten) == (("e5",), ("e2",))
        assert [e.seq for e in receipt.events] == [5, None, 7]
        with pytest.raises(Conflict):
            await store.append(scope, [new(5, "I like tea")], now=NOW)

    async def test_restored_queue_goes_on(self, store: SessionStore) -> None:
        """What waited waits, at its stage and within its bounds; what stood still stands still."""
        await fill(store, log_records())

        claim = await store.claim("w", lease_s=30, max_events=9, max_bytes=1 << 20, now=NOW)
        assert claim is not None
        none = await store.claim("w", lease_s=30, max_events=9, max_bytes=1 << 20, now=NOW)

        assert (claim.scope, claim.fence, claim.stage) == (ADA, 8, "facts")
        assert (claim.first_seq, claim.last_seq, claim.attempts) == (5, 6, 2)
        assert [e.seq for e in claim.events] == [5, 6]
        assert [x.event_id for x in await store.extractions(claim)] == ["e5", "e6"]
        assert none is None
        state = await store.stream(BOB)
        assert state is not None
        assert (state.parked, state.reason, state.pending) == (True, "poison", 1)

    async def test_moves_into_an_empty_log_only(self, store: SessionStore) -> None:
        await store.append(replace(ADA, session="s1"), [new(1)], now=NOW)
        before = await kept(store.export())

        with pytest.raises(Conflict, match="1 event"):
            await store.begin_restore()

        await store.migrate()
        assert await kept(store.export()) == before

    async def test_unfinished_log_is_not_opened(self, store: SessionStore) -> None:
        await store.begin_restore()
        await store.restore(log_records()[:3])

        with pytest.raises(StoreError, match="half a memory"):
            await store.migrate()
        with pytest.raises(Conflict, match="half a memory"):
            await store.begin_restore()

        await store.finish_restore()
        await store.migrate()

    async def test_log_is_restored_between_its_ends(self, store: SessionStore) -> None:
        with pytest.raises(Conflict):
            await store.restore(log_records())
        await fill(store, log_records())
        with pytest.raises(Conflict):
            await store.restore([ErasedEvent(scope=BOB, seq=2, recorded_at=NOW)])

        assert await kept(store.export()) == lines(log_records())

    async def test_batch_of_a_log_is_all_or_nothing(self, store: SessionStore) -> None:
        records = log_records()
        await store.begin_restore()
        await store.restore(records[:9])
        before = await kept(store.export())

        with pytest.raises(GraphmemError):
            await store.restore([*records[9:], records[8]])

        assert await kept(store.export()) == before

    async def test_export_of_a_long_log_is_whole(self, store: SessionStore) -> None:
        events = [make_said(scope, seq) for scope in (ADA, BOB) for seq in range(1, 703)]
        key = ErasureKey(key=KEY)
        cursors = [Cursor(scope=scope, last_seq=702, done_seq=0, fence=1) for scope in (ADA, BOB)]
        gone = [ErasedId(scope=ADA, mac=mac_of(ADA, "s1", str(n))) for n in range(1203)]

        await fill(store, [key, *cursors, *events, *gone], batch=500)

        assert await kept(store.export()) == lines([key, *cursors, *events, *gone])


class GraphMovingConformance:
    """What every GraphStore must do to be moved."""

    async def test_export_is_what_was_restored(self, store: GraphStore) -> None:
        records = await graph_records()

        await fill(store, records)

        assert await kept(store.export()) == lines(records)
        assert await kept(store.export()) == await kept(store.export())

    async def test_export_is_what_was_applied(self, store: GraphStore) -> None:
        records = await graph_records()
        of_one = [
            record
            for record in records
            if isinstance(record, Entity | Episode | Assertion | Fact) and record.scope == ADA
        ]
        await save(store, ADA, *of_one)
        await store.apply(GraphChange(scope=ADA, stream=ADA.stream), fence=7)
        await store.apply(
            GraphChange(scope=ADA, stream=ADA.stream, watermark=mark(ADA, 3)), fence=7
        )

        told = await kept(store.export())

        for kind in ("entity", "episode", "assertion", "fact"):
            assert told[kind] == sorted(
                archive.dump(r) for r in of_one if archive.kind_of(r) == kind
            )
        assert told["model"] == lines(records[:1])["model"]
        assert told["fence"] == [archive.dump(Fence(stream=ADA.stream, fence=7))]
        assert told["watermark"] == [archive.dump(mark(ADA, 3))]
        assert len(told["embedding"]) == 4

    async def test_restored_graph_is_recalled(self, store: GraphStore) -> None:
        records = await graph_records()
        await fill(store, records)
        await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        boat, rum, *_ = records_of(records, Episode)
        old, latest, *_ = records_of(records, Fact)

        assert await found(store, ADA, await ask("käse")) == {boat.id}
        assert await found(store, BOB, await ask("käse boat harbour")) == set()
        near = await store.candidates([ADA], await ask(near="the boat Ines", vector_limit=1))
        assert {c.id: c.cosine for c in near.candidates} == {boat.id: pytest.approx(1, abs=1e-6)}
        assert list(await store.named([ADA], ["captain"])) == records_of(records, Entity)[:1]
        assert list(await store.history(ADA, latest.id)) == [old, latest]
        assert (await store.read([ADA], [rum.id])).episodes == (rum,)
        assert await store.version([ADA]) > 0
        assert await store.check() == []
        with pytest.raises(EmbeddingMismatch):
            await store.migrate(model_id="other/3", dimension=3)

    async def test_restored_graph_is_known(self, store: GraphStore) -> None:
        records = await graph_records()
        await fill(store, records)
        owns, likes, open_, *_ = records_of(records, Assertion)

        known = await store.known(
            ADA, KnownQuery(names=("inez",), mentioned=("ines",), episode_ids=(likes.episode_id,))
        )

        assert known.assertions == (owns, likes, open_)
        assert {e.name for e in known.entities} == {"Ada", "Ines", "Inez"}

    async def test_restored_graph_goes_on(self, store: GraphStore) -> None:
        await fill(store, await graph_records())

        assert await store.watermark(ADA.stream) == {"episodes": 4, "facts": 2}
        change = GraphChange(scope=ADA, stream=ADA.stream, watermark=mark(ADA, 3))
        with pytest.raises(LeaseLost):
            await store.apply(change, fence=6)
        assert not await store.apply(replace(change, watermark=mark(ADA, 2)), fence=7)
        assert await store.apply(change, fence=8)

    async def test_restored_graph_is_embedded_anew(self, store: GraphStore) -> None:
        """The vectors of the model that was not adopted yet came along, too."""
        records = await graph_records()
        await fill(store, records)
        boat = records_of(records, Episode)[0].id

        waiting = await store.unembedded("other/3", limit=100)

        assert boat not in {item for item, *_ in waiting}
        assert len(waiting) == 9
        assert await store.unembedded(MODEL, limit=100) == []

    async def test_moves_into_an_empty_graph_only(self, store: GraphStore) -> None:
        await make_harbour(store, ADA)
        before = await kept(store.export())

        with pytest.raises(Conflict, match="2 episodes"):
            await store.begin_restore()

        await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        assert await kept(store.export()) == before

    async def test_unfinished_graph_is_not_opened(self, store: GraphStore) -> None:
        await store.begin_restore()
        await store.restore((await graph_records())[:3])

        with pytest.raises(StoreError, match="half a memory"):
            await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        with pytest.raises(StoreError, match="half a memory"):
            await store.migrate()
        with pytest.raises(Conflict, match="half a memory"):
            await store.begin_restore()

        await store.finish_restore()
        await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)

    async def test_graph_is_restored_between_its_ends(self, store: GraphStore) -> None:
        records = await graph_records()
        with pytest.raises(Conflict):
            await store.restore(records)
        await fill(store, records)
        with pytest.raises(Conflict):
            await store.restore(records[:1])

        assert await kept(store.export()) == lines(records)

    async def test_batch_of_a_graph_is_all_or_nothing(self, store: GraphStore) -> None:
        records = await graph_records()
        await store.begin_restore()
        await store.restore(records[:9])
        before = await kept(store.export())
        stranger = records_of(records, StoredEmbedding)[0]

        with pytest.raises(InvalidInput, match="nobody"):
            await store.restore([*records[9:], replace(stranger, model_id="nobody")])

        assert await kept(store.export()) == before

    async def test_migrate_without_a_model_asks_for_none(self, store: GraphStore) -> None:
        await fill(store, [EmbeddingModel(id="other/3", dimension=3, active=True)])

        await store.migrate()

        with pytest.raises(EmbeddingMismatch):
            await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)

    async def test_empty_graph_is_restored(self, store: GraphStore) -> None:
        await fill(store, [])

        assert await kept(store.export()) == {}
        await store.migrate(model_id="other/3", dimension=3)

    async def test_export_of_a_large_graph_is_whole(self, store: GraphStore) -> None:
        ada = make_entity(ADA, "Ada")
        episodes = [make_episode(ADA, n, entity_ids=(ada.id,)) for n in range(703)]
        said = [make_assertion(episode, ada, "likes", "rum") for episode in episodes]
        facts = [make_fact("likes", said[0], recorded_at=day(n)) for n in range(703)]
        vectors = EMBEDDER.embed([str(n) for n in range(703)], purpose="document")
        embedded = [
            StoredEmbedding(
                model_id=MODEL,
                embedding=Embedding(item_id=episode.id, kind="episode", vectors=vector[None, :]),
            )
            for episode, vector in zip(episodes, await vectors, strict=True)
        ]
        model = EmbeddingModel(id=MODEL, dimension=EMBEDDER.dimension, active=True)
        records: list[GraphRecord] = [model, ada, *episodes, *said, *facts, *embedded]

        await fill(store, records, batch=500)

        assert await kept(store.export()) == lines(records)
        assert (await store.stats([ADA], now=LATE))["fact_versions"] == 703

    async def test_export_while_somebody_reads(self, store: GraphStore) -> None:
        """Two exports at once are two."""
        records = await graph_records()
        await fill(store, records)

        told = await asyncio.gather(kept(store.export()), kept(store.export()))

        assert told == [lines(records)] * 2

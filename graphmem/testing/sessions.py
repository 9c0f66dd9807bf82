"""The conformance suite of the SessionStore port: subclass it, give a ``store`` fixture.

The clock is an argument everywhere, so nothing here sleeps; scopes are fresh per test, so that a
shared server needs no cleaning. That a whole log can be moved is in ``moving``.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from graphmem import ids
from graphmem.errors import Conflict, LeaseLost, NotFound, StreamParked
from graphmem.models import Claim, Event, Extraction, Scope, TextPart
from graphmem.ports import SessionStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = count()


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def make_event(event_id: str, text: str = "hello", **given: Any) -> Event:
    fields: dict[str, Any] = {
        "id": event_id,
        "parts": (TextPart(text=text),),
        "occurred_at": NOW,
        "session_id": "s1",
    }
    return Event(**{**fields, **given})


def episode_id(scope: Scope, event: Event) -> str:
    return ids.episode(scope.app, scope.user, event.session_id, event.id)


class SessionStoreConformance:
    """What every SessionStore must do."""

    @pytest.fixture
    def scope(self, request: pytest.FixtureRequest) -> Scope:
        name = f"{request.node.name[:60]}-{next(_numbers)}-{id(request)}"
        return Scope(app="conformance", user=name, session="s1")

    async def claim(
        self, store: SessionStore, scope: Scope, at: float = 0, **given: Any
    ) -> Claim | None:
        options: dict[str, Any] = {
            "lease_s": 30,
            "max_events": 32,
            "max_bytes": 65536,
            "stream": scope.stream,
            "now": later(at),
        }
        return await store.claim(given.pop("owner", "w1"), **{**options, **given})

    async def held(self, store: SessionStore, scope: Scope, at: float = 0, **given: Any) -> Claim:
        claim = await self.claim(store, scope, at, **given)
        assert claim is not None
        return claim

    # sessions

    async def test_create_then_get(self, store: SessionStore, scope: Scope) -> None:
        made = await store.create(scope, now=NOW, metadata={"topic": "boats"})

        assert await store.get(scope) == made
        assert made.metadata == {"topic": "boats"}
        assert (made.id, made.events, made.created_at) == ("s1", 0, NOW)

    async def test_create_twice_conflicts(self, store: SessionStore, scope: Scope) -> None:
        await store.create(scope, now=NOW)

        with pytest.raises(Conflict):
            await store.create(scope, now=NOW)

    async def test_get_or_create_at_once_gives_one(self, store: SessionStore, scope: Scope) -> None:
        made = await asyncio.gather(
            *(store.create(scope, now=later(i), exist_ok=True) for i in range(8))
        )

        assert len({s.created_at for s in made}) == 1

    async def test_get_absent_is_not_found(self, store: SessionStore, scope: Scope) -> None:
        with pytest.raises(NotFound):
            await store.get(scope)

    async def test_list_pages_by_id(self, store: SessionStore, scope: Scope) -> None:
        for name in ("b", "a", "c"):
            await store.create(Scope(app=scope.app, user=scope.user, session=name), now=NOW)

        first = await store.list(scope, limit=2)
        rest = await store.list(scope, limit=2, after=first[-1].id)

        assert [s.id for s in first] == ["a", "b"]
        assert [s.id for s in rest] == ["c"]

    async def test_list_is_of_one_user(self, store: SessionStore, scope: Scope) -> None:
        await store.create(scope, now=NOW)

        other = Scope(app=scope.app, user=f"{scope.user}-other")

        assert await store.list(other) == []

    async def test_delete_then_not_found(self, store: SessionStore, scope: Scope) -> None:
        await store.create(scope, now=NOW)

        await store.delete(scope)

        with pytest.raises(NotFound):
            await store.delete(scope)

    async def test_state_merges_and_null_removes(self, store: SessionStore, scope: Scope) -> None:
        await store.create(scope, now=NOW)
        await store.set_state(scope, {"a": 1, "b": [2]}, now=later(1))

        session = await store.set_state(scope, {"a": None, "c": "x"}, now=later(2))

        assert session.state == {"b": [2], "c": "x"}
        assert session.updated_at == later(2)

    async def test_state_of_absent_session(self, store: SessionStore, scope: Scope) -> None:
        with pytest.raises(NotFound):
            await store.set_state(scope, {"a": 1}, now=NOW)

    async def test_expiry_waits_for_consolidation(self, store: SessionStore, scope: Scope) -> None:
        await store.create(scope, now=NOW, expires_at=later(60))
        await store.append(scope, [make_event("e1")], now=NOW)

        assert scope not in await store.expire(now=later(100), limit=100_000)

        claim = await self.held(store, scope, at=100)
        facts = await store.acknowledge(claim)
        assert facts is not None
        await store.acknowledge(facts)
        assert scope not in await store.expire(now=later(59), limit=100_000)
        assert scope in await store.expire(now=later(100), limit=100_000)

    async def test_append_to_expired_conflicts(self, store: SessionStore, scope: Scope) -> None:
        await store.create(scope, now=NOW, expires_at=later(60))

        with pytest.raises(Conflict):
            await store.append(scope, [make_event("e1")], now=later(61))

    # the log

    async def test_append_keeps_every_field(self, store: SessionStore, scope: Scope) -> None:
        event = make_event(
            "e1",
            "käse \U0001f9c0 “quoted”\n\ttab",
            type="tool_result",
            role="tool",
            author="Ada",
            agent="planner",
            metadata={"k": [1, {"x": None}]},
            origin="tool",
        )

        await store.append(scope, [event], now=NOW)

        (found,) = await store.read(scope)
        for name in ("id", "type", "role", "parts", "author", "agent", "metadata", "origin"):
            assert getattr(found, name) == getattr(event, name)
        assert found.occurred_at == event.occurred_at
        assert (found.seq, found.recorded_at) == (1, NOW)

    async def test_append_is_dense_across_sessions(self, store: SessionStore, scope: Scope) -> None:
        other = Scope(app=scope.app, user=scope.user, session="s2")
        await store.append(scope, [make_event("a"), make_event("b")], now=NOW)
        await store.append(other, [make_event("a", session_id="s2")], now=NOW)
        await store.append(scope, [make_event("c")], now=NOW)

        stream = await store.read(Scope(app=scope.app, user=scope.user))

        assert [(e.seq, e.session_id, e.id) for e in stream] == [
            (1, "s1", "a"),
            (2, "s1", "b"),
            (3, "s2", "a"),
            (4, "s1", "c"),
        ]
        assert [e.id for e in await store.read(scope)] == ["a", "b", "c"]

    async def test_append_same_again_is_noop(self, store: SessionStore, scope: Scope) -> None:
        first = await store.append(scope, [make_event("a")], now=NOW)

        again = await store.append(scope, [make_event("a"), make_event("b")], now=later(5))

        assert again.known == ("a",)
        assert again.stored == 1
        assert again.events[0] == first.events[0]
        assert [e.seq for e in await store.read(scope)] == [1, 2]

    async def test_append_other_content_conflicts(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a", "one")], now=NOW)

        with pytest.raises(Conflict):
            await store.append(scope, [make_event("b"), make_event("a", "two")], now=NOW)

        assert [e.id for e in await store.read(scope)] == ["a"], "all or none"

    async def test_stamped_time_is_no_content(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a", stamped=True)], now=NOW)

        again = await store.append(
            scope, [make_event("a", stamped=True, occurred_at=later(9))], now=later(9)
        )

        assert again.known == ("a",)

    async def test_appends_at_once_lose_nothing(self, store: SessionStore, scope: Scope) -> None:
        await asyncio.gather(
            *(store.append(scope, [make_event(f"e{i}")], now=NOW) for i in range(20))
        )

        found = await store.read(scope)

        assert [e.seq for e in found] == list(range(1, 21))
        assert {e.id for e in found} == {f"e{i}" for i in range(20)}

    async def test_read_after_and_newest(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event(f"e{i}") for i in range(1, 6)], now=NOW)

        assert [e.seq for e in await store.read(scope, after_seq=2, limit=2)] == [3, 4]
        assert [e.seq for e in await store.read(scope, limit=2, newest=True)] == [4, 5]

    async def test_events_by_episode_id(self, store: SessionStore, scope: Scope) -> None:
        events = [make_event("a"), make_event("b")]
        await store.append(scope, events, now=NOW)

        found = await store.events(scope, [episode_id(scope, events[1]), "no-such"])

        assert [e.id for e in found] == ["b"]
        other = Scope(app=scope.app, user=f"{scope.user}-other")
        assert not await store.events(other, [episode_id(scope, events[1])])

    async def test_private_session_marks_its_events(
        self, store: SessionStore, scope: Scope
    ) -> None:
        await store.create(scope, now=NOW, private_to="planner")
        await store.append(scope, [make_event("a")], now=NOW)

        (found,) = await store.read(scope)

        assert found.private_to == "planner"

    # the queue

    async def test_claim_nothing_is_none(self, store: SessionStore, scope: Scope) -> None:
        assert await self.claim(store, scope) is None

    async def test_claim_gives_the_batch_in_order(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event(f"e{i}") for i in range(5)], now=NOW)

        claim = await self.held(store, scope, max_events=3)

        assert [e.id for e in claim.events] == ["e0", "e1", "e2"]
        assert (claim.first_seq, claim.last_seq, claim.stage) == (1, 3, "episodes")

    async def test_claim_bounds_bytes(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event(f"e{i}", "x" * 500) for i in range(5)], now=NOW)

        claim = await self.held(store, scope, max_bytes=1200)
        assert claim.last_seq == 2

    async def test_one_oversize_event_is_a_batch(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("e", "x" * 500), make_event("f")], now=NOW)

        claim = await self.held(store, scope, max_bytes=10)
        assert (claim.first_seq, claim.last_seq) == (1, 1)

    async def test_claimed_stream_is_not_claimed_again(
        self, store: SessionStore, scope: Scope
    ) -> None:
        await store.append(scope, [make_event("a")], now=NOW)
        await self.held(store, scope)

        assert await self.claim(store, scope, at=29) is None

    async def test_lapsed_lease_is_claimed_with_a_higher_fence(
        self, store: SessionStore, scope: Scope
    ) -> None:
        await store.append(scope, [make_event("a")], now=NOW)
        first = await self.held(store, scope)

        second = await self.held(store, scope, at=31, owner="w2")

        assert second.fence > first.fence
        with pytest.raises(LeaseLost):
            await store.acknowledge(first)
        with pytest.raises(LeaseLost):
            await store.renew(first, lease_s=30, now=later(32))

    async def test_bounds_are_frozen_at_first_claim(
        self, store: SessionStore, scope: Scope
    ) -> None:
        await store.append(scope, [make_event("a")], now=NOW)
        first = await self.held(store, scope)
        await store.append(scope, [make_event("b")], now=NOW)

        again = await self.held(store, scope, at=31, owner="w2")

        assert (again.first_seq, again.last_seq) == (first.first_seq, first.last_seq)

    async def test_stages_then_cursor_moves(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a")], now=NOW)
        claim = await self.held(store, scope)

        facts = await store.acknowledge(claim)
        assert facts is not None
        assert facts.stage == "facts"
        state = await store.stream(scope)
        assert state is not None
        assert state.pending == 1

        assert await store.acknowledge(facts) is None
        state = await store.stream(scope)
        assert state is not None
        assert (state.pending, state.done_seq, state.owner) == (0, 1, None)

    async def test_bookmark_stays_until_the_next(self, store: SessionStore, scope: Scope) -> None:
        async def kept() -> str | None:
            state = await store.stream(scope)
            assert state is not None
            return state.bookmark

        event = make_event("a")
        await store.append(scope, [event], now=NOW)
        assert await kept() is None
        facts = await store.acknowledge(await self.held(store, scope), bookmark="FB:1 FB:2")
        assert facts is not None
        assert await kept() == "FB:1 FB:2"
        await store.acknowledge(facts)
        assert await kept() == "FB:1 FB:2", "a stage that wrote nothing leaves it"

        receipt, _ = await store.tombstone(scope, [episode_id(scope, event)], lease_s=60, now=NOW)
        await store.erase(scope, receipt, now=NOW, bookmark="FB:3")

        assert await kept() == "FB:3"
        listed = {s.stream: s.bookmark for s in await store.streams(limit=100_000)}
        assert listed[scope.stream] == "FB:3"

    async def test_retry_resumes_at_its_stage(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a")], now=NOW)
        facts = await store.acknowledge(await self.held(store, scope))
        assert facts is not None

        again = await self.held(store, scope, at=31, owner="w2")

        assert again.stage == "facts"

    async def test_extractions_survive_a_retry(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a"), make_event("b")], now=NOW)
        claim = await self.held(store, scope)
        kept = [Extraction(event_id=e.id, extractor="x/1") for e in claim.events]
        await store.save_extractions(claim, kept)

        again = await self.held(store, scope, at=31, owner="w2")

        assert list(await store.extractions(again)) == kept
        with pytest.raises(LeaseLost):
            await store.save_extractions(claim, kept)

    async def test_release_waits_until_its_time(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a")], now=NOW)
        claim = await self.held(store, scope)
        await store.release(claim, not_before=later(10), reason="away")

        assert await self.claim(store, scope, at=9) is None
        again = await self.held(store, scope, at=10)
        assert again.attempts == 1

    async def test_parked_stream_waits_for_resume(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a")], now=NOW)
        await store.release(
            await self.held(store, scope), not_before=None, reason="poison", park=True
        )

        assert await self.claim(store, scope, at=1e6) is None
        state = await store.stream(scope)
        assert state is not None
        assert (state.parked, state.reason) == (True, "poison")

        resumed = await store.resume(scope)
        assert not resumed.parked
        assert (await self.held(store, scope, at=1)).attempts == 0

    async def test_skip_passes_the_poison(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a"), make_event("b")], now=NOW)
        claim = await self.held(store, scope, max_events=1)
        await store.release(claim, not_before=None, reason="poison", park=True)

        await store.resume(scope, skip=True)

        assert [e.id for e in (await self.held(store, scope)).events] == ["b"]

    async def test_resume_what_runs_conflicts(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a")], now=NOW)

        with pytest.raises(StreamParked):
            await store.resume(scope)

    async def test_pending_streams_are_listed(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a")], now=NOW)

        listed = await store.streams(pending=True, limit=100_000)

        assert scope.stream in {s.stream for s in listed}

    # erasure

    async def test_erase_removes_content_and_stays(self, store: SessionStore, scope: Scope) -> None:
        events = [make_event("a", "secret"), make_event("b")]
        await store.append(scope, events, now=NOW)
        gone = episode_id(scope, events[0])

        receipt, _ = await store.tombstone(scope, [gone], lease_s=60, now=NOW)
        assert (receipt, (gone,)) in list(await store.tombstones(scope))
        await store.erase(scope, receipt, now=NOW)

        assert [e.id for e in await store.read(scope)] == ["b"]
        assert list(await store.tombstones(scope)) == []
        again = await store.append(scope, [make_event("a", "secret")], now=later(9))
        assert again.forgotten == ("a",)
        assert [e.id for e in await store.read(scope)] == ["b"]

    async def test_tombstone_fences_the_worker_off(self, store: SessionStore, scope: Scope) -> None:
        events = [make_event("a"), make_event("b")]
        await store.append(scope, events, now=NOW)
        claim = await self.held(store, scope)

        _, fence = await store.tombstone(
            scope, [episode_id(scope, events[0])], lease_s=60, now=later(1)
        )

        assert fence > claim.fence
        with pytest.raises(LeaseLost):
            await store.acknowledge(claim)
        assert await self.claim(store, scope, at=59) is None, "nobody else gets in"
        assert await self.claim(store, scope, at=62) is not None

    async def test_erase_keeps_the_order_dense(self, store: SessionStore, scope: Scope) -> None:
        events = [make_event(f"e{i}") for i in range(3)]
        await store.append(scope, events, now=NOW)
        receipt, _ = await store.tombstone(
            scope, [episode_id(scope, events[1])], lease_s=60, now=NOW
        )
        await store.erase(scope, receipt, now=NOW)

        claim = await self.held(store, scope, at=1)

        assert (claim.first_seq, claim.last_seq) == (1, 3)
        assert [e.id for e in claim.events] == ["e0", "e2"]

    async def test_tombstone_of_nothing(self, store: SessionStore, scope: Scope) -> None:
        await store.append(scope, [make_event("a")], now=NOW)

        with pytest.raises(NotFound):
            await store.tombstone(scope, ["no-such"], lease_s=60, now=NOW)

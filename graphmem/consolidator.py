"""One batch of a stream through both stages: the only I/O of consolidation.

The worker and ``generate_memories`` both come here, so there is one path from an event to a fact.
Stage *episodes* needs no language model: an outage of the model hides nothing from recall. Stage
*facts* extracts (once, the log keeps it), asks, plans and applies. Also carries erasures through,
whoever began them. Does not know when it is called, nor how failures are counted into waiting:
that is ``retry``, pure, with its randomness as an argument.
"""

import logging
import traceback
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from graphmem import codec, decisions, ids
from graphmem.consolidation import forgetting
from graphmem.consolidation import plan as planning
from graphmem.consolidation.assertions import assert_all, assert_merge
from graphmem.consolidation.plan import Outcome
from graphmem.consolidation.predicates import Predicate
from graphmem.errors import ExtractionError, GraphmemError, LeaseLost
from graphmem.models import (
    Assertion,
    Claim,
    Embedding,
    Episode,
    Event,
    Extraction,
    Fact,
    GraphChange,
    JsonPart,
    Known,
    KnownQuery,
    Scope,
    Watermark,
)
from graphmem.ports import Embedder, Extractor, GraphStore, SessionStore, Together
from graphmem.retrieval.text import analyse, embedded_text, indexed_text

log = logging.getLogger(__name__)

FORGET_LEASE_S: Final = 60.0
_CONTEXT_EVENTS: Final = 20
_MOST_DOUBLED: Final = 30  # times; beyond, every delay is at its ceiling


def apart(*, synced: bool = True) -> AbstractAsyncContextManager[None]:
    """Leave every step a transaction of its own: log and graph share no store."""
    return nullcontext()


def terms_of(text: str) -> str:
    """Return what full text indexes of a text."""
    return " ".join(analyse(text))


def home_of(event: Event, scope: Scope) -> Scope:
    """Return the level at which an event's memories live: the user's, or a private agent's."""
    return Scope(app=scope.app, user=scope.user, agent=event.private_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """What one batch made: events taken in, and the named differences."""

    stream: str
    first_seq: int
    last_seq: int
    events: int
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one batch holds, how long a lease lasts and how often a batch is tried.

    ``backoff_most_s`` bounds the wait after a failure of the batch, ``outage_most_s`` that for a
    store or a model that is away.
    """

    lease_s: float = 30.0
    batch_events: int = 128
    batch_bytes: int = 131072
    attempts: int = 6
    backoff_s: float = 0.5
    backoff_most_s: float = 300.0
    outage_most_s: float = 60.0


def retry(
    error: GraphmemError, attempts: int, limits: Limits, *, now: datetime, jitter: float
) -> tuple[datetime | None, bool]:
    """Return when to try again and whether to park instead.

    Full jitter (Brooker, "Exponential Backoff and Jitter", AWS 2015): ``jitter`` is from 0 to 1.
    What cannot succeed by waiting parks at once. While a store or a model is away nothing parks,
    however often it was tried: nobody should have to set all streams going again afterwards.
    """
    if not error.retryable or (attempts + 1 >= limits.attempts and not error.outage):
        return None, True
    most = limits.outage_most_s if error.outage else limits.backoff_most_s
    ceiling = min(most, limits.backoff_s * 2 ** min(attempts, _MOST_DOUBLED))
    return now + timedelta(seconds=ceiling * jitter), False


class Consolidator:
    """Takes claims to facts, and erasures to their end, over the ports it is given.

    ``together`` makes one transaction of what is done inside it, where log and graph share a store.
    """

    def __init__(
        self,
        sessions: SessionStore,
        graph: GraphStore,
        extractor: Extractor,
        embedder: Embedder,
        *,
        predicates: Mapping[str, Predicate],
        limits: Limits | None = None,
        together: Together = apart,
    ) -> None:
        self.together = together
        self.sessions = sessions
        self.graph = graph
        self.embedder = embedder
        self._extractor = extractor
        self._table = predicates
        self.limits = limits or Limits()

    async def step(
        self,
        owner: str,
        *,
        stream: str | None = None,
        now: datetime | None = None,
        jitter: float = 1.0,
    ) -> BatchReport | None:
        """Claim a batch, take it through both stages, acknowledge; None if nothing was ready.

        A failure is recorded with the stream (to be tried again, or parked) and raised.
        """
        claim = await self.sessions.claim(
            owner,
            lease_s=self.limits.lease_s,
            max_events=self.limits.batch_events,
            max_bytes=self.limits.batch_bytes,
            stream=stream,
            now=now,
        )
        if claim is None:
            return None
        try:
            return await self._batch(claim, now=now)
        except LeaseLost:
            log.info("lease lost", extra={"stream": claim.stream, "fence": claim.fence})
            raise
        except GraphmemError as error:
            began = now or claim.lease_until - timedelta(seconds=self.limits.lease_s)
            again, park = retry(error, claim.attempts, self.limits, now=began, jitter=jitter)
            await self.sessions.release(
                claim, not_before=again, reason=f"{type(error).__name__}: {error}", park=park
            )
            raise

    async def _batch(self, claim: Claim, *, now: datetime | None) -> BatchReport:
        # Where log and graph share a store nothing here waits for the disk: what a power cut undoes
        # in the graph it undoes in the log too, and the events, which are on disk, come again.
        gone = await self.finish_erasures(claim.scope, fence=claim.fence, now=claim.lease_until)
        if gone:
            # The claim was read before: what has just been erased must not enter again.
            left = tuple(e for e in claim.events if _episode_id(e, claim.scope) not in gone)
            claim = replace(claim, events=left)
        if claim.stage == "episodes":
            change = await self._episodes(claim)
            async with self.together(synced=False):
                await self.graph.apply(change, fence=claim.fence)
                moved = await self._acknowledge(claim)
                if moved is None:
                    raise LeaseLost
                claim = await self.sessions.renew(moved, lease_s=self.limits.lease_s, now=now)
        change, outcomes = await self._facts(claim)
        async with self.together(synced=False):
            if not await self.graph.apply(change, fence=claim.fence):
                outcomes = ()
            await self._acknowledge(claim)
        return BatchReport(
            stream=claim.stream,
            first_seq=claim.first_seq,
            last_seq=claim.last_seq,
            events=len(claim.events),
            outcomes=outcomes,
        )

    async def _acknowledge(self, claim: Claim) -> Claim | None:
        """Say in the log what the graph has, and from where on that can be read."""
        bookmark = await self.graph.bookmark(claim.scope)
        return await self.sessions.acknowledge(claim, bookmark=bookmark)

    # stage: episodes ------------------------------------------------------------------------

    async def _episodes(self, claim: Claim) -> GraphChange:
        episodes = [_episode(e, claim.scope) for e in claim.events if is_episode(e)]
        return GraphChange(
            scope=claim.scope,
            stream=claim.stream,
            watermark=Watermark(stream=claim.stream, stage="episodes", seq=claim.last_seq),
            put_episodes=tuple(episodes),
            put_embeddings=await self.embed_episodes(episodes),
            model_id=self.embedder.model_id,
        )

    async def embed_episodes(self, episodes: Sequence[Episode]) -> tuple[Embedding, ...]:
        """Return the vectors of every window of every episode."""
        return await self._embed(
            [
                (e.id, "episode", embedded_text(e.author, e.occurred_at, window))
                for e in episodes
                for window in self.embedder.windows(e.text)
            ]
        )

    async def _embed(self, items: Sequence[tuple[str, str, str]]) -> tuple[Embedding, ...]:
        if not items:
            return ()
        vectors = await self.embedder.embed([text for *_, text in items], purpose="document")
        grouped: dict[tuple[str, str], list[int]] = {}
        for i, (item, kind, _) in enumerate(items):
            grouped.setdefault((item, kind), []).append(i)
        return tuple(
            Embedding(
                item_id=item,
                kind="episode" if kind == "episode" else "fact",
                vectors=np.ascontiguousarray(vectors[where]),
            )
            for (item, kind), where in grouped.items()
        )

    # stage: facts ---------------------------------------------------------------------------

    async def _facts(self, claim: Claim) -> tuple[GraphChange, tuple[Outcome, ...]]:
        extractions = await self._extract(claim)
        by_home: dict[Scope, list[Assertion]] = {}
        for event, extraction in zip(claim.events, extractions, strict=True):
            home = home_of(event, claim.scope)
            by_home.setdefault(home, []).extend(assert_all(home, event, extraction, self._table))
        mark = Watermark(stream=claim.stream, stage="facts", seq=claim.last_seq)
        undone = await self._split(claim)
        released: dict[Scope, dict[str, str]] = {}
        for home, event, body in decisions.read(claim.events, claim.scope):
            stated = by_home.setdefault(home, [])
            match body:
                case {"decision": "release", "assertions": dict() as slots}:
                    freed = released.setdefault(home, {})
                    freed.update({k: str(v) for k, v in slots.items()})
                case {"decision": "merge", "keep": str(keep), "other": str(other)}:
                    merged = assert_merge(home, event, keep, other)
                    stated += [merged] if merged.id not in undone else []
                case _:
                    continue
        changes = [GraphChange(scope=claim.scope, stream=claim.stream, watermark=mark)]
        outcomes: list[Outcome] = []
        texts: dict[str, str] = {}
        for home, assertions in by_home.items():
            if not assertions and home not in released:
                continue  # most of what is said states nothing: the graph need not be asked
            plan = await self._plan(home, assertions, mark, released.get(home, {}))
            changes.append(plan.change)
            outcomes += plan.outcomes
            texts |= plan.texts
        return await self._with_vectors(planning.merge(changes), texts), tuple(outcomes)

    async def _extract(self, claim: Claim) -> Sequence[Extraction]:
        kept = await self.sessions.extractions(claim)
        if len(kept) == len(claim.events):
            return kept
        context: Sequence[Event] = ()
        if claim.events and claim.first_seq > 1:
            context = await self.sessions.read(
                claim.scope,
                after_seq=max(0, claim.first_seq - 1 - _CONTEXT_EVENTS),
                limit=_CONTEXT_EVENTS,
            )
            context = [e for e in context if e.seq is not None and e.seq < claim.first_seq]
        read = [e for e in claim.events if given_extraction(e) is None]
        try:
            fresh = iter(await self._extractor.extract(read, context=context))
        except GraphmemError:
            raise
        except Exception as error:  # an extractor is a user's code: a fault of it
            # counts as an attempt and parks the stream, instead of being tried for ever.
            # Not its message, which may quote the text: the reason outlives an erasure.
            raise ExtractionError(f"the extractor failed: {_where(error)}") from error
        found = [given_extraction(e) or next(fresh) for e in claim.events]
        await self.sessions.save_extractions(claim, found)
        return found

    async def _plan(
        self,
        home: Scope,
        assertions: Sequence[Assertion],
        mark: Watermark,
        released: Mapping[str, str],
    ) -> planning.Plan:
        asked = planning.ask(assertions, self._table)
        asked = replace(asked, slots=tuple(sorted({*asked.slots, *released.values()})))
        known = await self.graph.known(home, asked)
        while True:
            plan = planning.plan(
                home,
                assertions,
                known,
                watermark=mark,
                table=self._table,
                analyse=terms_of,
                released=frozenset(released),
            )
            if plan.question is None:
                return plan
            known = _joined(known, await self.graph.known(home, plan.question))

    async def _with_vectors(self, change: GraphChange, texts: Mapping[str, str]) -> GraphChange:
        return replace(
            change,
            put_embeddings=await self._embed([(i, "fact", t) for i, t in texts.items()]),
            model_id=self.embedder.model_id,
        )

    async def _split(self, claim: Claim) -> set[str]:
        """Undo the merges that decisions of the batch take back; return their assertions' ids.

        Written at once: what else is in the batch is decided as though they had never been.
        """
        undone: set[str] = set()
        for home, _, body in decisions.read(claim.events, claim.scope):
            match body:
                case {"decision": "split", "merge": str(merge), "of": str(other)}:
                    undone.add(merge)
                    known = await self.graph.known(home, KnownQuery(entity_ids=(other,)))
                    gone = [a for a in known.assertions if a.id == merge]
                    if gone:
                        plan = await self._without(home, (), known, gone)
                        change = await self._with_vectors(plan.change, plan.texts)
                        await self.graph.apply(change, fence=claim.fence)
                case _:
                    continue
        return undone

    # erasure --------------------------------------------------------------------------------

    async def forget(
        self, home: Scope, episode_ids: Sequence[str], *, now: datetime
    ) -> tuple[str, planning.Plan]:
        """Erase events with all that was read from them; the receipt's id, and what it changed.

        One log transaction marks them and takes the stream; then the graph, then the log. Whoever
        claims the stream next finishes an erasure that was cut short; where log and graph share a
        store, the caller makes one transaction of it all.
        """
        receipt, fence = await self.sessions.tombstone(
            home, episode_ids, lease_s=FORGET_LEASE_S, now=now
        )
        plan = await self._unlearn(home, episode_ids, fence)
        await self.sessions.erase(home, receipt, now=now, bookmark=await self.graph.bookmark(home))
        return receipt, plan

    async def finish_erasures(self, scope: Scope, *, fence: int, now: datetime) -> set[str]:
        """Carry open receipts of the stream through, under a claim's fence; what they erased."""
        gone: set[str] = set()
        for receipt, episode_ids in await self.sessions.tombstones(scope):
            log.info("finishing an erasure", extra={"stream": scope.stream, "receipt": receipt})
            events = await self.sessions.events(scope, episode_ids)
            homes: dict[Scope, list[str]] = {}
            for event in events:
                homes.setdefault(home_of(event, scope), []).append(_episode_id(event, scope))
            for home, members in homes.items():
                await self._unlearn(home, members, fence)
            await self.sessions.erase(
                scope, receipt, now=now, bookmark=await self.graph.bookmark(scope)
            )
            gone.update(episode_ids)
        return gone

    async def _unlearn(self, home: Scope, episode_ids: Sequence[str], fence: int) -> planning.Plan:
        # First the fence alone: what is in flight under an older one can no longer land between
        # what we read here and what we write.
        await self.graph.apply(GraphChange(scope=home, stream=home.stream), fence=fence)
        plan = await self.preview(home, episode_ids)
        await self.graph.apply(await self._with_vectors(plan.change, plan.texts), fence=fence)
        return plan

    async def preview(self, home: Scope, episode_ids: Sequence[str]) -> planning.Plan:
        """Return what erasing these episodes would change; writes nothing."""
        asked = KnownQuery(episode_ids=tuple(episode_ids))
        known = await self.graph.known(home, asked)
        doomed = set(episode_ids)
        gone = [a for a in known.assertions if a.episode_id in doomed]
        return await self._without(home, episode_ids, known, gone)

    async def _without(
        self, home: Scope, episode_ids: Sequence[str], known: Known, gone: Sequence[Assertion]
    ) -> planning.Plan:
        """Return what would change, had these assertions never been made."""
        erasure = forgetting.begin(gone)
        while True:
            known = _joined(known, await self.graph.known(home, erasure.question(episode_ids)))
            wider = forgetting.widen(erasure, known)
            if wider == erasure:
                break
            erasure = wider
        while True:
            plan = forgetting.unlearn(
                home, erasure, episode_ids, known, table=self._table, analyse=terms_of
            )
            if plan.question is None:
                return plan
            known = _joined(known, await self.graph.known(home, plan.question))


def _where(error: BaseException) -> str:
    """Return the kind of a fault and the line that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return " ".join([type(error).__name__, *(f"in {f.name}, line {f.lineno}" for f in last)])


def given_extraction(event: Event) -> Extraction | None:
    """Return the statements that a caller had read already and put into the log."""
    if event.type != "system_event" or event.origin != "bootstrapped":
        return None
    for part in event.parts:
        match part:
            case JsonPart(value={"extraction": str(body)}):
                return codec.load_extraction(body)
            case _:
                continue
    return None


def is_episode(event: Event) -> bool:
    """Return whether an event is something to recall: a decision, which has no words, is not."""
    return bool(event.text.strip())


def _episode_id(event: Event, scope: Scope) -> str:
    return ids.episode(scope.app, scope.user, event.session_id, event.id)


def _episode(event: Event, scope: Scope) -> Episode:
    if event.seq is None or event.recorded_at is None:
        raise ValueError(f"event {event.id!r} has not been through the log")
    return Episode(
        id=_episode_id(event, scope),
        scope=home_of(event, scope),
        event_id=event.id,
        session_id=event.session_id,
        seq=event.seq,
        role=event.role,
        author=event.author,
        text=event.text,
        terms=terms_of(indexed_text(event.author, event.occurred_at, event.text)),
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        source_class=event.source_class,
        origin=event.origin,
        metadata=event.metadata,
    )


def _joined(one: Known, other: Known) -> Known:
    """Return both answers as one; the later one wins where they overlap."""
    assertions = {a.id: a for a in (*one.assertions, *other.assertions)}
    facts: dict[tuple[str, datetime], Fact] = {
        (f.id, f.recorded_at): f for f in (*one.facts, *other.facts)
    }
    entities = {e.id: e for e in (*one.entities, *other.entities)}
    return Known(
        entities=tuple(sorted(entities.values(), key=lambda e: e.id)),
        assertions=tuple(sorted(assertions.values(), key=lambda a: (a.seq, a.ordinal))),
        facts=tuple(facts.values()),
        names=tuple(sorted({*one.names, *other.names})),
        slots=tuple(sorted({*one.slots, *other.slots})),
        spans={**one.spans, **other.spans},
    )

"""MemoryManager: the verbs that users call.

Each method is a short script over ports and pure functions; what a verb knows lives in the room
it calls. Does not know which backends stand behind the ports, nor any wire format.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

from graphmem import codec, decisions, ids
from graphmem.consolidation.forgetting import overdue
from graphmem.consolidation.plan import Outcome
from graphmem.consolidator import Consolidator
from graphmem.context import assembler
from graphmem.conversations import Sessions
from graphmem.errors import Conflict, InvalidInput, NotFound, StoreUnavailable, StreamParked
from graphmem.guard.text import MAX_TEXT_BYTES, check_event, check_id, check_text
from graphmem.listing import PAGE, pages
from graphmem.models import (
    AppendReceipt,
    Context,
    Entity,
    Episode,
    Event,
    Extraction,
    Fact,
    Filter,
    ForgetReceipt,
    Hit,
    Json,
    JsonPart,
    MemoryKind,
    Page,
    Policy,
    Scope,
    StreamState,
    TextPart,
)
from graphmem.ports import KnowledgeSource
from graphmem.retrieval.retriever import Retriever
from graphmem.review import Review

Clock = Callable[[], datetime]
Counter = Callable[[str], int]

NOTES = "notes"
_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What consolidation made of a stream: events taken in and the named differences."""

    events: int
    outcomes: tuple[Outcome, ...]
    stream: StreamState | None


class MemoryManager:
    """Memory for agents: append what happens, ask what is known, forget what must go.

    Made by ``graphmem.open``. Every verb takes a scope; upwards (the app's level) a scope can
    read, and never write.
    """

    def __init__(
        self,
        consolidator: Consolidator,
        retriever: Retriever,
        *,
        clock: Clock,
        counter: Counter,
        knowledge: Sequence[KnowledgeSource] = (),
        max_text_bytes: int = MAX_TEXT_BYTES,
        wake: Callable[[], None] | None = None,
    ) -> None:
        self.consolidator = consolidator
        self.sessions = Sessions(consolidator.sessions, self._delete_ids, clock)
        self.review = Review(
            consolidator.sessions, consolidator.graph, clock, self.generate_memories
        )
        self._log = consolidator.sessions
        self._graph = consolidator.graph
        self.retriever = retriever
        self._clock = clock
        self._count = counter
        self._knowledge = tuple(knowledge)
        self._limit = max_text_bytes
        self._wake = wake

    # writing --------------------------------------------------------------------------------

    async def append(self, scope: Scope, events: Sequence[Event]) -> AppendReceipt:
        """Store events of ``scope.session``: durable, in order, once; recall follows soon after.

        All or none. An id that is there with the same content is a no-op, with other content a
        Conflict.
        """
        if scope.session is None:
            raise InvalidInput("append needs a session in its scope: where did this happen?")
        if scope.session.startswith("@"):
            raise InvalidInput(f"session {scope.session!r}: ids that begin with @ are our own")
        now = self._clock()
        for event in events:
            if event.session_id != scope.session:
                raise InvalidInput(
                    f"event {event.id!r} is of session {event.session_id!r}, "
                    f"not of {scope.session!r}"
                )
            check_event(event, now=now, limit=self._limit)
        receipt = await self._log.append(scope, events, now=now)
        if self._wake is not None and receipt.stored:
            self._wake()
        return receipt

    async def remember(self, text: str, scope: Scope) -> str:
        """Keep what somebody asked to be remembered; return its id for recall, why and forget.

        The id is there also when nothing can be read in the text: then its words are the memory.
        The same text in the same session is the same memory.
        """
        check_text(text, "the text to remember", limit=self._limit)
        here = replace(scope, session=scope.session or NOTES)
        event = Event(
            id="note-" + ids.digest(text)[:24],
            parts=(TextPart(text=text),),
            occurred_at=self._clock(),
            stamped=True,
            session_id=here.session or NOTES,
            origin="explicit",
        )
        await self.append(here, [event])
        return ids.episode(scope.app, scope.user, event.session_id, event.id)

    async def generate_memories(
        self,
        scope: Scope,
        *,
        events: Sequence[Event] = (),
        extractions: Sequence[Extraction] = (),
        timeout_s: float | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Report:
        """Consolidate the scope's stream up to now, after appending what is given and absent.

        ``extractions`` are statements that the caller has read already; each enters the log as an
        event of its own, quoted, so that a replay knows it. Returns when everything appended
        before has become memory. StreamParked says where and why it cannot; StoreUnavailable,
        that another worker holds the stream for longer than ``timeout_s``. ``progress`` is told
        the number of events consolidated so far.
        """
        given = [*events, *(self._given(scope, e) for e in extractions)]
        if given:
            await self.append(scope, given)
        return await self._drain(scope, timeout_s, progress)

    def _given(self, scope: Scope, extraction: Extraction) -> Event:
        quotes = "\n".join(dict.fromkeys(s.quote.text for s in extraction.statements))
        body = codec.dump_extraction(extraction)
        return Event(
            id=extraction.event_id,
            type="system_event",
            role="system",
            parts=(TextPart(text=quotes), JsonPart(value={"extraction": body})),
            occurred_at=self._clock(),
            stamped=True,
            session_id=scope.session or NOTES,
            origin="bootstrapped",
        )

    async def _drain(
        self, scope: Scope, timeout_s: float | None, progress: Callable[[int], None] | None
    ) -> Report:
        events = 0
        outcomes: list[Outcome] = []
        waited = 0.0
        while True:
            state = await self._log.stream(scope)
            if state is None or (not state.pending and not await self._log.tombstones(scope)):
                return Report(events=events, outcomes=tuple(outcomes), stream=state)
            if state.parked:
                raise StreamParked(
                    f"the stream stands at event {state.done_seq + 1}: {state.reason}; see "
                    "`graphmem jobs`, then `graphmem jobs resume` or `graphmem jobs skip`"
                )
            done = await self.consolidator.step(f"drain-{id(self)}", stream=state.stream)
            if done is not None:
                events += done.events
                outcomes += done.outcomes
                waited = 0.0
                if progress is not None:
                    progress(events)
                continue
            if not state.pending:
                return Report(events=events, outcomes=tuple(outcomes), stream=state)
            if timeout_s is not None and waited >= timeout_s:
                raise StoreUnavailable(
                    f"{state.pending} events are still being consolidated by {state.owner!r}"
                )
            await asyncio.sleep(_POLL_S)
            waited += _POLL_S

    # reading --------------------------------------------------------------------------------

    async def retrieve_memories(
        self,
        query: str,
        scope: Scope,
        *,
        top_k: int = 10,
        filter: Filter | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Hit, ...]:
        """Return what the memory holds on a question, the best first; each hit says why.

        ``as_of`` asks what held then, ``known_at`` what was believed then; both default to now.
        """
        check_text(query, "the question", limit=self._limit)
        if not query.strip():
            raise InvalidInput("the question is empty")
        if not 1 <= top_k <= 1000:
            raise InvalidInput(f"top_k={top_k!r}: expected 1 to 1000")
        now = self._clock()
        await self._follow(scope)
        hidden = [i for _, members in await self._log.tombstones(scope) for i in members]
        return await self.retriever.retrieve(
            query,
            scope.levels(),
            now=now,
            as_of=as_of or now,
            known_at=known_at or now,
            top_k=top_k,
            filter=filter or Filter(),
            hidden=frozenset(hidden),
        )

    async def build_context(
        self,
        query: str,
        scope: Scope,
        budget: int,
        *,
        system: str = "",
        tools: Sequence[Mapping[str, Json]] = (),
        top_k: int = 20,
        filter: Filter | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Context:
        """Return the prompt parts for the next turn, never a token over ``budget``.

        The bands are system, memories, knowledge, history (the newest kept), state and tools; what
        did not fit is listed with the reason.
        """
        if budget < 1:
            raise InvalidInput(f"budget={budget!r}: expected a positive number of tokens")
        hits: Sequence[Hit] = ()
        if query.strip():
            hits = await self.retrieve_memories(
                query, scope, top_k=top_k, filter=filter, as_of=as_of, known_at=known_at
            )
        history: Sequence[Event] = ()
        state: Mapping[str, Json] = {}
        if scope.session is not None:
            history = await self._log.read(scope, limit=PAGE, newest=True)
            if history:
                state = (await self._log.get(scope)).state
        found = [await k.search(scope, query, limit=5) for k in self._knowledge]
        return assembler.assemble(
            hits=hits,
            history=history,
            state=state,
            tools=tools,
            knowledge=[text for texts in found for text in texts],
            system=system,
            budget=budget,
            count=self._count,
            now=as_of or self._clock(),
        )

    async def get(self, scope: Scope, memory_id: str) -> Fact | Episode | Entity:
        """Return a memory by its id, or by the id of its event; NotFound if it is not here."""
        check_id(memory_id, "memory id")
        await self._follow(scope)
        page = await self._graph.read(scope.levels(), [memory_id])
        if page.facts:
            return page.facts[0]
        if page.entities:
            return page.entities[0]
        return _only(page.episodes, memory_id, scope)

    async def list(
        self,
        scope: Scope,
        kind: MemoryKind = "fact",
        *,
        filter: Filter | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        ended: bool = False,
        versions: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Return memories of one kind in the order of their ids, a page at a time.

        Facts: those that hold now (or at ``as_of``); with ``ended`` also those that have ended,
        with ``versions`` every version that was ever believed.
        """
        if not 1 <= limit <= 1000:
            raise InvalidInput(f"limit={limit!r}: expected 1 to 1000")
        when = as_of
        if when is None and kind == "fact" and not (ended or versions):
            when = self._clock()
        await self._follow(scope)
        return await self._graph.list(
            scope.levels(),
            kind,
            filter or Filter(),
            as_of=when,
            known_at=known_at,
            versions=versions,
            limit=limit,
            cursor=cursor,
        )

    async def about(self, scope: Scope, item: Episode | Entity, *, limit: int = 100) -> Page:
        """Return the facts that hold now about an entity, or that were read from an episode."""
        now = self._clock()
        who = [item.id] if isinstance(item, Entity) else item.entity_ids
        page = await self._graph.neighbourhood(
            scope.levels(), who, as_of=now, known_at=now, limit=limit
        )
        if isinstance(item, Entity):
            return page
        read = [f for f in page.facts if item.id in {s.episode_id for s in f.support}]
        return replace(page, facts=tuple(read))

    async def names(self, scope: Scope, entity_ids: Sequence[str]) -> dict[str, str]:
        """Return the names of entities by id; absent ids are left out."""
        page = await self._graph.read(scope.levels(), entity_ids)
        return {e.id: e.name for e in page.entities}

    async def history(self, scope: Scope, memory_id: str) -> Sequence[Fact]:
        """Return every version of every fact in this fact's slot, as recorded; NotFound."""
        for level in scope.levels():
            found = await self._graph.history(level, memory_id)
            if found:
                return found
        raise NotFound(f"there is no fact {memory_id!r} in this scope")

    async def stats(self, scope: Scope) -> dict[str, int]:
        """Return counts of the scope's memories, and how many events wait to become some."""
        counts = await self._graph.stats([scope.home], now=self._clock())
        state = await self._log.stream(scope)
        return {**counts, "events_pending": state.pending if state else 0}

    async def _follow(self, scope: Scope) -> None:
        """Have what is read see what any worker has made of the scope's stream by now."""
        if self._graph.lags:
            state = await self._log.stream(scope)
            if state is not None and state.bookmark is not None:
                await self._graph.follow(scope, state.bookmark)

    # forgetting -----------------------------------------------------------------------------

    async def delete_memories(
        self,
        scope: Scope,
        *,
        memory_ids: Sequence[str] = (),
        filter: Filter | None = None,
        everything: bool = False,
        dry_run: bool = False,
    ) -> ForgetReceipt:
        """Erase memories with the events they were read from, for ever; say what went.

        A fact goes with every event that states it, an entity with every event that mentions it;
        what those events had closed revives. All or none: an unknown id is NotFound.
        """
        chosen = sum((bool(memory_ids), filter is not None and not filter.empty, everything))
        if chosen != 1:
            raise InvalidInput("say what to forget: memory ids, a filter, or everything")
        if memory_ids:
            episodes = await self._episodes_of(scope, memory_ids)
        else:
            episodes = await self._matching(scope, filter or Filter())
        return await self._erase(scope, episodes, dry_run=dry_run)

    async def _delete_ids(self, scope: Scope, memory_ids: Sequence[str]) -> ForgetReceipt:
        return await self.delete_memories(scope, memory_ids=memory_ids)

    async def prune_memories(
        self,
        scope: Scope,
        policy: Policy,
        *,
        filter: Filter | None = None,
        dry_run: bool = False,
    ) -> ForgetReceipt:
        """Erase what the policy no longer keeps, among what the filter selects."""
        home = scope.home
        facts: list[Fact] = []
        episodes: list[Episode] = []
        for kind in ("fact", "episode"):
            async for page in self._pages(home, kind, filter or Filter()):
                facts += page.facts
                episodes += page.episodes
        due = overdue(facts, episodes, policy, now=self._clock())
        if not due:
            return ForgetReceipt(receipt_id="", dry_run=dry_run)
        found = await self._episodes_of(scope, due)
        return await self._erase(scope, found, dry_run=dry_run)

    def _pages(self, home: Scope, kind: MemoryKind, filter: Filter) -> AsyncIterator[Page]:
        return pages(
            lambda cursor: self._graph.list([home], kind, filter, limit=PAGE, cursor=cursor)
        )

    async def _matching(self, scope: Scope, filter: Filter) -> dict[str, Scope]:
        """Return the episodes that the filter selects, themselves or by a fact of theirs."""
        found: dict[str, Scope] = {}
        for kind in ("episode", "fact"):
            async for page in self._pages(scope.home, kind, filter):
                found.update({e.id: e.scope for e in page.episodes})
                found.update({s.episode_id: f.scope for f in page.facts for s in f.support})
        return found

    async def _episodes_of(self, scope: Scope, memory_ids: Sequence[str]) -> dict[str, Scope]:
        """Return the episodes to erase for these ids: of facts, entities, episodes, events."""
        writable = [level for level in scope.levels() if level.user == scope.user]
        found: dict[str, Scope] = {}
        for memory_id in memory_ids:
            check_id(memory_id, "memory id")
            page = await self._graph.read(writable, [memory_id])
            members = {s.episode_id: f.scope for f in page.facts for s in f.support}
            for entity in page.entities:
                async for part in self._pages(entity.scope, "episode", Filter(entity=entity.id)):
                    members.update({e.id: e.scope for e in part.episodes})
            if page.episodes:
                episode = _only(page.episodes, memory_id, scope)
                members[episode.id] = episode.scope
            if not members:
                members = await self._unconsolidated(scope, memory_id)
            found.update(members)
        return found

    async def _unconsolidated(self, scope: Scope, memory_id: str) -> dict[str, Scope]:
        """Return an event that is in the log and not yet in the graph."""
        asked = [memory_id]
        if scope.session is not None:
            asked.append(ids.episode(scope.app, scope.user, scope.session, memory_id))
        events = await self._log.events(scope, asked)
        if not events:
            raise NotFound(f"there is no memory {memory_id!r} in this scope")
        return {
            ids.episode(scope.app, scope.user, e.session_id, e.id): Scope(
                app=scope.app, user=scope.user, agent=e.private_to
            )
            for e in events
        }

    async def _erase(
        self, scope: Scope, episodes: Mapping[str, Scope], *, dry_run: bool
    ) -> ForgetReceipt:
        receipts: list[str] = []
        facts: set[str] = set()
        entities: set[str] = set()
        events = await self._log.events(scope, list(episodes))
        async with nullcontext() if dry_run else self.consolidator.together():
            for home in sorted(set(episodes.values()), key=lambda s: s.key):
                members = sorted(e for e, level in episodes.items() if level == home)
                if dry_run:
                    plan = await self.consolidator.preview(home, members)
                else:
                    receipt, plan = await self.consolidator.forget(home, members, now=self._clock())
                    receipts.append(receipt)
                kept = {f.id for f in plan.change.put_facts if f.retired_at is None}
                facts |= {i for i, _ in plan.change.delete_facts} - kept
                entities |= set(plan.change.delete_entities)
            now = self._clock()
            here = Scope(app=scope.app, user=scope.user, session=decisions.SESSION)
            said: dict[str, Json] = {"events": len(events)}
            taken = [decisions.event(scope, "forget", r, said, now=now) for r in receipts]
            if taken:
                await self._log.append(here, taken, now=now)
        return ForgetReceipt(
            receipt_id="+".join(receipts),
            events=tuple(e.id for e in events),
            episodes=tuple(sorted(episodes)),
            facts=tuple(sorted(facts)),
            entities=tuple(sorted(entities)),
            dry_run=dry_run,
        )


def _only(episodes: Sequence[Episode], memory_id: str, scope: Scope) -> Episode:
    """Return the one episode of this id; an event id may be borne in several sessions."""
    found = [e for e in episodes if e.id == memory_id or scope.session in (None, e.session_id)]
    if not found:
        raise NotFound(f"there is no memory {memory_id!r} in this scope")
    if len(found) > 1:
        sessions = sorted({e.session_id for e in found})
        raise Conflict(f"event id {memory_id!r} is in several sessions, {sessions}; name one")
    return found[0]

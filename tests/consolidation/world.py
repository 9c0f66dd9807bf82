"""A small world to consolidate in: the real store and path, a notation for events."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from graphmem import ids
from graphmem.consolidation import predicates
from graphmem.consolidation.plan import Outcome
from graphmem.consolidator import Consolidator, Limits
from graphmem.graph.sqlite import SqliteGraphStore
from graphmem.models import Entity, Episode, Event, Fact, Scope, SourceClass, TextPart
from graphmem.review import Review
from graphmem.sessions.sqlite import SqliteSessionStore
from graphmem.sqlite.connection import Database
from graphmem.testing.fakes import HashEmbedder, LineExtractor

START = datetime(2024, 1, 1, tzinfo=UTC)
HERE = Scope(user="ada", session="s1")


@dataclass(frozen=True, slots=True)
class Said:
    """One event: what was said, on which day, by whom, and when it reached us."""

    text: str
    day: int
    id: str = ""
    author: str | None = None
    source: SourceClass = SourceClass.USER_DIRECT
    session: str = "s1"

    def event(self, number: int) -> Event:
        return Event(
            id=self.id or f"e{number}",
            parts=(TextPart(text=self.text),),
            occurred_at=START + timedelta(days=self.day),
            session_id=self.session,
            author=self.author,
            source_class=self.source,
        )


class World:
    def __init__(self, consolidator: Consolidator) -> None:
        self.consolidator = consolidator
        self.log = consolidator.sessions
        self.graph = consolidator.graph
        self.review = Review(self.log, self.graph, self.now, self.drain)
        self.outcomes: list[Outcome] = []
        self._said = 0

    async def hear(self, *said: Said, consolidate: bool = True) -> None:
        """Append each event, recorded a second apart, and consolidate."""
        for one in said:
            self._said += 1
            event = one.event(self._said)
            scope = replace(HERE, session=event.session_id)
            await self.log.append(scope, [event], now=recorded(self._said))
            if consolidate:
                await self.settle()

    async def hear_at(self, number: int, one: Said) -> None:
        """Append one event as if it were the ``number``-th."""
        event = one.event(number)
        scope = replace(HERE, session=event.session_id)
        await self.log.append(scope, [event], now=recorded(number))

    def now(self) -> datetime:
        """Return a time that no other event was recorded at."""
        self._said += 1
        return recorded(self._said)

    async def drain(self, _: Scope) -> None:
        await self.settle()

    async def settle(self) -> None:
        while (report := await self.consolidator.step("w", stream=HERE.stream)) is not None:
            self.outcomes += report.outcomes

    async def forget(self, *event_ids: str, session: str = "s1") -> None:
        gone = [ids.episode(HERE.app, HERE.user, session, e) for e in event_ids]
        await self.consolidator.forget(HERE.home, gone, now=recorded(self._said))

    async def dump(self) -> list[Episode | Entity | Fact]:
        return [item async for item in self.graph.dump(HERE.home)]

    async def facts(self) -> list[Fact]:
        return [x for x in await self.dump() if isinstance(x, Fact)]

    async def current(self) -> dict[str, tuple[int | None, int | None, str]]:
        """Return what is believed now: text -> (first day, last day, status)."""
        return {
            f.text: (day(f.valid_from), day(f.valid_to), f.status)
            for f in await self.facts()
            if f.retired_at is None
        }


def day(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - START).days


def recorded(number: int) -> datetime:
    return START + timedelta(days=4000, seconds=number)


@asynccontextmanager
async def world(
    *, batch: int = 32, table: Mapping[str, predicates.Predicate] | None = None
) -> AsyncGenerator[World]:
    database = Database.acquire(":memory:")
    log, graph = SqliteSessionStore(database.share()), SqliteGraphStore(database)
    embedder = HashEmbedder(8)
    await log.migrate()
    await graph.migrate(model_id=embedder.model_id, dimension=embedder.dimension)
    try:
        yield World(
            Consolidator(
                log,
                graph,
                LineExtractor(),
                embedder,
                predicates=predicates.load() if table is None else table,
                limits=Limits(batch_events=batch),
            )
        )
    finally:
        await log.close()
        await graph.close()


def believed(facts: Sequence[Fact]) -> set[tuple[object, ...]]:
    """Return what facts say in the world, whatever the order in which it was learnt."""
    return {
        (f.id, f.text, f.valid_from, f.valid_to, f.status, f.supersedes, f.confidence)
        for f in facts
        if f.retired_at is None
    }


def timeless(items: Sequence[Episode | Entity | Fact]) -> list[object]:
    """Return a dump without what depends on how many events were recorded before."""
    never = datetime.max.replace(tzinfo=UTC)
    found: list[object] = []
    for item in items:
        match item:
            case Episode():
                found.append(replace(item, seq=0, recorded_at=never))
            case Entity():
                found.append(replace(item, created_at=never, updated_at=never))
            case Fact():
                gone = None if item.retired_at is None else never
                found.append(replace(item, recorded_at=never, retired_at=gone))
    return found

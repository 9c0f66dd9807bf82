"""One memory over several databases: each scope lives in one of them, by rules that are data.

A tenant of its own database, a region of its own cluster, or simply more than one server holds. A
verb about one scope goes to one store; one about several asks those that hold them at once and
makes one answer of what they say. Ids are derived from scopes, so no two stores give out the same.
Does not know which backends it routes between.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Any, Final, TypeVar

from graphmem.errors import InvalidInput
from graphmem.graph import rows
from graphmem.models import (
    CandidatePool,
    CandidateQuery,
    Embedding,
    Entity,
    Episode,
    Fact,
    Filter,
    GraphChange,
    Known,
    KnownQuery,
    MemoryKind,
    Page,
    Scope,
    SessionPeriod,
)
from graphmem.ports import GraphStore
from graphmem.records import (
    GRAPH_KINDS,
    EmbeddingModel,
    Fence,
    GraphRecord,
    StoredEmbedding,
    Watermark,
)
from graphmem.retrieval.columns import Columns

T = TypeVar("T")

_EVERYWHERE: Final = (EmbeddingModel, Fence, Watermark, StoredEmbedding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Sends what matches to a store: patterns with ``*`` and ``?``, matched by case.

    A pattern for users matches no memory of a whole app.
    """

    store: str
    app: str = "*"
    user: str | None = None

    def takes(self, scope: Scope) -> bool:
        if not fnmatchcase(scope.app, self.app):
            return False
        return self.user is None or (scope.user is not None and fnmatchcase(scope.user, self.user))


class RoutedGraphStore:
    """The GraphStore port over several stores; the first route that takes a scope decides.

    Where a scope lives must not change while it holds anything: move it with ``graphmem copy``.
    All stores have the same embedding model.
    """

    def __init__(
        self, stores: Mapping[str, GraphStore], routes: Sequence[Route], *, default: str
    ) -> None:
        unknown = sorted({r.store for r in routes} | {default} - set(stores)) if stores else []
        unknown = [name for name in unknown if name not in stores]
        if unknown or not stores:
            raise InvalidInput(
                f"routes lead to {', '.join(map(repr, unknown)) or 'nothing'}, which is none of "
                f"the stores ({', '.join(sorted(stores)) or 'there is none'})"
            )
        self._stores = dict(stores)
        self._routes = tuple(routes)
        self._default = default

    def name_of(self, scope: Scope) -> str:
        """Return the name of the store that holds a scope: the same for all of a user's scopes."""
        return next((r.store for r in self._routes if r.takes(scope)), self._default)

    def _of(self, scope: Scope) -> GraphStore:
        return self._stores[self.name_of(scope)]

    def _by_store(self, scopes: Sequence[Scope]) -> list[tuple[GraphStore, list[Scope]]]:
        """Return stores with the scopes that each holds, in the order of their names."""
        named = sorted(((self.name_of(s), n) for n, s in enumerate(scopes)))
        return [
            (self._stores[name], [scopes[n] for _, n in group])
            for name, group in groupby(named, key=lambda pair: pair[0])
        ]

    async def _ask(
        self, scopes: Sequence[Scope], verb: Callable[[GraphStore, list[Scope]], Any]
    ) -> list[Any]:
        return await asyncio.gather(*(verb(store, held) for store, held in self._by_store(scopes)))

    async def _all(self, verb: Callable[[GraphStore], Any]) -> list[Any]:
        return await asyncio.gather(*(verb(store) for store in self._stores.values()))

    async def migrate(self, *, model_id: str | None = None, dimension: int = 0) -> None:
        await self._all(lambda s: s.migrate(model_id=model_id, dimension=dimension))

    async def close(self) -> None:
        await self._all(lambda s: s.close())

    async def _named_of(self, verb: Callable[[GraphStore], Any]) -> list[str]:
        """Return what each store says, with its name before it."""
        parts = await self._all(verb)
        return [
            f"{name}: {sentence}"
            for name, said in zip(self._stores, parts, strict=True)
            for sentence in said
        ]

    # one scope ------------------------------------------------------------------------------

    async def apply(self, change: GraphChange, *, fence: int) -> bool:
        items = (*change.put_episodes, *change.put_entities, *change.put_facts)
        names = {self.name_of(s) for s in (change.scope, *(item.scope for item in items))}
        if len(names) > 1:
            raise InvalidInput(
                f"a change goes to one store; this one's scopes are in {', '.join(sorted(names))}"
            )
        return await self._of(change.scope).apply(change, fence=fence)

    @property
    def lags(self) -> bool:
        return any(store.lags for store in self._stores.values())

    async def bookmark(self, scope: Scope) -> str | None:
        return await self._of(scope).bookmark(scope)

    async def follow(self, scope: Scope, bookmark: str) -> None:
        await self._of(scope).follow(scope, bookmark)

    async def known(self, scope: Scope, query: KnownQuery) -> Known:
        return await self._of(scope).known(scope, query)

    async def history(self, scope: Scope, fact_id: str) -> Sequence[Fact]:
        return await self._of(scope).history(scope, fact_id)

    def dump(self, scope: Scope) -> AsyncIterator[Episode | Entity | Fact]:
        return self._of(scope).dump(scope)

    # several scopes -------------------------------------------------------------------------

    async def candidates(self, scopes: Sequence[Scope], query: CandidateQuery) -> CandidatePool:
        pools: list[CandidatePool] = await self._ask(
            scopes, lambda s, held: s.candidates(held, query)
        )
        if len(pools) == 1:
            return pools[0]
        return CandidatePool(
            candidates=Columns.of(c for pool in pools for c in pool.candidates),
            version=sum(pool.version for pool in pools),
            holds_until=_first([pool.holds_until for pool in pools]),
            known_until=_first([pool.known_until for pool in pools]),
        )

    async def version(self, scopes: Sequence[Scope]) -> int:
        return sum(await self._ask(scopes, lambda s, held: s.version(held)))

    async def read(
        self, scopes: Sequence[Scope], ids: Sequence[str], *, known_at: datetime | None = None
    ) -> Page:
        pages = await self._ask(scopes, lambda s, held: s.read(held, ids, known_at=known_at))
        return _joined(pages)

    async def neighbourhood(
        self,
        scopes: Sequence[Scope],
        entity_ids: Sequence[str],
        *,
        as_of: datetime,
        known_at: datetime,
        predicates: Sequence[str] | None = None,
        ended: bool = False,
        limit: int = 100,
    ) -> Page:
        pages = await self._ask(
            scopes,
            lambda s, held: s.neighbourhood(
                held,
                entity_ids,
                as_of=as_of,
                known_at=known_at,
                predicates=predicates,
                ended=ended,
                limit=limit,
            ),
        )
        if len(pages) == 1:
            return pages[0]
        both = _joined(pages)
        newest = sorted(both.facts, key=lambda f: (f.recorded_at, f.id), reverse=True)[:limit]
        ends = {i for f in newest for i in (f.subject_id, f.object_id)}
        return Page(facts=tuple(newest), entities=tuple(e for e in both.entities if e.id in ends))

    async def periods(
        self, scopes: Sequence[Scope], *, as_of: datetime, known_at: datetime
    ) -> Sequence[SessionPeriod]:
        found = await self._ask(
            scopes, lambda s, held: s.periods(held, as_of=as_of, known_at=known_at)
        )
        return sorted((p for part in found for p in part), key=lambda p: p.start)

    async def named(self, scopes: Sequence[Scope], names: Sequence[str]) -> Sequence[Entity]:
        found = await self._ask(scopes, lambda s, held: s.named(held, names))
        return sorted((e for part in found for e in part), key=lambda e: e.id)

    async def list(
        self,
        scopes: Sequence[Scope],
        kind: MemoryKind,
        filter: Filter,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        versions: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        pages: list[Page] = await self._ask(
            scopes,
            lambda s, held: s.list(
                held,
                kind,
                filter,
                as_of=as_of,
                known_at=known_at,
                versions=versions,
                limit=limit,
                cursor=cursor,
            ),
        )
        if len(pages) == 1:
            return pages[0]
        # Each page is in the order of ids, and a cursor is a place in that order: it serves all.
        found: list[Any] = [i for p in pages for i in (*p.facts, *p.episodes, *p.entities)]
        kept = sorted(found, key=rows.place)[:limit]
        more = len(found) > limit or any(page.cursor is not None for page in pages)
        return rows.page_of(kind, kept, more=more)

    async def stats(self, scopes: Sequence[Scope], *, now: datetime) -> dict[str, int]:
        found: list[dict[str, int]] = await self._ask(
            scopes, lambda s, held: s.stats(held, now=now)
        )
        return {name: sum(part[name] for part in found) for name in found[0]} if found else {}

    # all of it ------------------------------------------------------------------------------

    async def check(self, scopes: Sequence[Scope] | None = None) -> Sequence[str]:
        if scopes is not None:
            parts = await self._ask(scopes, lambda s, held: s.check(held))
            return [complaint for part in parts for complaint in part]
        return await self._named_of(lambda s: s.check())

    async def remarks(self) -> Sequence[str]:
        return await self._named_of(lambda s: s.remarks())

    async def repair(self) -> Sequence[str]:
        return await self._named_of(lambda s: s.repair())

    async def watermark(self, stream: str) -> dict[str, int]:
        marks: dict[str, int] = {}
        for part in await self._all(lambda s: s.watermark(stream)):
            for stage, seq in part.items():
                marks[stage] = max(seq, marks.get(stage, seq))
        return marks

    async def unembedded(
        self, model_id: str, *, limit: int
    ) -> Sequence[tuple[str, MemoryKind, str, str | None, datetime | None]]:
        parts = await self._all(lambda s: s.unembedded(model_id, limit=limit))
        return [*heapq.merge(*parts, key=lambda item: item[0])][:limit]

    async def put_embeddings(self, model_id: str, embeddings: Sequence[Embedding]) -> None:
        # Whose an id is, its store knows; the others leave out what is not there.
        await self._all(lambda s: s.put_embeddings(model_id, embeddings))

    async def adopt_model(self, model_id: str, dimension: int) -> bool:
        if await self.unembedded(model_id, limit=1):
            return False
        return all(await self._all(lambda s: s.adopt_model(model_id, dimension)))

    # moving ---------------------------------------------------------------------------------

    async def export(self) -> AsyncIterator[GraphRecord]:
        parts = [_Peeked(store.export()) for store in self._stores.values()]
        for kind in GRAPH_KINDS.values():
            seen: set[Any] = set()
            for part in parts:
                async for record in part.while_of(kind):
                    if isinstance(record, _EVERYWHERE[:3]):
                        if record in seen:
                            continue
                        seen.add(record)
                    yield record

    async def begin_restore(self) -> None:
        for store in self._stores.values():
            await store.begin_restore()

    async def restore(self, records: Sequence[GraphRecord]) -> None:
        for name, store in self._stores.items():
            own = [
                r for r in records if isinstance(r, _EVERYWHERE) or self.name_of(r.scope) == name
            ]
            if own:
                await store.restore(own)

    async def finish_restore(self) -> None:
        await self._all(lambda s: s.finish_restore())


class _Peeked:
    """An iterator of records that is taken kind by kind."""

    def __init__(self, records: AsyncIterator[GraphRecord]) -> None:
        self._records = records
        self._next: GraphRecord | None = None

    async def while_of(self, kind: type[GraphRecord]) -> AsyncIterator[GraphRecord]:
        while True:
            if self._next is None:
                self._next = await anext(self._records, None)
            if not isinstance(self._next, kind):
                return
            record, self._next = self._next, None
            yield record


def _first(moments: Sequence[datetime | None]) -> datetime | None:
    """Return the earliest; None, which is "nobody can tell", if one is."""
    known = [moment for moment in moments if moment is not None]
    return min(known) if len(known) == len(moments) and known else None


def _joined(pages: Iterable[Page]) -> Page:
    """Return all that is on several pages, in the orders of one."""
    pages = list(pages)
    if len(pages) == 1:
        return replace(pages[0], cursor=None)
    facts = sorted((f for p in pages for f in p.facts), key=lambda f: (f.id, f.recorded_at))
    episodes = [e for p in pages for e in p.episodes]
    entities = sorted((e for p in pages for e in p.entities), key=lambda e: e.id)
    return Page(
        facts=tuple(facts),
        episodes=tuple(sorted(episodes, key=lambda e: (e.seq, e.id))),
        entities=tuple(entities),
    )

"""From a question to hits: the only I/O of recall.

One embedding, one read for the candidates of all arms, one small read for the texts of the final
hits. What a scope may see, what a time may know and what has been erased are applied by the store
and checked again here on every row. Does not know how scores come about.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from graphmem.models import (
    CandidatePool,
    CandidateQuery,
    Episode,
    Fact,
    Filter,
    Hit,
    Scope,
)
from graphmem.ports import Embedder, GraphStore
from graphmem.retrieval.cache import Asked, RecallCache
from graphmem.retrieval.columns import Columns, microseconds
from graphmem.retrieval.query import Query, Span, understand
from graphmem.retrieval.rank import Ranked, rank
from graphmem.retrieval.recipes import DEFAULT, Recipe

_WORTH_TELLING: Final = 0.1  # arms that made less of the score are left out of the reason


@dataclass(frozen=True, slots=True)
class _View:
    """What this recall may see: scope keys, the two clocks, and episodes that are being erased."""

    scopes: frozenset[str]
    as_of: datetime
    known_at: datetime
    hidden: frozenset[str]

    def admitted(self, found: Columns) -> Columns:
        """Return what may be seen of a pool."""
        as_of, known_at = microseconds(self.as_of), microseconds(self.known_at)
        kept = [
            place
            for place, (kind, scope, recorded, occurred, start) in enumerate(
                zip(
                    found.kind,
                    found.scope_key,
                    found.recorded_at,
                    found.occurred_at,
                    found.valid_from,
                    strict=True,
                )
            )
            if scope in self.scopes
            and recorded <= known_at
            and (occurred <= as_of if kind == "episode" else start is None or start <= as_of)
        ]
        if self.hidden:
            kept = [
                place
                for place in kept
                if self.hidden.isdisjoint((found.id[place], *found.episode_ids[place]))
            ]
        return found if len(kept) == len(found) else found.take(kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the store found for a question: all that ranking needs, and nothing that ranks."""

    query: Query
    pool: CandidatePool
    now: datetime
    as_of: datetime


class Retriever:
    """Answers questions from a graph store with one embedder and one recipe."""

    def __init__(
        self,
        graph: GraphStore,
        embedder: Embedder,
        recipe: Recipe = DEFAULT,
        *,
        cache: RecallCache | None = None,
    ) -> None:
        self._graph = graph
        self._embedder = embedder
        self._cache = cache
        self.recipe = recipe

    async def retrieve(
        self,
        question: str,
        scopes: Sequence[Scope],
        *,
        now: datetime,
        as_of: datetime,
        known_at: datetime,
        top_k: int = 10,
        filter: Filter | None = None,
        hidden: Iterable[str] = (),
    ) -> tuple[Hit, ...]:
        """Return at most ``top_k`` hits, the best first; the same inputs give the same hits.

        ``scopes`` are all levels that the reader may see. ``hidden`` are ids of episodes that are
        being erased: neither they nor what was read from them is returned. Relative dates in the
        question count from ``as_of``. A question about nothing but a time is answered from that
        time alone, if anything lies in it. With a cache, what was answered less than an hour ago
        and could be no other answer by now, but for recency, is not asked again.
        """
        gone = frozenset(hidden)
        asked = None
        if self._cache is not None:
            asked = Asked(
                scopes=tuple(scope.key for scope in scopes),
                query=understand(question, now=as_of),
                filter=filter or Filter(),
                top_k=top_k,
                hidden=gone,
                model_id=self._embedder.model_id,
                recipe=self.recipe,
                now=now,
                as_of=as_of,
                known_at=known_at,
                version=await self._graph.version(scopes),
            )
            kept = self._cache.get(asked)
            if kept is not None:
                return kept
        found = await self.find(
            question,
            scopes,
            now=now,
            as_of=as_of,
            known_at=known_at,
            filter=filter,
            hidden=gone,
        )
        ranked = rank(
            found.pool, found.query, recipe=self.recipe, now=now, as_of=as_of, limit=top_k
        )
        hits = await self.read(ranked, found.query, scopes, known_at=known_at)
        if self._cache is not None and asked is not None:
            self._cache.put(asked, found.pool, hits)
        return hits

    async def find(
        self,
        question: str,
        scopes: Sequence[Scope],
        *,
        now: datetime,
        as_of: datetime,
        known_at: datetime,
        filter: Filter | None = None,
        hidden: Iterable[str] = (),
    ) -> Found:
        """Return the candidates of a question; see ``retrieve``."""
        view = _View(frozenset(s.key for s in scopes), as_of, known_at, frozenset(hidden))
        query = understand(question, now=as_of)
        asked = await self._ask(query, filter or Filter(), view)
        pool = CandidatePool()
        if query.only_time and query.span is not None:
            narrowed = within(asked.filter, query.span)
            if narrowed is not None:
                pool = await self._pool(replace(asked, filter=narrowed), scopes, view)
        if not pool.candidates:
            pool = await self._pool(asked, scopes, view)
        return Found(query=query, pool=pool, now=now, as_of=as_of)

    async def _ask(self, query: Query, filter: Filter, view: _View) -> CandidateQuery:
        vectors = await self._embedder.embed([query.text], purpose="query")
        return CandidateQuery(
            terms=query.terms,
            vector=vectors[0],
            model_id=self._embedder.model_id,
            names=query.names,
            filter=filter,
            as_of=view.as_of,
            known_at=view.known_at,
            ended=query.asks_ended,
            text_limit=self.recipe.text_limit,
            vector_limit=self.recipe.vector_limit,
            entity_limit=self.recipe.entity_limit,
            hops=self.recipe.entity_hops,
            neighbours=self.recipe.neighbours,
        )

    async def _pool(
        self, asked: CandidateQuery, scopes: Sequence[Scope], view: _View
    ) -> CandidatePool:
        pool = await self._graph.candidates(scopes, asked)
        return replace(pool, candidates=view.admitted(Columns.of(pool.candidates)))

    async def read(
        self,
        ranked: Sequence[Ranked],
        query: Query,
        scopes: Sequence[Scope],
        *,
        known_at: datetime,
    ) -> tuple[Hit, ...]:
        """Read the texts of ranked memories; what has gone since they were found is no hit."""
        if not ranked:
            return ()
        visible = frozenset(scope.key for scope in scopes)
        page = await self._graph.read(
            scopes, [item.candidate.id for item in ranked], known_at=known_at
        )
        rows: dict[str, Episode | Fact] = {
            row.id: row for row in (*page.episodes, *page.facts) if row.scope.key in visible
        }
        return tuple(
            _hit(item, rows[item.candidate.id].text, query)
            for item in ranked
            if item.candidate.id in rows
        )


def within(filter: Filter, span: Span) -> Filter | None:
    """Return the filter narrowed to what occurred in a span; None if nothing can be in both."""
    starts = [moment for moment in (filter.occurred_from, span.start) if moment is not None]
    ends = [moment for moment in (filter.occurred_to, span.end) if moment is not None]
    start, end = max(starts, default=None), min(ends, default=None)
    if start is not None and end is not None and start >= end:
        return None
    return replace(filter, occurred_from=start, occurred_to=end)


def _hit(item: Ranked, text: str, query: Query) -> Hit:
    found = item.candidate
    return Hit(
        id=found.id,
        kind=found.kind,
        text=text,
        score=item.score,
        confidence=found.confidence,
        valid_from=found.valid_from,
        valid_to=found.valid_to,
        occurred_at=found.occurred_at,
        recorded_at=found.recorded_at,
        event_ids=item.event_ids,
        session_id=found.session_id,
        author=found.author,
        source_class=found.source_class,
        type=found.type,
        ended=item.ended,
        status=found.status,
        arms=item.arms,
        reason=reason(item, query),
    )


def reason(item: Ranked, query: Query) -> str:
    """Say in words why this is a hit, the weightiest reason first."""
    found = item.candidate
    words = frozenset(found.terms.split())
    matched = ", ".join(term for term in query.terms if term in words)
    told = {
        "text": f"text match ({matched})",
        "vector": f"similar in meaning ({found.cosine or 0.0:.2f})",
        "neighbours": "next to a match",
        "session": "in a session that fits",
        "speaker": f"said by {found.author or found.role}",
        "time": "fits the time asked for",
        "entity": "about somebody or something named"
        if found.hop == 0
        else "linked to somebody or something named",
    }
    parts = [
        told[arm]
        for arm, share in sorted(item.arms.items(), key=lambda arm: (-arm[1], arm[0]))
        if arm in told and share >= _WORTH_TELLING * item.score
    ]
    if item.ended:
        parts.append("has ended")
    if found.status == "conflict":
        parts.append("contradicted by another source")
    return "; ".join(parts) or "nothing fits better"

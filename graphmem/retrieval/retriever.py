"""From a question to hits: the I/O of recall, but for ``answering``.

One embedding, one read for the candidates of all arms, one small read for the texts of the final
hits. What a scope may see, what a time may know and what has been erased are applied by the store
and checked again here on every row. Does not know how scores come about.

Models may help: one that reads the first hits beside each other where it is in doubt which of them
answers, and, if a user has switched them on, one that puts the question into other words before and
one that reorders the first hits after. Each has a budget of time, and what goes wrong with it is
logged and costs no answer.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from graphmem.guard.text import check_text
from graphmem.models import (
    CandidatePool,
    CandidateQuery,
    Episode,
    Fact,
    Filter,
    Hit,
    Scope,
)
from graphmem.ports import AnswerSelector, Embedder, GraphStore, QueryRewriter, Reranker
from graphmem.retrieval.anchors import Side, moment_of
from graphmem.retrieval.answering import answered
from graphmem.retrieval.cache import Asked, RecallCache
from graphmem.retrieval.columns import Columns, microseconds
from graphmem.retrieval.fuse import fuse
from graphmem.retrieval.hits import hit_of
from graphmem.retrieval.ordinals import Counted, meant
from graphmem.retrieval.plausible import Weighed, by_plausibility, passage, weigh, wordings
from graphmem.retrieval.query import Query, Span, understand
from graphmem.retrieval.rank import Ranked, newest_first, settle
from graphmem.retrieval.recipes import DEFAULT, Recipe
from graphmem.retrieval.reorder import MOST_JUDGED, reorder
from graphmem.retrieval.scoring import score
from graphmem.retrieval.text import embedded_text

T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_WORDINGS: Final = 3  # besides the question's own


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
    """Answers questions from a graph store with one embedder and one recipe.

    ``rerank_budget_s`` is what the reranker and the rewriter may each take for one question,
    ``select_budget_s`` what the selector may, which may have to load its model first.
    """

    def __init__(
        self,
        graph: GraphStore,
        embedder: Embedder,
        recipe: Recipe = DEFAULT,
        *,
        selector: AnswerSelector | None = None,
        reranker: Reranker | None = None,
        rewriter: QueryRewriter | None = None,
        rerank_budget_s: float = 1.0,
        select_budget_s: float = 10.0,
        cache: RecallCache | None = None,
    ) -> None:
        self._graph = graph
        self._embedder = embedder
        self._selector = selector
        self._reranker = reranker
        self._rewriter = rewriter
        self._budget_s = rerank_budget_s
        self._select_s = select_budget_s
        self._cache = cache
        self.recipe = recipe

    @property
    def helpers(self) -> tuple[str, ...]:
        """The model ids of the rewriter and the reranker that are switched on, in that order."""
        return tuple(m.model_id for m in (self._rewriter, self._reranker) if m is not None)

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
        time alone, if anything lies in it. A reranker is shown the texts of hits and no other.

        With a cache, what was answered less than an hour ago and could be no other answer by now,
        but for recency, is not asked again.
        """
        query = understand(question, now=as_of)
        find = partial(
            self._found,
            scopes=scopes,
            now=now,
            as_of=as_of,
            known_at=known_at,
            filter=filter,
            hidden=frozenset(hidden),
        )
        asked = None
        if self._cache is not None:
            asked = Asked(
                scopes=tuple(scope.key for scope in scopes),
                query=query,
                filter=filter or Filter(),
                top_k=top_k,
                hidden=frozenset(hidden),
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
        found = [await find(query)]
        # Whatever else a wording may ask about, that time it would lose.
        wordings = () if query.only_time else await self._wordings(question)
        found += [await find(understand(wording, now=as_of)) for wording in wordings or ()]
        hits, judged = await self._settled(found, scopes, top_k=top_k, known_at=known_at)
        if any(f.pool.holds_until is None for f in found):
            # A store that cannot tell how long an answer stands: to ask its version buys nothing.
            self._cache = None
        # What a model failed to help with is an answer for now, not one to keep.
        elif self._cache is not None and asked is not None and judged and wordings is not None:
            self._cache.put(asked, [f.pool for f in found], hits)
        return hits

    async def _settled(
        self, found: Sequence[Found], scopes: Sequence[Scope], *, top_k: int, known_at: datetime
    ) -> tuple[tuple[Hit, ...], bool]:
        """Return the hits of a question's wordings, its own first; whether no model failed."""
        query, now = found[0].query, found[0].now
        ranked = settle(
            fuse(
                [score(f.pool.candidates, f.query, recipe=self.recipe, now=now) for f in found],
                share=self.recipe.rewritten,
            ),
            query,
            recipe=self.recipe,
            as_of=found[0].as_of,
            limit=max(top_k, self.recipe.plausible, MOST_JUDGED if self._reranker else 0),
        )
        texts = await self.texts(
            (*ranked, *(hit for _, hit in wordings(ranked[: self.recipe.plausible]))),
            scopes,
            known_at=known_at,
        )
        ranked = [item for item in ranked if item.candidate.id in texts]
        # Cosines to several wordings do not compare.
        head = ranked[: self.recipe.plausible if len(found) == 1 else 0]
        weighed = weigh(head, query, texts, pool=len(found[0].pool.candidates))
        read = await self._read(weighed, query, texts)
        weighed = weighed if read is None else read
        ranked = by_plausibility(ranked, query, weighed)
        ranked = self._newest_first(ranked, query, weighed)
        judged = await self._reranked(ranked, query, texts, weighed)
        terms = dict.fromkeys(term for f in found for term in f.query.terms)
        told = replace(query, terms=tuple(terms))
        best = ranked if judged is None else judged
        hits = tuple(hit_of(item, texts[item.candidate.id], told) for item in best[:top_k])
        return hits, judged is not None and read is not None

    async def _read(
        self, weighed: Weighed, query: Query, texts: Mapping[str, str]
    ) -> Weighed | None:
        """Return the first hits read beside each other, as they were if sure; None if failed."""
        selector, recipe = self._selector, self.recipe
        if selector is None:
            return weighed
        rows = weighed.doubtful(recipe.read, recipe.sure)
        if not rows:
            return weighed

        async def read() -> Weighed:
            told = [weighed.hits[row][1] for row in rows]
            passages = [passage(item, texts[item.candidate.id]) for item in told]
            scores = await selector.select(query.text, passages)
            return weighed.read(rows, scores, recipe.reading)

        return await _in_time(read(), "reading", selector, len(rows), self._select_s)

    async def _wordings(self, question: str) -> Sequence[str] | None:
        """Return the question in other words, none where that is off; None if it has failed."""
        rewriter = self._rewriter
        if rewriter is None:
            return ()

        async def rewrite() -> list[str]:
            given = await rewriter.rewrite(question, limit=MOST_WORDINGS)
            return [check_text(text, "a rewritten question") for text in given][:MOST_WORDINGS]

        return await _in_time(rewrite(), "rewriting", rewriter, 1, self._budget_s)

    async def _reranked(
        self, ranked: Sequence[Ranked], query: Query, texts: Mapping[str, str], weighed: Weighed
    ) -> Sequence[Ranked] | None:
        """Return hits in the reranker's order, as they are where it is off; None if it failed."""
        reranker = self._reranker
        first = ranked[:MOST_JUDGED]
        if reranker is None or len(first) < 2:
            return ranked

        async def judge() -> tuple[Ranked, ...]:
            shown = [_judged_text(item, texts[item.candidate.id]) for item in first]
            scores = await reranker.score(query.text, shown)
            return reorder(ranked, scores, asks_ended=query.asks_ended)

        judged = await _in_time(judge(), "reranking", reranker, len(first), self._budget_s)
        # A reranker knows no clock: of two like statements the later one stays first.
        return judged and self._newest_first(judged, query, weighed)

    def _newest_first(
        self, ranked: Sequence[Ranked], query: Query, weighed: Weighed
    ) -> Sequence[Ranked]:
        if not query.asks_how_it_stands or not self.recipe.restated:
            return ranked
        return newest_first(ranked, query, self.recipe.restated, weighed.odds)

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
        return await self._found(
            understand(question, now=as_of),
            scopes,
            now=now,
            as_of=as_of,
            known_at=known_at,
            filter=filter,
            hidden=frozenset(hidden),
        )

    async def _found(
        self,
        query: Query,
        scopes: Sequence[Scope],
        *,
        now: datetime,
        as_of: datetime,
        known_at: datetime,
        filter: Filter | None,
        hidden: frozenset[str],
    ) -> Found:
        view = _View(frozenset(s.key for s in scopes), as_of, known_at, hidden)
        filter = filter or Filter()
        if query.sessions is not None:
            query, filter = await self._in_sessions(query, query.sessions, filter, scopes, view)
        if query.anchor is not None:
            query = await self._by_anchor(query, *query.anchor, scopes, view)
        query = await answered(
            self._graph,
            query,
            scopes,
            as_of=as_of,
            known_at=known_at,
            hidden=view.hidden,
        )
        asked = await self._ask(query, filter, view)
        pool = CandidatePool()
        if query.only_time and query.span is not None:
            narrowed = within(asked.filter, query.span)
            if narrowed is not None:
                pool = await self._pool(replace(asked, filter=narrowed), scopes, view)
        if not pool.candidates:
            pool = await self._pool(asked, scopes, view)
        return Found(query=query, pool=pool, now=now, as_of=as_of)

    async def _in_sessions(
        self,
        query: Query,
        counted: Counted,
        filter: Filter,
        scopes: Sequence[Scope],
        view: _View,
    ) -> tuple[Query, Filter]:
        """Return the query with the time of the sessions that it counts, if there are so many.

        The session that asks is none of them, nor are ours, whose ids begin with "@". Of one that
        a question is about and nothing else, only its own episodes are looked for.
        """
        asking = {scope.session for scope in scopes if scope.session}
        periods = await self._graph.periods(scopes, as_of=view.as_of, known_at=view.known_at)
        found = meant(
            [p for p in periods if p.session_id not in asking and p.session_id[:1] != "@"], counted
        )
        if not found:
            return replace(query, sessions=None, only_time=False), filter
        end = max(p.end for p in found) + timedelta(microseconds=1)
        query = replace(query, span=Span(start=min(p.start for p in found), end=end))
        if query.only_time and len(found) == 1 and filter.session is None:
            filter = replace(filter, session=found[0].session_id)
        return query, filter

    async def _by_anchor(
        self, query: Query, side: Side, terms: tuple[str, ...], scopes: Sequence[Scope], view: _View
    ) -> Query:
        """Return the query with the time before or after what it names, if that is told of."""
        asked = CandidateQuery(
            terms=terms,
            filter=Filter(kinds=("episode",)),
            as_of=view.as_of,
            known_at=view.known_at,
            text_limit=self.recipe.text_limit,
            neighbours=0,
        )
        moment = moment_of(terms, (await self._pool(asked, scopes, view)).candidates)
        if moment is None:
            return replace(query, only_time=False)
        span = Span(end=moment) if side == "before" else Span(start=moment)
        return replace(query, span=span)

    async def _ask(self, query: Query, filter: Filter, view: _View) -> CandidateQuery:
        vectors = await self._embedder.embed([query.text], purpose="query")
        return CandidateQuery(
            terms=query.terms,
            vector=vectors[0],
            model_id=self._embedder.model_id,
            filter=filter,
            as_of=view.as_of,
            known_at=view.known_at,
            ended=query.asks_ended,
            text_limit=self.recipe.text_limit,
            vector_limit=self.recipe.vector_limit,
            fact_limit=self.recipe.fact_limit,
            neighbours=self.recipe.neighbours,
            seeds=self.recipe.seeds,
        )

    async def _pool(
        self, asked: CandidateQuery, scopes: Sequence[Scope], view: _View
    ) -> CandidatePool:
        pool = await self._graph.candidates(scopes, asked)
        return replace(pool, candidates=view.admitted(Columns.of(pool.candidates)))

    def following(self, recipe: Recipe) -> "Retriever":
        """Return a retriever of the same memory by another recipe, without a model of a user's."""
        return Retriever(
            self._graph,
            self._embedder,
            recipe,
            selector=self._selector,
            select_budget_s=self._select_s,
        )

    async def hits(
        self, found: Found, scopes: Sequence[Scope], *, top_k: int, known_at: datetime
    ) -> tuple[Hit, ...]:
        """Return the hits of what was found; what has gone since then is none."""
        hits, _ = await self._settled([found], scopes, top_k=top_k, known_at=known_at)
        return hits

    async def texts(
        self, ranked: Sequence[Ranked], scopes: Sequence[Scope], *, known_at: datetime
    ) -> dict[str, str]:
        """Return the texts of ranked memories by id; what has gone since then has none."""
        found = [item.candidate for item in ranked]
        known = {c.id: c.text for c in found if c.text is not None}
        missing = list(dict.fromkeys(c.id for c in found if c.text is None))
        if not missing:
            return known
        visible = frozenset(scope.key for scope in scopes)
        page = await self._graph.read(scopes, missing, known_at=known_at)
        rows: tuple[Episode | Fact, ...] = (*page.episodes, *page.facts)
        return known | {row.id: row.text for row in rows if row.scope.key in visible}


async def _in_time(
    work: Coroutine[Any, Any, T],
    step: str,
    model: AnswerSelector | Reranker | QueryRewriter,
    texts: int,
    budget_s: float,
) -> T | None:
    """Return what an optional step gives; None, and a warning, if it fails or takes too long.

    The error's own words are not logged: a provider may repeat what it was sent.
    """
    try:
        async with asyncio.timeout(budget_s):
            return await work
    except Exception as error:  # noqa: BLE001  # whatever a model does, the fused order stands
        log.warning(
            "%s left out: %s",
            step,
            type(error).__name__,
            extra={"model": model.model_id, "texts": texts, "budget_s": budget_s},
        )
        return None


def within(filter: Filter, span: Span) -> Filter | None:
    """Return the filter narrowed to what occurred in a span; None if nothing can be in both."""
    starts = [moment for moment in (filter.occurred_from, span.start) if moment is not None]
    ends = [moment for moment in (filter.occurred_to, span.end) if moment is not None]
    start, end = max(starts, default=None), min(ends, default=None)
    if start is not None and end is not None and start >= end:
        return None
    return replace(filter, occurred_from=start, occurred_to=end)


def _judged_text(item: Ranked, text: str) -> str:
    found = item.candidate
    return embedded_text(found.author, found.occurred_at, text) if found.kind == "episode" else text

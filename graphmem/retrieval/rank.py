"""Make hits of scored candidates: who stands for what, and in which order.

A fact and the episodes that it was read from are one hit, what has ended is below what holds, and
where somebody asks how things stand, the later of two like statements is first. Knows no store and
no arm: ``scoring`` has those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

import numpy as np

from graphmem.models import UNTOLD, Candidate, CandidatePool
from graphmem.retrieval.columns import Columns, microseconds, moment
from graphmem.retrieval.query import Query, Span
from graphmem.retrieval.recipes import Recipe
from graphmem.retrieval.scoring import Scores, held_in, score

ENDED: Final = 0.6  # what an episode's score is worth to the present, once all it stated has ended
RESTATED: Final = 12  # so many hits are compared with each other
SAME_ASKED: Final = 0.4
SAME_TOLD: Final = 0.15
FAR_LESS: Final = 5.0  # log-odds


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One hit: its best candidate, the fused score and its parts by arm, and what it stands for.

    ``score`` is 0 and up; ``arms`` add up to it. ``event_ids`` are those of all candidates that
    were merged into it, ``members`` the candidates' ids, the best first. ``source`` is the same hit
    in the words of the episode that its fact was read from, where that was found too; its arm
    ``fact`` is what the fact has more. ``untimely`` is a fact that is known not to have held at the
    time that is asked about.
    """

    candidate: Candidate
    score: float
    arms: Mapping[str, float]
    event_ids: tuple[str, ...]
    members: tuple[str, ...]
    ended: bool = False
    untimely: bool = False
    source: "Ranked | None" = None


@dataclass(slots=True)
class _Draft:
    """A hit in the making: the row that stands for it, and what has been merged into it.

    ``events`` are by episode id: an event's own id is unique in its session only. ``source`` is the
    row of the best episode that a fact's hit carries.
    """

    row: int
    score: float
    events: dict[str, str]
    ended: bool
    members: list[str]
    source: int | None = None


class _Drafts:
    """The hits in the making, taken from the best score to the last.

    ``holder`` is the hit that carries an episode, None where that one is beyond the limit and was
    never made. ``current`` is, per slot, the lowest score of a hit that carries a current fact;
    ``slots`` are those of the ended facts that are no hits, by the episodes they were read from.
    ``timely`` are the only episodes that count as where a fact is from, if it has one of them.
    """

    def __init__(self, scores: Scores, limit: int, *, timely: frozenset[str] | None = None) -> None:
        self.drafts: list[_Draft] = []
        self.slots: dict[str, set[str]] = {}
        self._rows = scores.rows
        self._total: list[float] = scores.total.tolist()
        self._room = limit
        self._timely = timely
        self._holder: dict[str, _Draft | None] = {}
        self._current: dict[str, float] = {}

    def take_episode(self, row: int) -> None:
        name = self._rows.id[row]
        if name in self._holder:
            draft = self._holder[name]
            if draft is not None:
                draft.members.append(name)
                if draft.source is None and not self._is_episode(draft):
                    draft.source = row
        elif self._room > 0:
            events = {name: self._rows.event_ids[row][0]}
            self._holder[name] = self._draft(row, events, self._rows.ended[row])
        else:
            self._holder[name] = None

    def take_fact(self, row: int, ended: bool) -> None:
        rows = self._rows
        events = dict(zip(rows.episode_ids[row], rows.event_ids[row], strict=False))
        if self._timely is not None:
            events = {e: event for e, event in events.items() if e in self._timely} or events
        holders = [self._holder[episode] for episode in events if episode in self._holder]
        taken = [d for d in holders if d is None or self._is_episode(d)]
        draft = taken[0] if taken else None
        if draft is not None:
            draft.events |= {e: event for e, event in events.items() if e not in self._holder}
            draft.members.append(rows.id[row])
        elif not taken and self._room > 0:
            draft = self._draft(row, events, ended)
        for episode in events:
            self._holder.setdefault(episode, draft)
        slot = rows.slot[row]
        if slot is not None and not ended:
            score = self._total[row] if draft is None else draft.score
            self._current[slot] = min(score, self._current.get(slot, score))

    def lower(self) -> None:
        """Weaken each ended episode, and put it below the current facts of its slots."""
        for draft in self.drafts:
            if not draft.ended or not self._is_episode(draft):
                continue
            draft.score *= ENDED
            name, slot = self._rows.id[draft.row], self._rows.slot[draft.row]
            once = self.slots.get(name, set[str]()) | {slot or ""}
            cap = min((self._current[s] for s in once if s in self._current), default=None)
            if cap is not None and draft.score >= cap:
                draft.score = float(np.nextafter(cap, 0.0))

    def _is_episode(self, draft: _Draft) -> bool:
        return self._rows.kind[draft.row] == "episode"

    def _draft(self, row: int, events: dict[str, str], ended: bool) -> _Draft:
        draft = _Draft(row, self._total[row], events, ended, [self._rows.id[row]])
        self.drafts.append(draft)
        self._room -= not ended  # what has ended may yet be lowered out of the first hits
        return draft


def merge(
    scores: Scores, query: Query, *, as_of: datetime, limit: int | None = None
) -> tuple[Ranked, ...]:
    """Make hits of scored candidates: a fact and the episodes it was read from are one.

    The best of them stands for the hit, and its arms are the hit's. A fact's hit carries the
    support's event ids in their order; an episode's its own event first and then the support's.
    Two facts read from one event are two hits, unless the event's episode beats both: its words
    say what they say. An event that stands as an episode is in no other hit. Where a question is
    about nothing but a time, what was told at others is left out: "Bo is a friend of Ida" may be
    from many days, and the question is about one. What is
    quarantined or only supposed is dropped, and so are ended facts, unless the question asks for
    what has ended; if it does not, an episode whose facts have all ended ranks below the fact that
    took their place.
    """
    rows, now = scores.rows, microseconds(as_of)
    timely = None
    if query.only_time:
        kinds = zip(rows.id, rows.kind, strict=True)
        timely = frozenset(name for name, kind in kinds if kind == "episode")
    made = _Drafts(scores, len(scores.order) if limit is None else limit, timely=timely)
    for row in scores.order:
        if rows.status[row] in UNTOLD:
            continue
        if rows.kind[row] == "episode":
            made.take_episode(row)
            continue
        end = rows.valid_to[row]
        ended = end is not None and end <= now
        if ended and not query.asks_ended:
            for episode in rows.episode_ids[row]:
                made.slots.setdefault(episode, set()).add(rows.slot[row] or "")
        else:
            made.take_fact(row, ended)
    if not query.asks_ended:
        made.lower()
    made.drafts.sort(key=lambda draft: -draft.score)  # stable: ties stay as they were
    return tuple(_hit(draft, scores, query.span) for draft in made.drafts[:limit])


def _hit(draft: _Draft, scores: Scores, span: Span | None) -> Ranked:
    lowered = draft.score - float(scores.total[draft.row])
    arms = scores.parts(draft.row)
    hit = Ranked(
        candidate=scores.rows[draft.row],
        score=draft.score,
        arms=MappingProxyType(arms | {"ended": lowered} if lowered else arms),
        event_ids=tuple(draft.events.values()),
        members=tuple(draft.members),
        ended=draft.ended,
        untimely=span is not None and _untimely(scores.rows, draft.row, span),
    )
    row = draft.source
    if row is None or scores.rows.ended[row]:
        return hit
    more = draft.score - float(scores.total[row])
    own = scores.rows.event_ids[row][0]
    source = replace(
        hit,
        candidate=scores.rows[row],
        arms=MappingProxyType(scores.parts(row) | {"fact": more}),
        event_ids=(own, *(event for event in hit.event_ids if event != own)),
        ended=False,  # of what it says, the fact at most has
    )
    return replace(hit, source=source)


def _untimely(rows: Columns, row: int, span: Span) -> bool:
    """Return whether a fact held only outside a time, and was not told in it either."""
    start, end = rows.valid_from[row], rows.valid_to[row]
    if rows.kind[row] == "episode" or (start is None and end is None):
        return False
    return not held_in(span, start, end) and not span.holds(moment(rows.occurred_at[row]))


def rank(
    pool: CandidatePool,
    query: Query,
    *,
    recipe: Recipe,
    now: datetime,
    as_of: datetime,
    limit: int | None = None,
) -> tuple[Ranked, ...]:
    """Return the best hits of a pool. ``now`` is what recency counts back from."""
    scores = score(pool.candidates, query, recipe=recipe, now=now)
    return settle(scores, query, recipe=recipe, as_of=as_of, limit=limit)


def settle(
    scores: Scores, query: Query, *, recipe: Recipe, as_of: datetime, limit: int | None
) -> tuple[Ranked, ...]:
    """Make hits of scores, what says the same later before what said it earlier."""
    if not query.asks_how_it_stands or not recipe.restated:
        return merge(scores, query, as_of=as_of, limit=limit)
    enough = None if limit is None else max(limit, RESTATED)
    found = merge(scores, query, as_of=as_of, limit=enough)
    return newest_first(found, query, recipe.restated)[:limit]


def newest_first(
    found: Sequence[Ranked],
    query: Query,
    margin: float,
    odds: Mapping[str, float] = MappingProxyType({}),
) -> tuple[Ranked, ...]:
    """Put what says the same later before what said it earlier, among the first dozen.

    The same: the same role says it, with ``SAME_ASKED`` of the question's terms that the earlier
    one has, and ``SAME_TOLD`` of the other words of the shorter one. The later one may be behind by
    ``margin`` of the best score, and by ``FAR_LESS`` where ``odds`` has what speaks for each of the
    two as the answer, log-odds by id: "the fee hut was closed" restates no fee. What moves up
    scores as what it has passed, and ``restated`` is the arm that says so.
    """
    first, rest = list(found[:RESTATED]), list(found[RESTATED:])
    if not first:
        return ()
    asked = frozenset(query.terms)
    words = {id(item): frozenset(item.candidate.terms.split()) for item in first}
    reach = margin * first[0].score

    def far_less(later: Ranked, earlier: Ranked) -> bool:
        new, old = (odds.get(item.candidate.id) for item in (later, earlier))
        return new is not None and old is not None and old - new > FAR_LESS

    def restates(later: Ranked, earlier: Ranked) -> bool:
        new, old = words[id(later)], words[id(earlier)]
        both = new & old
        return (
            later.candidate.occurred_at > earlier.candidate.occurred_at
            and (later.candidate.role or "user") == (earlier.candidate.role or "user")
            and earlier.score - later.score <= reach
            and not far_less(later, earlier)
            and len(asked & both) >= SAME_ASKED * max(1, len(asked & old))
            and len(both - asked) >= SAME_TOLD * min(len(new), len(old))
        )

    for _ in range(len(first)):
        before = [id(item) for item in first]
        for low in range(len(first)):
            for high in range(low):
                if restates(first[low], first[high]):
                    first.insert(high, first.pop(low))
                    break
        if before == [id(item) for item in first]:
            break
    for place in range(len(first) - 2, -1, -1):
        risen = first[place + 1].score - first[place].score
        if risen > 0:
            item = first[place]
            risen += item.arms.get("restated", 0.0)
            arms = MappingProxyType({**item.arms, "restated": risen})
            first[place] = replace(item, score=first[place + 1].score, arms=arms)
    return (*first, *rest)

"""Score a pool of candidates for a question, and make hits of them: the same for every store.

Knows no store, and of a text only its analysed terms. The theory, in the order of the code:

- **Calibrated scores, not ranks.** BM25 over its maximum plus the cosine above a floor. Reciprocal
  rank fusion over full lists forgets how sure each arm is; decision 0013 has the figures.
- **Spreading at query time.** An episode lends part of its score to its neighbours along NEXT, a
  question more to what follows it, and a session part of the sum of its best members to all of
  them: who answers does not repeat the words of the question.
- **Form.** Between people a question is seldom the answer, and a longer text more often than a
  short one.
- **Related words.** A text without a term of the question but with a related word has a part of it.
- **Restatements.** Where somebody asks how things stand, the later of two like statements is first.
- **Bounded boosts.** Recency and importance multiply a score by 0.9 to 1.1 at the very most.

Everything is a function of the pool as a set: candidates are put into one fixed order first, so
that no order of arrival, and no rounding that depends on it, shows in the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

import numpy as np

from graphmem.models import UNTOLD, Candidate, CandidatePool
from graphmem.retrieval.bm25 import weighted
from graphmem.retrieval.columns import (
    Columns,
    Flags,
    Floats,
    Integers,
    Words,
    microseconds,
    moment,
    words_of,
)
from graphmem.retrieval.epithets import beside
from graphmem.retrieval.query import Query, named_terms
from graphmem.retrieval.recipes import Recipe
from graphmem.retrieval.related import related_counts, related_terms
from graphmem.retrieval.text import ASKS, analyse

DAY_S: Final = 86_400.0
ENDED: Final = 0.6  # what an episode's score is worth to the present, once all it stated has ended
MOST_BOOST: Final = 0.1
RESTATED: Final = 12  # so many hits are compared with each other
SAME_ASKED: Final = 0.4
SAME_TOLD: Final = 0.15

_RELATIVE: Final = frozenset(
    analyse(
        "yesterday today tomorrow tonight week weekend month year ago last next recently soon "
        "earlier later since summer winter spring autumn fall"
    )
)
"""Terms by which a text says when something was; dates themselves are in every indexed text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One hit: its best candidate, the fused score and its parts by arm, and what it stands for.

    ``score`` is 0 and up; ``arms`` add up to it. ``event_ids`` are those of all candidates that
    were merged into it, ``members`` the candidates' ids, the best first. ``source`` is the same hit
    in the words of the episode that its fact was read from, where that was found too; its arm
    ``fact`` is what the fact has more.
    """

    candidate: Candidate
    score: float
    arms: Mapping[str, float]
    event_ids: tuple[str, ...]
    members: tuple[str, ...]
    ended: bool = False
    source: "Ranked | None" = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Scored candidates: ``order`` lists the rows of ``rows`` from the best to the last."""

    rows: Columns
    total: Floats
    arms: Mapping[str, Floats]
    order: Sequence[int]

    def parts(self, row: int) -> dict[str, float]:
        """Return the arms that took part in one row's score."""
        return {name: float(part[row]) for name, part in self.arms.items() if part[row]}


# --------------------------------------------------------------------------- the graph


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each candidate stands, rows in order of session and place.

    ``session`` and ``speaker`` number those two as they first occur, ``seq`` is the place in the
    stream; ``episode`` tells episodes, which alone have neighbours, from facts, and ``named``
    whose speaker has a name. ``asking`` is 1 for what ends in a question, less the share of them in
    all that the pool holds of the speaker: where people always ask, a question says nothing.
    """

    session: Integers
    speaker: Integers
    seq: Integers
    episode: Flags
    named: Flags
    asking: Floats


def _layout(rows: Columns) -> Layout:
    sessions: dict[tuple[str, str], int] = {}
    speakers: dict[tuple[str | None, str | None], int] = {}
    speaker = np.array(
        [
            speakers.setdefault(who, len(speakers))
            for who in zip(rows.author, rows.role, strict=True)
        ]
    )
    asks = np.array([terms.endswith(ASKS) for terms in rows.terms], dtype=np.float64)
    return Layout(
        session=np.array(
            [
                sessions.setdefault(where, len(sessions))
                for where in zip(rows.scope_key, rows.session_id, strict=True)
            ]
        ),
        speaker=speaker,
        seq=np.array(rows.seq, dtype=np.int64),
        episode=np.array([kind == "episode" for kind in rows.kind], dtype=np.bool_),
        named=np.array([author is not None for author in rows.author], dtype=np.bool_),
        asking=asks - _group_mean(asks, speaker),
    )


def _group_mean(values: Floats, group: Integers) -> Floats:
    """Return, per row, the mean of its group; groups are numbered from 0."""
    sums = np.bincount(group, weights=values)
    return (sums / np.maximum(np.bincount(group), 1))[group]


def spread(base: Floats, layout: Layout, recipe: Recipe) -> Floats:
    """Return what each episode receives from its neighbours along NEXT, two rows either way.

    Rows next to each other count by how far apart they stand in the stream: one place is near,
    up to ``reach`` places far, more is nothing. A question hands a share to what follows it.
    Linear in ``base``.
    """
    gain = np.zeros_like(base)
    for step in (1, 2):
        if len(base) <= step:
            break
        before, after = slice(None, -step), slice(step, None)
        gap = layout.seq[after] - layout.seq[before]
        linked = (
            (layout.session[after] == layout.session[before])
            & layout.episode[after]
            & layout.episode[before]
            & (gap <= recipe.reach)
        )
        weight = np.where(linked, np.where(gap == 1, recipe.near, recipe.far), 0.0)
        asked = recipe.reply * np.clip(layout.asking[before], 0.0, None)
        reply = np.where(linked & (gap == 1), asked, 0.0)
        gain[before] += weight * base[after]
        gain[after] += (weight + reply) * base[before]
    return gain


def session_sums(scores: Floats, session: Integers, best: int) -> Floats:
    """Return, per candidate, the sum of the ``best`` highest scores of its session."""
    if not len(scores):
        return scores
    order = np.lexsort((-scores, session))
    grouped = session[order]
    starts = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]])
    place = np.arange(len(grouped)) - np.repeat(starts, np.diff(np.r_[starts, len(grouped)]))
    sums = np.zeros(int(session.max()) + 1)
    np.add.at(sums, grouped, np.where(place < best, scores[order], 0.0))
    return sums[session]


# --------------------------------------------------------------------------- arms


def _spoken(rows: Columns, layout: Layout, query: Query, recipe: Recipe) -> Floats:
    """Return ``speaker`` for whom the question names, ``asker`` for the one who asks.

    Without names, "I" in a question is the user and "you" the assistant.
    """
    terms = frozenset(query.terms)
    shares: list[float] = []
    for author, role in dict.fromkeys(zip(rows.author, rows.role, strict=True)):
        name = analyse(author) if author is not None else ()
        if author is None:
            meant = (query.first_person and role == "user") or (
                query.second_person and role == "assistant"
            )
            shares.append(recipe.asker if meant else 0.0)
        else:
            shares.append(recipe.speaker if name and terms.issuperset(name) else 0.0)
    return np.where(layout.episode, np.array(shares)[layout.speaker], 0.0)


def _timely(rows: Columns, query: Query, recipe: Recipe) -> Floats:
    """Return ``time`` for what lies in the time asked about, ``dated`` for what tells a time.

    A fact lies in it by its validity, and where that is unknown, as an episode, by when it was
    said. Only a question for a time gains from texts that tell one.
    """
    gain = np.zeros(len(rows))
    span = query.span
    if span is not None:
        gain += recipe.time * np.array(
            [
                span.holds(moment(occurred))
                if start is None and end is None
                else span.overlaps(
                    None if start is None else moment(start), None if end is None else moment(end)
                )
                for occurred, start, end in zip(
                    rows.occurred_at, rows.valid_from, rows.valid_to, strict=True
                )
            ]
        )
    if query.asks_when:
        gain += recipe.dated * words_of(_RELATIVE, rows.terms).counts.any(axis=0)
    return gain


def _named_only(words: Words, weights: Floats, layout: Layout, query: Query) -> Flags:
    """Return which facts share no more with the question than names: all that is known of Ada.

    A fact is so short that a name makes most of it.
    """
    names = named_terms(query.text)
    plain = np.array([term not in names for term in words.terms], dtype=np.bool_)
    return ~layout.episode & ~(weights[plain] > 0).any(axis=0)


def _called(rows: Columns, query: Query, recipe: Recipe) -> Floats:
    """Return ``epithet`` for episodes that call somebody as the question does, or part of it."""
    gain = np.zeros(len(rows))
    if not query.epithets or not recipe.epithet:
        return gain
    for row, kind in enumerate(rows.kind):
        if kind == "episode":
            terms = rows.terms[row].split()
            gain[row] = recipe.epithet * max(beside(e, terms) for e in query.epithets)
    return gain


def _form(lengths: Floats, layout: Layout, recipe: Recipe) -> Floats:
    """Return the factor of an episode's form, 1 for facts: questions less, long texts more.

    Between people who are named, that is: who works with an assistant asks and pastes at length.
    Length is measured against what the speaker's texts have on average, as a logarithm, and is
    bounded, from e^-1.5 to e.
    """
    folds = np.log(np.maximum(lengths, 1.0))
    folds = np.clip(folds - _group_mean(folds, layout.speaker), -1.5, 1.0)
    factor = 1 - recipe.asking * layout.asking + recipe.length * folds
    return np.where(layout.episode & layout.named, factor, 1.0)


def _asked(rows: Columns, layout: Layout, query: Query, recipe: Recipe) -> Floats:
    """Return the factor of facts that say what the question says, or not what it asks."""
    given = np.array([i in query.given for i in rows.id])
    known = {name for name, _ in query.answers}
    other = np.array([query.asks_fact and i not in known for i in rows.id])
    factor = np.where(given, recipe.given, np.where(other, recipe.unasked, 1.0))
    return np.where(layout.episode, 1.0, factor)


def recency(age_days: Floats, half_life_days: Floats) -> Floats:
    """Return 1 for now and the future, 0.5 at one half-life, towards 0 with age."""
    return np.exp2(-np.clip(age_days, 0.0, None) / half_life_days)


def boost(weight: float, share: Floats) -> Floats:
    """Return factors that rise with ``share`` (0 to 1) within 1 ± ``weight``, at most 0.1."""
    most = min(max(weight, 0.0), MOST_BOOST)
    return 1 + most * (2 * np.clip(share, 0.0, 1.0) - 1)


# --------------------------------------------------------------------------- score


def score(
    candidates: Iterable[Candidate], query: Query, *, recipe: Recipe, now: datetime
) -> Scores:
    """Score every candidate; ties in ``order`` by recency, then by place and id.

    A function of the set of candidates: their order does not matter. Empty in, empty out.
    """
    rows = placed(Columns.of(candidates))
    if not rows:
        return Scores(rows, np.zeros(0), {}, ())
    words = rows.words
    if words is None or words.terms != query.terms:
        words = words_of(query.terms, rows.terms)
    layout = _layout(rows)
    occurred = np.array(rows.occurred_at) / 1e6
    weights = _with_related(words, rows, recipe)
    text = weighted(words, weights, k1=recipe.k1, b=recipe.b)
    text = np.where(_named_only(words, weights, layout, query), recipe.named_only * text, text)
    cosine = np.array([-1.0 if cosine is None else cosine for cosine in rows.cosine])
    arms = {
        "text": recipe.text * (text / max(float(text.max()), 1e-12)) ** recipe.text_power,
        "vector": recipe.vector * np.clip(cosine - recipe.cosine_floor, 0.0, None),
    }
    total = arms["text"] + arms["vector"]
    arms["neighbours"] = spread(total, layout, recipe)
    total = total + arms["neighbours"]
    best = float(total.max())
    sums = session_sums(total, layout.session, recipe.session_best)
    arms["session"] = recipe.session * best * sums / max(float(sums.max()), 1e-12)
    arms["speaker"] = best * _spoken(rows, layout, query, recipe)
    arms["time"] = best * _timely(rows, query, recipe)
    arms["epithet"] = best * _called(rows, query, recipe)
    worth = dict(query.answers)
    arms["answer"] = best * recipe.answer * np.array([worth.get(i, 0.0) for i in rows.id])
    arms["support"] = recipe.support * _inherited(rows, arms["neighbours"] + arms["speaker"])
    for name in ("session", "speaker", "time", "epithet", "answer", "support"):
        total = total + arms[name]
    half_lives = np.array([recipe.half_life_days[kind] for kind in rows.type])
    age_days = (now.timestamp() - occurred) / DAY_S
    for name, factor in (
        ("asked", _asked(rows, layout, query, recipe)),
        ("form", _form(words.lengths, layout, recipe)),
        ("recency", boost(recipe.recency, recency(age_days, half_lives))),
        ("importance", boost(recipe.importance, np.array(rows.importance))),
    ):
        arms[name] = total * (factor - 1)
        total = total + arms[name]
    # Stable, so that what is equal in all three keeps the order of its place, then of its id.
    order = np.lexsort((-layout.seq, -occurred, -total))
    return Scores(rows, total, arms, order.tolist())


def placed(rows: Columns) -> Columns:
    """Return rows by session and place, episodes before facts: neighbours are adjacent rows."""
    keys = list(zip(rows.scope_key, rows.session_id, rows.kind, rows.seq, rows.id, strict=True))
    return rows.take(sorted(range(len(rows)), key=keys.__getitem__))


def _with_related(words: Words, rows: Columns, recipe: Recipe) -> Floats:
    """Return the counts, and ``related`` of an occurrence where only a related word occurs.

    Who takes part in the talk is related to nobody.
    """
    if not recipe.related:
        return words.counts
    names = {term for author in set(rows.author) if author for term in analyse(author)}
    near = related_counts(words.terms, rows.terms, related_terms(), without=names)
    return np.where(words.counts > 0, words.counts, recipe.related * near)


def _inherited(rows: Columns, gains: Floats) -> Floats:
    """Return, for each fact, the most that one of the episodes it was read from has gained.

    A fact stands beside its episode in the conversation: it competes with the words it was read
    from, and it says the same in fewer of them.
    """
    gained = gains.tolist()
    place = {rows.id[row]: row for row, kind in enumerate(rows.kind) if kind == "episode"}
    found = np.zeros(len(rows))
    for row, kind in enumerate(rows.kind):
        if kind == "fact":
            read = [gained[place[e]] for e in rows.episode_ids[row] if e in place]
            found[row] = max(read, default=0.0)
    return found


# --------------------------------------------------------------------------- hits


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
    """

    def __init__(self, scores: Scores, limit: int) -> None:
        self.drafts: list[_Draft] = []
        self.slots: dict[str, set[str]] = {}
        self._rows = scores.rows
        self._total: list[float] = scores.total.tolist()
        self._room = limit
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
    say what they say. An event that stands as an episode is in no other hit. What is
    quarantined or only supposed is dropped, and so are ended facts, unless the question asks for
    what has ended; if it does not, an episode whose facts have all ended ranks below the fact that
    took their place.
    """
    rows, now = scores.rows, microseconds(as_of)
    made = _Drafts(scores, len(scores.order) if limit is None else limit)
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
    return tuple(_hit(draft, scores) for draft in made.drafts[:limit])


def _hit(draft: _Draft, scores: Scores) -> Ranked:
    lowered = draft.score - float(scores.total[draft.row])
    arms = scores.parts(draft.row)
    hit = Ranked(
        candidate=scores.rows[draft.row],
        score=draft.score,
        arms=MappingProxyType(arms | {"ended": lowered} if lowered else arms),
        event_ids=tuple(draft.events.values()),
        members=tuple(draft.members),
        ended=draft.ended,
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
    )
    return replace(hit, source=source)


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


def newest_first(found: Sequence[Ranked], query: Query, margin: float) -> tuple[Ranked, ...]:
    """Put what says the same later before what said it earlier, among the first dozen.

    The same: the same role says it, with ``SAME_ASKED`` of the question's terms that the earlier
    one has, and ``SAME_TOLD`` of the other words of the shorter one. The later one may be behind by
    ``margin`` of the best score. What moves up scores as what it has passed, and ``restated`` is
    the arm that says so.
    """
    first, rest = list(found[:RESTATED]), list(found[RESTATED:])
    if not first:
        return ()
    asked = frozenset(query.terms)
    words = {id(item): frozenset(item.candidate.terms.split()) for item in first}
    reach = margin * first[0].score

    def restates(later: Ranked, earlier: Ranked) -> bool:
        new, old = words[id(later)], words[id(earlier)]
        both = new & old
        return (
            later.candidate.occurred_at > earlier.candidate.occurred_at
            and (later.candidate.role or "user") == (earlier.candidate.role or "user")
            and earlier.score - later.score <= reach
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

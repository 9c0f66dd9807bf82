"""Score a pool of candidates for a question, and make hits of them: the same for every store.

Knows no store, and of a text only its analysed terms. The theory, in the order of the code:

- **BM25 over the pool.** Idf and average length come from the pool itself, not from the whole
  scope (Robertson and Zaragoza, 2009, equation 3.15): within what a question has in common with
  the memory, a term counts by how well it tells the members apart.
- **Calibrated scores, not ranks.** BM25 over its maximum plus the cosine above a floor. Reciprocal
  rank fusion over full lists forgets how sure each arm is; decision 0013 has the figures.
- **Spreading at query time.** An episode lends part of its score to its neighbours along NEXT, a
  question more to what follows it, and a session part of the sum of its best members to all of
  them: who answers does not repeat the words of the question.
- **Form.** A question is seldom the answer, and a longer text more often than a short one.
- **Bounded boosts.** Recency and importance multiply a score by 0.9 to 1.1 at the very most.

Everything is a function of the pool as a set: candidates are put into one fixed order first, so
that no order of arrival, and no rounding that depends on it, shows in the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from graphmem.models import Candidate, CandidatePool
from graphmem.retrieval.query import Query
from graphmem.retrieval.recipes import Recipe
from graphmem.retrieval.text import ASKS, analyse

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DAY_S: Final = 86_400.0
ENDED: Final = 0.6  # what an episode's score is worth to the present, once all it stated has ended
MOST_BOOST: Final = 0.1

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
    were merged into it, ``members`` the candidates' ids, the best first.
    """

    candidate: Candidate
    score: float
    arms: Mapping[str, float]
    event_ids: tuple[str, ...]
    members: tuple[str, ...]
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Scores:
    """Scored candidates: ``order`` lists the rows of ``rows`` from the best to the last."""

    rows: Sequence[Candidate]
    total: Floats
    arms: Mapping[str, Floats]
    order: Sequence[int]

    def parts(self, row: int) -> dict[str, float]:
        """Return the arms that took part in one row's score."""
        return {name: float(part[row]) for name, part in self.arms.items() if part[row]}


# --------------------------------------------------------------------------- text


def bm25(
    terms: Sequence[str], documents: Sequence[str], *, k1: float = 1.2, b: float = 0.75
) -> Floats:
    """Score documents, given as their blank-separated terms, for a question's terms.

    Idf is ln(1 + (N - n + 0.5) / (n + 0.5)) with N the number of documents given, so it is never
    negative; the average length is theirs too. Returns float64 of shape (len(documents),), all 0
    where no term occurs. Stores use it to cut their text matches. O(total terms).
    """
    if not terms or not documents:
        return np.zeros(len(documents))
    return _bm25(*_count(terms, documents), k1=k1, b=b)


def _count(terms: Iterable[str], documents: Sequence[str]) -> tuple[Floats, Floats]:
    """Return how often each distinct term occurs, (terms, documents), and the lengths, (n,)."""
    # Counting " term " where every blank is two finds whole words only, neighbours that are equal
    # too, and is three times as fast as splitting.
    spaced = [f" {document.replace(' ', '  ')} " for document in documents]
    counts = [
        [document.count(padded) for document in spaced]
        for padded in (f" {term} " for term in dict.fromkeys(terms))
    ]
    lengths = [document.count(" ") + (document != "") for document in documents]
    return (
        np.array(counts, dtype=np.float64).reshape(-1, len(documents)),
        np.array(lengths, dtype=np.float64),
    )


def _bm25(counts: Floats, lengths: Floats, *, k1: float, b: float) -> Floats:
    holding = (counts > 0).sum(axis=1)
    idf = np.log1p((len(lengths) - holding + 0.5) / (holding + 0.5))
    norm = k1 * (1 - b + b * lengths / max(float(lengths.mean()), 1.0))
    return np.asarray(idf @ (counts * (k1 + 1) / (counts + norm)), dtype=np.float64)


# --------------------------------------------------------------------------- the graph


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each candidate stands, rows in order of session and place.

    ``session`` and ``speaker`` number those two, ``seq`` is the place in the stream; ``episode``
    tells episodes, which alone have neighbours, from facts. ``asking`` is 1 for what ends in a
    question, less the share of questions in all that the pool holds of the speaker: where people
    always ask, as users of an assistant do, a question says nothing.
    """

    session: Integers
    speaker: Integers
    seq: Integers
    episode: Flags
    asking: Floats


# Episodes before facts, so that neighbours along NEXT are adjacent rows.
_place: Final = attrgetter("scope_key", "session_id", "kind", "seq", "id")


def _layout(rows: Sequence[Candidate]) -> Layout:
    sessions: dict[tuple[str, str], int] = {}
    speakers: dict[tuple[str | None, str | None], int] = {}
    speaker = np.array([speakers.setdefault((c.author, c.role), len(speakers)) for c in rows])
    asks = np.array([c.terms.endswith(ASKS) for c in rows], dtype=np.float64)
    return Layout(
        session=np.array(
            [sessions.setdefault((c.scope_key, c.session_id), len(sessions)) for c in rows]
        ),
        speaker=speaker,
        seq=np.array([c.seq for c in rows], dtype=np.int64),
        episode=np.array([c.kind == "episode" for c in rows], dtype=np.bool_),
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


def _spoken(rows: Sequence[Candidate], query: Query, recipe: Recipe) -> Floats:
    """Return ``speaker`` for whom the question names, ``asker`` for the one who asks.

    Without names, "I" in a question is the user and "you" the assistant.
    """
    terms = frozenset(query.terms)
    shares: dict[tuple[str | None, str | None], float] = {}
    for author, role in {(c.author, c.role) for c in rows}:
        name = analyse(author) if author is not None else ()
        if author is None:
            meant = (query.first_person and role == "user") or (
                query.second_person and role == "assistant"
            )
            shares[author, role] = recipe.asker if meant else 0.0
        else:
            shares[author, role] = recipe.speaker if name and terms.issuperset(name) else 0.0
    return np.array([shares[c.author, c.role] if c.kind == "episode" else 0.0 for c in rows])


def _timely(rows: Sequence[Candidate], query: Query, recipe: Recipe) -> Floats:
    """Return ``time`` for what lies in the time asked about, ``dated`` for what tells a time.

    A fact lies in it by its validity, and where that is unknown, as an episode, by when it was
    said. Only a question for a time gains from texts that tell one.
    """
    gain = np.zeros(len(rows))
    span = query.span
    if span is not None:
        gain += recipe.time * np.array(
            [
                span.holds(c.occurred_at)
                if c.valid_from is None and c.valid_to is None
                else span.overlaps(c.valid_from, c.valid_to)
                for c in rows
            ]
        )
    if query.asks_when:
        gain += recipe.dated * np.array([not _RELATIVE.isdisjoint(c.terms.split()) for c in rows])
    return gain


def _form(lengths: Floats, layout: Layout, recipe: Recipe) -> Floats:
    """Return the factor of an episode's form, 1 for facts: questions less, long texts more.

    Length is measured against what the speaker's texts have on average, as a logarithm, and is
    bounded, from e^-1.5 to e.
    """
    folds = np.log(np.maximum(lengths, 1.0))
    folds = np.clip(folds - _group_mean(folds, layout.speaker), -1.5, 1.0)
    factor = 1 - recipe.asking * layout.asking + recipe.length * folds
    return np.where(layout.episode, factor, 1.0)


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
    rows = sorted(candidates, key=_place)
    if not rows:
        return Scores(rows, np.zeros(0), {}, ())
    counts, lengths = _count(query.terms, [c.terms for c in rows])
    layout = _layout(rows)
    occurred = np.array([c.occurred_at.timestamp() for c in rows])
    text = _bm25(counts, lengths, k1=recipe.k1, b=recipe.b)
    cosine = np.array([-1.0 if c.cosine is None else c.cosine for c in rows])
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
    arms["speaker"] = best * _spoken(rows, query, recipe)
    arms["time"] = best * _timely(rows, query, recipe)
    hops = (*recipe.hops, 0.0)
    arms["entity"] = best * np.array(
        [0.0 if c.hop is None else hops[min(c.hop, len(hops) - 1)] for c in rows]
    )
    arms["support"] = recipe.support * _inherited(rows, arms["neighbours"] + arms["speaker"])
    for name in ("session", "speaker", "time", "entity", "support"):
        total = total + arms[name]
    half_lives = np.array([recipe.half_life_days[c.type] for c in rows])
    age_days = (now.timestamp() - occurred) / DAY_S
    for name, factor in (
        ("form", _form(lengths, layout, recipe)),
        ("recency", boost(recipe.recency, recency(age_days, half_lives))),
        ("importance", boost(recipe.importance, np.array([c.importance for c in rows]))),
    ):
        arms[name] = total * (factor - 1)
        total = total + arms[name]
    # Stable, so that what is equal in all three keeps the order of its place, then of its id.
    order = np.lexsort((-layout.seq, -occurred, -total))
    return Scores(rows, total, arms, [int(row) for row in order])


def _inherited(rows: Sequence[Candidate], gains: Floats) -> Floats:
    """Return, for each fact, the most that one of the episodes it was read from has gained.

    A fact stands beside its episode in the conversation: it competes with the words it was read
    from, and it says the same in fewer of them.
    """
    place = {c.id: row for row, c in enumerate(rows) if c.kind == "episode"}
    found = np.zeros(len(rows))
    for row, c in enumerate(rows):
        if c.kind == "fact":
            read = [gains[place[e]] for e in c.episode_ids if e in place]
            found[row] = max(read, default=0.0)
    return found


# --------------------------------------------------------------------------- hits


@dataclass(slots=True)
class _Draft:
    """A hit in the making: the row that stands for it, and what has been merged into it.

    ``events`` are by episode id: an event's own id is unique in its session only.
    """

    row: int
    score: float
    events: dict[str, str]
    ended: bool
    members: list[str]


class _Drafts:
    """The hits in the making, taken from the best score to the last.

    ``holder`` is the hit that carries an episode, None where that one is beyond the limit and was
    never made. ``current`` is, per slot, the lowest score of a hit that carries a current fact;
    ``slots`` are those of the ended facts that are no hits, by the episodes they were read from.
    """

    def __init__(self, scores: Scores, limit: int) -> None:
        self.drafts: list[_Draft] = []
        self.slots: dict[str, set[str]] = {}
        self._scores = scores
        self._room = limit
        self._holder: dict[str, _Draft | None] = {}
        self._current: dict[str, float] = {}

    def take_episode(self, row: int, found: Candidate) -> None:
        if found.id in self._holder:
            draft = self._holder[found.id]
            if draft is not None:
                draft.members.append(found.id)
        elif self._room > 0:
            self._holder[found.id] = self._draft(row, {found.id: found.event_ids[0]}, found.ended)
        else:
            self._holder[found.id] = None

    def take_fact(self, row: int, found: Candidate, ended: bool) -> None:
        events = dict(zip(found.episode_ids, found.event_ids, strict=False))
        holders = [self._holder[episode] for episode in events if episode in self._holder]
        taken = [d for d in holders if d is None or self._is_episode(d)]
        draft = taken[0] if taken else None
        if draft is not None:
            draft.events |= {e: event for e, event in events.items() if e not in self._holder}
            draft.members.append(found.id)
        elif not taken and self._room > 0:
            draft = self._draft(row, events, ended)
        for episode in events:
            self._holder.setdefault(episode, draft)
        if found.slot is not None and not ended:
            score = float(self._scores.total[row]) if draft is None else draft.score
            self._current[found.slot] = min(score, self._current.get(found.slot, score))

    def lower(self) -> None:
        """Weaken each ended episode, and put it below the current facts of its slots."""
        for draft in self.drafts:
            if not draft.ended or not self._is_episode(draft):
                continue
            draft.score *= ENDED
            found = self._scores.rows[draft.row]
            once = self.slots.get(found.id, set[str]()) | {found.slot or ""}
            cap = min((self._current[s] for s in once if s in self._current), default=None)
            if cap is not None and draft.score >= cap:
                draft.score = float(np.nextafter(cap, 0.0))

    def _is_episode(self, draft: _Draft) -> bool:
        return self._scores.rows[draft.row].kind == "episode"

    def _draft(self, row: int, events: dict[str, str], ended: bool) -> _Draft:
        members = [self._scores.rows[row].id]
        draft = _Draft(row, float(self._scores.total[row]), events, ended, members)
        self.drafts.append(draft)
        self._room -= not ended  # what has ended may yet be lowered out of the first hits
        return draft


def has_ended(candidate: Candidate, as_of: datetime) -> bool:
    """Return whether a fact no longer held at ``as_of``, or all of an episode's facts had ended."""
    if candidate.kind == "episode":
        return candidate.ended
    return candidate.valid_to is not None and candidate.valid_to <= as_of


def merge(
    scores: Scores, query: Query, *, as_of: datetime, limit: int | None = None
) -> tuple[Ranked, ...]:
    """Make hits of scored candidates: a fact and the episodes it was read from are one.

    The best of them stands for the hit, and its arms are the hit's. A fact's hit carries the
    support's event ids in their order; an episode's its own event first and then the support's.
    Two facts read from one event are two hits, unless the event's episode beats both: its words
    say what they say. An event that stands as an episode is in no other hit. Quarantined memories
    are dropped, and so are ended facts, unless the question asks for what has ended; if it does
    not, an episode whose facts have all ended ranks below the fact that took their place.
    """
    made = _Drafts(scores, len(scores.order) if limit is None else limit)
    for row in scores.order:
        found = scores.rows[row]
        if found.status == "quarantined":
            continue
        if found.kind == "episode":
            made.take_episode(row, found)
        elif has_ended(found, as_of) and not query.asks_ended:
            for episode in found.episode_ids:
                made.slots.setdefault(episode, set()).add(found.slot or "")
        else:
            made.take_fact(row, found, has_ended(found, as_of))
    if not query.asks_ended:
        made.lower()
    made.drafts.sort(key=lambda draft: -draft.score)  # stable: ties stay as they were
    return tuple(_hit(draft, scores) for draft in made.drafts[:limit])


def _hit(draft: _Draft, scores: Scores) -> Ranked:
    arms = scores.parts(draft.row)
    lowered = draft.score - float(scores.total[draft.row])
    return Ranked(
        candidate=scores.rows[draft.row],
        score=draft.score,
        arms=MappingProxyType(arms | {"ended": lowered} if lowered else arms),
        event_ids=tuple(draft.events.values()),
        members=tuple(draft.members),
        ended=draft.ended,
    )


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
    return merge(scores, query, as_of=as_of, limit=limit)

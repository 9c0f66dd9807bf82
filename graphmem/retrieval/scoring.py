"""Score a pool of candidates for a question, arm by arm: the same for every store.

Knows no store, and of a text only its analysed terms. The theory, in the order of the code:

- **Calibrated scores, not ranks.** BM25 over its maximum plus the cosine above a floor. Reciprocal
  rank fusion over full lists forgets how sure each arm is; decision 0013 has the figures.
- **Spreading at query time.** An episode lends part of its score to its neighbours along NEXT, a
  question more to what follows it, and a session part of the sum of its best members to all of
  them: who answers does not repeat the words of the question.
- **Form.** Between people a question is seldom the answer, and a longer text more often than a
  short one.
- **Related words.** A text without a term of the question but with a related word has a part of it.
- **Bounded boosts.** Recency and importance multiply a score by 0.9 to 1.1 at the very most.

Everything is a function of the pool as a set: candidates are put into one fixed order first, so
that no order of arrival, and no rounding that depends on it, shows in the result. ``rank`` makes
hits of the scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from graphmem.models import Candidate
from graphmem.retrieval.bm25 import weighted
from graphmem.retrieval.columns import (
    Columns,
    Flags,
    Floats,
    Integers,
    Words,
    moment,
    words_of,
)
from graphmem.retrieval.epithets import beside
from graphmem.retrieval.query import Query, Span, named_terms
from graphmem.retrieval.recipes import Recipe
from graphmem.retrieval.related import related_counts, related_terms
from graphmem.retrieval.text import ASKS, analyse

DAY_S: Final = 86_400.0
MOST_BOOST: Final = 0.1

_RELATIVE: Final = frozenset(
    analyse(
        "yesterday today tomorrow tonight week weekend month year ago last next recently soon "
        "earlier later since summer winter spring autumn fall"
    )
)
"""Terms by which a text says when something was; dates themselves are in every indexed text."""


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


def held_in(span: Span, start: int | None, end: int | None) -> bool:
    """Return whether what is valid from ``start`` to ``end``, in microseconds, held in a time."""
    return span.overlaps(
        None if start is None else moment(start), None if end is None else moment(end)
    )


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
                else held_in(span, start, end)
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

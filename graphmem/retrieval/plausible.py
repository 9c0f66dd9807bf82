"""How much a hit looks like an answer to the question, and the first hits in that order.

The fused score says how much a memory has to do with what a question says. Its best match is often
the question itself, said by somebody ("whose glasses are these?"), or the message that the
description is taken from, and the answer stands beside it. Here a dozen hits are compared by what
they tell, in features that each have a plain meaning, weighed by a conditional logit model
(McFadden, *Conditional logit analysis of qualitative choice behavior*, 1974): which one of these
answers? As in reranking for question answering (Moldovan et al., *Performance issues and error
analysis in an open-domain question answering system*, TOIS 2003), but for no model of language.

The weights are plain numbers in ``plausible.toml``; ``tools/fit_plausible.py`` finds them. Knows
no store.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import numpy as np

from graphmem.retrieval.columns import Floats
from graphmem.retrieval.query import Query, named_terms
from graphmem.retrieval.rank import Ranked
from graphmem.retrieval.related import related_terms
from graphmem.retrieval.reorder import reorder
from graphmem.retrieval.signs import Sentence, Told, Wanted, told, wanted

ARM: Final = "plausible"

FEATURES: Final = (
    "place",  # 1 for the first hit, a half for the second, and so on
    "score",  # of the best score, the more the larger the pool is
    "cosine",  # 1 for the highest of these hits, 0 for the lowest, if they are far enough apart
    "cosine large",  # the same, the more the larger the pool is
    "cosine below",  # how far below the highest, the more the larger the pool is
    "answer",  # what the graph gives as the answer, of the best score
    "assistant",  # said by the assistant, where it is not asked what that said
    "new",  # terms that the question does not have, as a logarithm
    "states",  # of the question's terms, by how rare they are here, the most in one sentence
    #            that does not ask
    "described",  # of its terms but names, where the question describes whom it means
    "told of",  # names somebody of whom another hit tells what this one lacks of the question,
    #             and has an answer of the kind that is wanted
    "kin",  # "his daughter" where the question has "the judge's daughter"
    "after question",  # one or two places after a match that asks
    "after bridge",  # one or two places after the best match
    "after match",  # one or two places after a match, the more the larger the pool is
    "goes on",  # the same, and begins with somebody who was named before
    "same day",  # within six hours after the best match
    "negates",  # says what is not so, where that is asked
    "owned",  # says whose something is, where that is asked
    "changes",  # says that something has become so, where it is asked how things stand
    "late",  # 0 for the first told of these hits, 1 for the last, where the same is asked
    "late match",  # the share of the hits with something of the question that were told before,
    #                 where the same is asked, the more the smaller the pool is
    "news",  # as late, if it tells anything, where it is not asked how things stand or stood, of a
    #           time, for an owner or for what is not so, the more the smaller the pool is
    "early bridge",  # the best match of a question that describes whom it means, the more the
    #                   earlier it was told and the smaller the pool is
    "led",  # a clause begins with a word of an earlier hit that has what this one lacks, the more
    #          the smaller the pool is
    "changes to",  # says in one sentence that something has changed, and what is wanted, where the
    #                 tense asks how things stand
    "other value",  # tells a time or number, after the best match has told another, where the same
    "no kind",  # has nothing of the kind that is wanted
    "kind near",  # has it in the sentence that matches best
    "head",  # has a word related to the very thing that is asked for
)

_SOURCES: Final = 3
_RELATED: Final = 0.7  # what a related word covers of a term
_SMALL: Final = 12  # candidates: from so many on the score says more than the cosine alone
_LARGE: Final = 120
_APART: Final = 0.25  # cosines that differ by less differ by chance
_NEAR_S: Final = 6 * 3600
_SOME: Final = 0.15  # of the question's terms: what has so much tells about what is asked
_FEW: Final = 8  # moments: that something is the last of fewer says less
_SHARED: Final = 4  # hits: what more of them have tells nobody apart
_KIN: Final = frozenset({"his", "her", "their", "my", "our"})


@cache
def weights() -> Floats:
    """Return the weights that ship with the package, in the order of ``FEATURES``."""
    text = files("graphmem.retrieval").joinpath("plausible.toml").read_text("utf-8")
    table: dict[str, float] = tomllib.loads(text)["weights"]
    return np.array([table.get(name, 0.0) for name in FEATURES])


def by_plausibility(
    ranked: Sequence[Ranked], query: Query, texts: Mapping[str, str], *, first: int, pool: int
) -> tuple[Ranked, ...]:
    """Return hits with the ``first`` of them in the order of how plausible each is as the answer.

    A fact that the graph does not give as the answer may tell less than the episode it was read
    from ("Ida is a relative of Kwame"): the more plausible of the two stands for the hit. What the
    graph does give as the answer is passed by nothing that it does not, nor what holds by what has
    ended, as in ``reorder``. ``texts`` are by id, ``pool`` is how many candidates the hits were
    chosen from. A hit that has moved says so in its arms. O(words of the first hits).
    """
    head = ranked[:first]
    if not head or not query.terms:
        return tuple(ranked)
    kept = [(place, hit) for place, hit in wordings(head) if hit.candidate.id in texts]
    values = features([hit for _, hit in kept], query, texts, pool=pool) @ weights()
    best: dict[int, tuple[float, Ranked]] = {}
    for (place, hit), value in zip(kept, values.tolist(), strict=True):
        if place not in best or value > best[place][0]:
            best[place] = (value, hit)
    lowest = math.inf
    judged: list[float] = []
    for value, hit in best.values():
        if hit.arms.get("answer"):
            lowest = min(lowest, value)
        judged.append(value if hit.arms.get("answer") else min(value, lowest))
    moved = reorder(
        [hit for _, hit in best.values()],
        np.array(judged, dtype=np.float32),
        asks_ended=query.asks_ended,
        arm=ARM,
    )
    return (*moved, *ranked[first:])


def wordings(head: Sequence[Ranked]) -> tuple[tuple[int, Ranked], ...]:
    """Return each hit with its place from 0, and after it its source, if that may stand for it.

    Only the first few have one looked at: it costs as much as another hit.
    """
    kept: list[tuple[int, Ranked]] = []
    for place, hit in enumerate(head):
        kept.append((place, hit))
        if place < _SOURCES and hit.source is not None and not hit.arms.get("answer"):
            kept.append((place, hit.source))
    return tuple(kept)


# --------------------------------------------------------------------------- what matches


@lru_cache(maxsize=1 << 12)
def _near(term: str) -> Mapping[str, float]:
    return dict(related_terms().of(term))


@dataclass(frozen=True, slots=True)
class _Match:
    """What the hits have of a question: by term, from 0 to 1, of a whole text or of a sentence.

    ``worth`` is what each term is worth, by how rare it is among these texts; the sum is 1.
    """

    texts: Sequence[Mapping[int, float]]
    sentences: Sequence[Sequence[Mapping[int, float]]]
    worth: Sequence[float]
    named: Sequence[bool]

    def covered(self, has: Mapping[int, float]) -> float:
        worth = self.worth
        return sum(worth[term] * share for term, share in has.items())

    def beyond(self, has: Mapping[int, float], own: Mapping[int, float]) -> float:
        """Return what is covered beyond what another text has of its own."""
        worth = self.worth
        return sum(
            worth[term] * max(share - own.get(term, 0.0), 0.0) for term, share in has.items()
        )

    def unnamed(self, has: Mapping[int, float]) -> float:
        """Return what is covered of the terms that are no names, of all that they are worth."""
        plain = [term for term, named in enumerate(self.named) if not named]
        whole = sum(self.worth[term] for term in plain)
        return sum(self.worth[t] * has.get(t, 0.0) for t in plain) / whole if plain else 0.0


def _match(query: Query, known: Wanted, read: Sequence[Told]) -> _Match:
    names = known.names if query.text == query.asked else named_terms(query.text)
    meant: dict[str, list[tuple[int, float]]] = {}
    for number, term in enumerate(query.terms):
        meant.setdefault(term, []).append((number, 1.0))
        if term not in names:
            for other, close in _near(term).items():
                meant.setdefault(other, []).append((number, _RELATED * close))
    keys = frozenset(meant)

    def has(terms: set[str]) -> dict[int, float]:
        found: dict[int, float] = {}
        for term in keys & terms:
            for number, share in meant[term]:
                if share > found.get(number, 0.0):
                    found[number] = share
        return found

    texts = [has(text.terms) for text in read]
    sentences = [
        [whole] if len(text.sentences) == 1 else [has(s.terms) for s in text.sentences]
        for whole, text in zip(texts, read, strict=True)
    ]
    count = len(read)
    rare: list[float] = []
    for number in range(len(query.terms)):
        holding = sum(text.get(number, 0.0) > 0.5 for text in texts)
        rare.append(max(0.1, math.log((count + 1) / (holding + 0.5))))
    whole = sum(rare)
    return _Match(
        texts, sentences, [one / whole for one in rare], [term in names for term in query.terms]
    )


# --------------------------------------------------------------------------- features


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the features of all hits are made from; ``best`` is the place of the best match.

    ``people`` are, by name, the hits that name somebody whom the question does not; ``holding``
    are, by term, those that have it. ``said`` are the question's own terms. ``about`` are the
    hits that have some of them, ``late`` is 0 for the first told and 1 for the last,
    ``small`` 1 for a small pool and 0 for a large one.
    """

    query: Query
    wanted: Wanted
    hits: Sequence[Ranked]
    read: Sequence[Told]
    match: _Match
    covered: Sequence[float]
    best: int
    at: Mapping[tuple[str, int], int]
    people: Mapping[str, Sequence[int]]
    holding: Mapping[str, Sequence[int]]
    said: frozenset[str]
    moments: Sequence[float]
    about: Sequence[int]
    late: Sequence[float]
    large: float

    @property
    def small(self) -> float:
        return 1.0 - self.large


def features(
    hits: Sequence[Ranked], query: Query, texts: Mapping[str, str], *, pool: int
) -> Floats:
    """Return the features of hits for a question, shape (hits, ``FEATURES``); see there."""
    seen = _seen(hits, query, texts, pool)
    top = max(hits[0].score, 1e-9)
    cosines = [hit.candidate.cosine or 0.0 for hit in hits]
    highest, lowest = max(cosines), min(cosines)
    apart = max(highest - lowest, _APART)
    moments = seen.moments
    own = [hit.score - hit.arms.get("fact", 0.0) for hit in hits]
    order = {score: place for place, score in enumerate(sorted(set(own), reverse=True))}
    rows: list[dict[str, float]] = []
    for place, (hit, text) in enumerate(zip(hits, seen.read, strict=True)):
        found = hit.candidate
        row: dict[str, float] = {
            "place": 1 / (1 + order[own[place]]),
            "score": seen.large * own[place] / top,
            "cosine": (cosines[place] - lowest) / apart,
            "cosine large": seen.large * (cosines[place] - lowest) / apart,
            "cosine below": seen.large * (cosines[place] - highest),
            "answer": hit.arms.get("answer", 0.0) / top,
            "assistant": found.role == "assistant" and not query.second_person,
            "new": math.log1p(len(text.terms.difference(query.terms, seen.wanted.names))),
            "same day": place != seen.best and 0 <= moments[place] - moments[seen.best] < _NEAR_S,
            "negates": seen.wanted.negated and "negation" in text.cued,
            "owned": seen.wanted.whose and text.owned,
        }
        row |= _matching(seen, place)
        row |= _kind(seen, place)
        row |= _in_time(seen, place, tells=not row["no kind"])
        row |= _following(seen, place)
        row["led"] = seen.small * _led(seen, place)
        if row["kind"]:
            row["told of"] = _told_of(seen, place)
        rows.append(row)
    return np.array([[row.get(name, 0.0) for name in FEATURES] for row in rows], dtype=np.float64)


def _seen(hits: Sequence[Ranked], query: Query, texts: Mapping[str, str], pool: int) -> _Seen:
    read = [told(texts[hit.candidate.id]) for hit in hits]
    known = wanted(query.asked or query.text)
    match = _match(query, known, read)
    covered = [match.covered(text) for text in match.texts]
    top = max(hits[0].score, 1e-9)
    authors = (hit.candidate.author for hit in hits)
    called = {word for author in authors if author for word in author.casefold().split()}
    called = called.union(*(text.names for text in read)) - known.words
    people: dict[str, list[int]] = {}
    holding: dict[str, list[int]] = {}
    for place, text in enumerate(read):
        for name in text.words & called:
            people.setdefault(name, []).append(place)
        for term in text.terms:
            holding.setdefault(term, []).append(place)
    moments = [hit.candidate.occurred_at.timestamp() for hit in hits]
    order = {moment: place for place, moment in enumerate(sorted(set(moments)))}
    return _Seen(
        query=query,
        wanted=known,
        hits=hits,
        read=read,
        match=match,
        covered=covered,
        best=max(range(len(hits)), key=lambda i: covered[i] + 0.3 * hits[i].score / top),
        at={
            (hit.candidate.session_id, hit.candidate.seq): place
            for place, hit in enumerate(hits)
            if hit.candidate.kind == "episode"
        },
        people=people,
        holding=holding,
        said=known.names.union(query.terms),
        moments=moments,
        about=[place for place, share in enumerate(covered) if share > _SOME],
        late=[order[moment] / max(len(order) - 1, 1) for moment in moments],
        large=min(max(math.log(pool / _SMALL) / math.log(_LARGE / _SMALL), 0.0), 1.0),
    )


def _matching(seen: _Seen, place: int) -> dict[str, float]:
    match, text = seen.match, seen.read[place]
    described = seen.wanted.described
    states = [
        match.covered(has)
        for has, sentence in zip(match.sentences[place], text.sentences, strict=True)
        if has and not sentence.asks
    ]
    return {
        "states": max(states, default=0.0),
        "described": match.unnamed(match.texts[place]) if described else 0.0,
    }


def _kind(seen: _Seen, place: int) -> dict[str, float]:
    """Return the features of the kind of answer; ``kind`` is whether there is one, for others."""
    known, text = seen.wanted, seen.read[place]
    head = 0.0
    for term in known.head:
        near = _near(term)
        fresh = near.keys() & text.terms
        fresh.difference_update(seen.query.terms)
        head = max(head, max((near[word] for word in fresh), default=0.0))
    if known.kind == "who":
        tells = any(place in seen.people[name] for name in text.words & seen.people.keys())
    else:
        tells = known.kind != "thing" and text.tells(known.kind, known.words)
    has = seen.match.sentences[place]
    near = False
    if has and tells and known.kind in ("time", "number", "work"):
        best = max(range(len(has)), key=lambda i: seen.match.covered(has[i]))
        cues = text.sentences[best].cues
        near = bool(has[best]) and (
            known.kind in cues or (known.kind == "time" and "number" in cues)
        )
    return {
        "kind": tells or head > 0,
        "head": head,
        "no kind": known.kind != "thing" and not known.whose and not tells and not head,
        "kind near": near,
        "kin": _is_kin(text, known.kin),
    }


def _is_kin(text: Told, kin: frozenset[str]) -> bool:
    """Return whether a text says of whom it tells that somebody is theirs, as the question does."""
    return any(
        not kin.isdisjoint(sentence.terms) and not _KIN.isdisjoint(sentence.words)
        for sentence in text.sentences
    )


def _in_time(seen: _Seen, place: int, *, tells: bool) -> dict[str, float]:
    """Return the features of what was told before and after, and of what has changed.

    Who describes somebody mostly does so before there is news of them; in a large pool what is
    latest says less, for most of it is about something else.
    """
    known, query, best = seen.wanted, seen.query, seen.best
    text, late = seen.read[place], seen.late[place]
    row = {"early bridge": seen.small * (1 - late) * (known.described and place == best)}
    timed = query.span is not None or query.sessions is not None
    side = query.anchor[0] if query.anchor is not None else ""
    early = known.once or side == "before"
    tells_it = any(not sentence.asks for sentence in text.sentences)
    if tells_it and not (known.now or early or known.negated or known.whose or timed):
        row["news"] = seen.small * late * min(len(set(seen.moments)) / _FEW, 1.0)
    if known.now:
        row["changes"] = "change" in text.cued
    if known.now or side == "after" or (query.span is not None and query.span.end is None):
        row["late"] = late
        before = sum(seen.moments[i] < seen.moments[place] for i in seen.about)
        row["late match"] = seen.small * before / max(len(seen.about) - (place in seen.about), 1)
    if known.present:
        valued = known.kind in ("time", "number") and tells
        row["changes to"] = tells and _changes_to(text, known.kind)
        row["other value"] = (
            valued
            and seen.moments[place] > seen.moments[best]
            and seen.read[best].tells(known.kind, known.words)
        )
    return row


def _changes_to(text: Told, kind: str) -> bool:
    """Return whether a sentence of a text that tells a kind says that something has become so."""
    for sentence in text.sentences:
        if "change" in sentence.cues and kind != "thing":
            if kind in ("who", "place") or kind in sentence.cues:
                return True
            if kind == "time" and "number" in sentence.cues:
                return True
    return False


def _following(seen: _Seen, place: int) -> dict[str, float]:
    """Return the features of what stands one or two places before in the conversation."""
    found = seen.hits[place].candidate
    if found.kind != "episode":
        return {}
    after = asked = bridge = 0.0
    for back in (1, 2):
        before = seen.at.get((found.session_id, found.seq - back))
        if before is None:
            continue
        share = seen.covered[before] / back
        after = max(after, share)
        if seen.read[before].asks:
            asked = max(asked, share)
        if before == seen.best:
            bridge = 1 / back
    sentences: Sequence[Sentence] = seen.read[place].sentences
    return {
        "after question": asked,
        "after bridge": bridge,
        "after match": seen.large * after,
        "goes on": after if sentences and "pronoun" in sentences[0].cues else 0.0,
    }


def _told_of(seen: _Seen, place: int) -> float:
    """Return how much of what a hit lacks of the question another one says of somebody in it.

    A name counts by how few of the hits have it.
    """
    own, match = seen.match.texts[place], seen.match
    best, count = 0.0, len(seen.hits)
    for name in seen.read[place].words & seen.people.keys():
        rare = math.log((count + 1) / len(seen.people[name])) / math.log(count + 1)
        for other in seen.people[name]:
            if other == place:
                continue
            for sentence, has in zip(
                seen.read[other].sentences, match.sentences[other], strict=True
            ):
                if name in sentence.words:
                    best = max(best, rare * match.beyond(has, own))
    return best


def _led(seen: _Seen, place: int) -> float:
    """Return how much of what a hit lacks an earlier one has, of what its clauses begin with.

    "The hop guy is off to Kent" tells of whoever "does the hops": who is known is told of by a
    word of their description, and first. The rest of the other text counts half of the sentence
    with the word. O(terms that begin a clause and that few hits have).
    """
    own, match, count = seen.match.texts[place], seen.match, len(seen.hits)
    here = seen.hits[place].candidate
    best = 0.0
    for sentence in seen.read[place].sentences:
        for term in sentence.leads:
            holding = seen.holding[term]
            if not 2 <= len(holding) <= _SHARED or term in seen.said:
                continue
            rare = math.log((count + 1) / len(holding)) / math.log(count + 1)
            for other in holding:
                there = seen.hits[other].candidate
                if (here.session_id, here.seq) == (there.session_id, there.seq):
                    continue  # itself, or the fact that was read from it
                if there.occurred_at > here.occurred_at:
                    continue
                gain = 0.5 * match.beyond(match.texts[other], own)
                for part, has in zip(
                    seen.read[other].sentences, match.sentences[other], strict=True
                ):
                    if term in part.terms:
                        gain = max(gain, match.beyond(has, own))
                best = max(best, rare * gain)
    return best

"""What each of the first hits tells of the answer, in features that each have a plain meaning.

``plausible`` weighs them. Knows no store.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from graphmem.retrieval.columns import Floats
from graphmem.retrieval.compared import Seen, near
from graphmem.retrieval.links import Links
from graphmem.retrieval.signs import Sentence, Told

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
    "goes on",  # one or two places after a match, and begins with somebody who was named before
    "negates",  # says what is not so, where that is asked
    "refuses",  # says so in more words than one: "is out of bounds", "gave it up"
    "negates it",  # of the question's terms, the most in one sentence that says what is not so
    "owned",  # says whose something is, but does not ask, guess or deny it, where that is asked
    "settles",  # says how something was found out, where an owner is asked
    "late owner",  # of the hits with something of the question, the share that were told before,
    #                times what this one covers of what the best match does, where an owner is
    #                asked, the more the smaller the pool is
    "late owned",  # the same share, if it is "owned"
    "late told",  # as "late owner", where it is asked neither for an owner nor what is not so, nor
    #               how things stood, nor of a time
    "changes",  # says that something has become so, where it is asked how things stand
    "late",  # 0 for the first told of these hits, 1 for the last, where the same is asked
    "news",  # as late, if it tells anything, where it is not asked how things stand or stood, of a
    #           time, for an owner or for what is not so, the more the smaller the pool is
    "past",  # as late, if it tells how something was, where it is asked how things stood
    "early told",  # the share of the hits about what is asked that were told after this one, times
    #                what it covers of what the best match does, where it is asked how things
    #                stood, the more the smaller the pool is
    "early kind",  # the same share, if it has an answer of the kind that is wanted
    "until",  # of the terms of the event before which things stood as it is asked
    "introduces",  # says what somebody is called, times what it covers of what the best match does,
    #                where it is not asked who, the more the smaller the pool is
    "early bridge",  # the best match of a question that describes whom it means, the more the
    #                   earlier it was told and the smaller the pool is
    "led",  # a clause begins with a word of an earlier hit that has what this one lacks, where the
    #          question describes whom it means, the more the smaller the pool is
    "led plain",  # the same where it does not, nor asks for an owner
    "leads on",  # how much "led" and "told of" a later hit is by this one, the more the smaller the
    #              pool is
    "changes to",  # says in one sentence that something has changed, and what is wanted, where the
    #                 tense asks how things stand
    "becomes",  # says that something is to be otherwise than it was, where the tense asks how
    #             things stand
    "becomes it",  # the same, and has an answer of the kind that is wanted
    "became",  # the same as "becomes", where it is asked how things stood
    "other value",  # tells a time or number, after the best match has told another, where the same
    "no kind",  # has nothing of the kind that is wanted
    "kind near",  # has it in the sentence that matches best
    "head",  # has a word related to the very thing that is asked for
)

_APART: Final = 0.25  # cosines that differ by less differ by chance
_FEW: Final = 8  # moments: that something is the last of fewer says less
_KIN: Final = frozenset({"his", "her", "their", "my", "our"})


def features(seen: Seen, ties: Links) -> Floats:
    """Return the features of hits for a question, shape (hits, ``FEATURES``); see there."""
    hits, query = seen.hits, seen.query
    top = max(hits[0].score, 1e-9)
    cosines = [hit.candidate.cosine or 0.0 for hit in hits]
    highest, lowest = max(cosines), min(cosines)
    apart = max(highest - lowest, _APART)
    moments = seen.moments
    own = [hit.score - hit.arms.get("fact", 0.0) for hit in hits]
    order = {score: place for place, score in enumerate(sorted(set(own), reverse=True))}
    rows: list[dict[str, float]] = []
    leads = [0.0] * len(hits)
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
            "negates": seen.wanted.negated and "negation" in text.cued,
            "refuses": seen.wanted.negated and text.refuses,
            "owned": seen.wanted.whose and text.owned,
            "settles": seen.wanted.whose and text.settles,
        }
        row |= _matching(seen, place)
        row |= _kind(seen, place)
        row |= _in_time(seen, place, tells=not row["no kind"])
        row |= _following(seen, place)
        led, told = ties.led[place], ties.told_of[place]
        if seen.wanted.described:
            row["led"] = seen.small * led.gain
        elif not seen.wanted.whose:
            row["led plain"] = seen.small * led.gain
        if row["kind"]:
            row["told of"] = told.gain
        for link in (led, told):
            if link.gain and moments[link.place] < moments[place]:
                leads[link.place] = max(leads[link.place], link.gain)
        rows.append(row)
    for row, gain in zip(rows, leads, strict=True):
        row["leads on"] = seen.small * gain
    return np.array([[row.get(name, 0.0) for name in FEATURES] for row in rows], dtype=np.float64)


def _matching(seen: Seen, place: int) -> dict[str, float]:
    match, text = seen.match, seen.read[place]
    described = seen.wanted.described
    parts = list(zip(seen.by_sentence[place], text.sentences, strict=True))
    states = [covered for covered, sentence in parts if not sentence.asks]
    denies = [
        covered
        for covered, sentence in parts
        if seen.wanted.negated and "negation" in sentence.cues
    ]
    return {
        "negates it": max(denies, default=0.0),
        "states": max(states, default=0.0),
        "described": match.unnamed(match.texts[place]) if described else 0.0,
    }


def _kind(seen: Seen, place: int) -> dict[str, float]:
    """Return the features of the kind of answer; ``kind`` is whether there is one, for others."""
    known, text = seen.wanted, seen.read[place]
    head = 0.0
    for term in known.head:
        close = near(term)
        fresh = close.keys() & text.terms
        fresh.difference_update(seen.query.terms)
        head = max(head, max((close[word] for word in fresh), default=0.0))
    if known.kind == "who":
        tells = any(place in seen.people[name] for name in text.words & seen.people.keys())
    else:
        tells = known.kind != "thing" and text.tells(known.kind, known.words)
    has = seen.match.sentences[place]
    beside = False
    if has and tells and known.kind in ("time", "number", "work"):
        best = max(range(len(has)), key=seen.by_sentence[place].__getitem__)
        beside = bool(has[best]) and text.sentences[best].shows(known.kind)
    return {
        "kind": tells or head > 0,
        "head": head,
        "no kind": known.kind != "thing" and not known.whose and not tells and not head,
        "kind near": beside,
        "kin": _is_kin(text, known.kin),
    }


def _is_kin(text: Told, kin: frozenset[str]) -> bool:
    """Return whether a text says of whom it tells that somebody is theirs, as the question does."""
    return any(
        not kin.isdisjoint(sentence.terms) and not _KIN.isdisjoint(sentence.words)
        for sentence in text.sentences
    )


def _in_time(seen: Seen, place: int, *, tells: bool) -> dict[str, float]:
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
    small = seen.small  # where it is 0, what is weighed by it is not looked for
    if small and known.whose:
        row["late owner"] = small * seen.later(place) * seen.share(place)
        row["late owned"] = small * seen.later(place) * text.owned
    elif small and not (early or known.negated or timed):
        row["late told"] = small * seen.later(place) * seen.share(place)
    if small and early:
        row["past"] = small * late * text.past
        early_told = small * (1 - seen.later(place))
        row["early told"] = early_told * seen.standing(place)
        row["until"] = seen.until(place)
        row["early kind"] = early_told * (tells and known.kind != "thing")
        row["became"] = small * text.becomes
    if small and not known.whose and known.kind != "who" and text.introduces:
        row["introduces"] = small * seen.share(place)
    if known.now:
        row["changes"] = "change" in text.cued
    if known.now or side == "after" or (query.span is not None and query.span.end is None):
        row["late"] = late
    if known.present:
        valued = known.kind in ("time", "number") and tells
        row["changes to"] = tells and _changes_to(text, known.kind)
        row["becomes"] = text.becomes
        row["becomes it"] = valued and text.becomes_it(known.kind, known.words)
        row["other value"] = (
            valued
            and seen.moments[place] > seen.moments[best]
            and seen.read[best].tells(known.kind, known.words)
        )
    return row


def _changes_to(text: Told, kind: str) -> bool:
    """Return whether a sentence of a text that tells a kind says that something has become so."""
    return kind != "thing" and any(
        "change" in sentence.cues and (kind in ("who", "place") or sentence.shows(kind))
        for sentence in text.sentences
    )


def _following(seen: Seen, place: int) -> dict[str, float]:
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
        "goes on": after if sentences and "pronoun" in sentences[0].cues else 0.0,
    }

"""The first hits side by side: what each has of the question, and where it stands among them.

Made once for a question, for all features of all hits. Knows no store.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from graphmem.retrieval.query import Query, named_terms
from graphmem.retrieval.rank import Ranked
from graphmem.retrieval.related import related_terms
from graphmem.retrieval.signs import Told, Wanted, told, wanted

_RELATED: Final = 0.7  # what a related word covers of a term
_SMALL: Final = 12  # candidates: from so many on the score says more than the cosine alone
_LARGE: Final = 120
SOME: Final = 0.15
"""Of the question's terms: what has so much tells about what is asked."""


@lru_cache(maxsize=1 << 12)
def near(term: str) -> Mapping[str, float]:
    """Return the words related to a term and how close each is."""
    return dict(related_terms().of(term))


@dataclass(frozen=True, slots=True)
class Match:
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
        return self.among([term for term, named in enumerate(self.named) if not named], has)

    def among(self, terms: Sequence[int], has: Mapping[int, float]) -> float:
        """Return what is covered of some terms, of all that they are worth; 0 of none."""
        whole = sum(self.worth[term] for term in terms)
        return sum(self.worth[t] * has.get(t, 0.0) for t in terms) / whole if terms else 0.0


def _match(query: Query, known: Wanted, read: Sequence[Told]) -> Match:
    names = known.names if query.text == query.asked else named_terms(query.text)
    meant: dict[str, list[tuple[int, float]]] = {}
    for number, term in enumerate(query.terms):
        meant.setdefault(term, []).append((number, 1.0))
        if term not in names:
            for other, close in near(term).items():
                meant.setdefault(other, []).append((number, _RELATED * close))
    keys = frozenset(meant)

    def has(terms: set[str]) -> dict[int, float]:
        found: dict[int, float] = {}
        for term in keys & terms:
            for number, share in meant[term]:
                if share > found.get(number, 0.0):
                    found[number] = share
        # In one order in every process: what is summed up over it must not differ by a rounding.
        return dict(sorted(found.items()))

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
    return Match(
        texts, sentences, [one / whole for one in rare], [term in names for term in query.terms]
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What the features of all hits are made from; ``best`` is the place of the best match.

    ``covered`` is how much each hit has of the question, ``by_sentence`` each of its sentences.
    ``people`` are, by name, the hits that name somebody whom the question does not; ``holding``
    are, by term, those that have it. ``said`` are the question's own terms. ``about`` are the
    hits that have some of them, ``late`` is 0 for the first told and 1 for the last,
    ``small`` 1 for a small pool and 0 for a large one.
    """

    query: Query
    wanted: Wanted
    hits: Sequence[Ranked]
    read: Sequence[Told]
    match: Match
    covered: Sequence[float]
    by_sentence: Sequence[Sequence[float]]
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

    def later(self, place: int) -> float:
        """Return the share of the other hits about what is asked that were told before this one."""
        before = sum(self.moments[other] < self.moments[place] for other in self.about)
        return before / max(len(self.about) - (place in self.about), 1)

    def until(self, place: int) -> float:
        """Return what a hit has of the event before which things stood as it is asked."""
        return self._of_event(place, event=True)

    def standing(self, place: int) -> float:
        """Return what a hit has of the question but for that event."""
        return self._of_event(place, event=False)

    def _of_event(self, place: int, *, event: bool) -> float:
        until = self.wanted.until
        terms = [n for n, term in enumerate(self.query.terms) if (term in until) == event]
        return self.match.among(terms, self.match.texts[place])

    def share(self, place: int) -> float:
        """Return what a hit covers of what the best match does, 1 at most."""
        return min(self.covered[place] / max(self.covered[self.best], 1e-9), 1.0)


def compare(hits: Sequence[Ranked], query: Query, texts: Mapping[str, str], pool: int) -> Seen:
    read = [told(texts[hit.candidate.id]) for hit in hits]
    known = wanted(query.asked or query.text)
    match = _match(query, known, read)
    covered = [match.covered(text) for text in match.texts]
    by_sentence = [
        [whole] if len(parts) == 1 else [match.covered(part) for part in parts]
        for whole, parts in zip(covered, match.sentences, strict=True)
    ]
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
    return Seen(
        query=query,
        wanted=known,
        hits=hits,
        read=read,
        match=match,
        covered=covered,
        by_sentence=by_sentence,
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
        about=[place for place, share in enumerate(covered) if share > SOME],
        late=[order[moment] / max(len(order) - 1, 1) for moment in moments],
        large=min(max(math.log(pool / _SMALL) / math.log(_LARGE / _SMALL), 0.0), 1.0),
    )

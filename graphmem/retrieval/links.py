"""Which other hit a hit tells more of: "Ottmar does the hops", and "the hop man is off to Kent".

Whoever a question describes is told of by name, or by a word of the description, in another text
than the one that describes them. Knows no store.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphmem.retrieval.compared import Seen

_SHARED: Final = 4  # hits: what more of them have tells nobody apart


@dataclass(frozen=True, slots=True)
class Link:
    """How much of what a hit lacks of the question another one has, from 0 to 1, and its place."""

    gain: float = 0.0
    place: int = -1


@dataclass(frozen=True, slots=True)
class Links:
    """By hit: the one that names somebody it tells of, and the one that it is led from."""

    told_of: Sequence[Link]
    led: Sequence[Link]


def links(seen: Seen) -> Links:
    """Return the links between hits. In a large pool nothing is led: the words are too common."""
    places = range(len(seen.hits))
    return Links(
        told_of=[_told_of(seen, place) for place in places],
        led=[_led(seen, place) if seen.small else Link() for place in places],
    )


def _told_of(seen: Seen, place: int) -> Link:
    """Return which hit says most of what this one lacks, of somebody whom this one names.

    A name counts by how few of the hits have it.
    """
    own, match = seen.match.texts[place], seen.match
    best, by, count = 0.0, -1, len(seen.hits)
    for name in sorted(seen.read[place].words & seen.people.keys()):
        rare = math.log((count + 1) / len(seen.people[name])) / math.log(count + 1)
        for other in seen.people[name]:
            if other == place:
                continue
            for sentence, has in zip(
                seen.read[other].sentences, match.sentences[other], strict=True
            ):
                if name in sentence.words:
                    gain = rare * match.beyond(has, own)
                    if gain > best:
                        best, by = gain, other
    return Link(best, by)


def _led(seen: Seen, place: int) -> Link:
    """Return which earlier hit has most of what this one lacks, and a word that leads here.

    "The hop guy is off to Kent" tells of whoever "does the hops": who is known is told of by a
    word of their description, and first. The rest of the other text counts half of the sentence
    with the word. O(terms that begin a clause and that few hits have).
    """
    own, match, count = seen.match.texts[place], seen.match, len(seen.hits)
    here = seen.hits[place].candidate
    best, by = 0.0, -1
    for sentence in seen.read[place].sentences:
        for term in sorted(sentence.leads):
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
                if rare * gain > best:
                    best, by = rare * gain, other
    return Link(best, by)

"""What is known of each hit beside its features: what says nothing alone, but together.

``features`` each say something for or against a hit. These do not: that a hit was told late, is
long, or names somebody counts for it with one question and against it with another, which the trees
of ``plausible`` have learnt. Knows no store and no score: what the arms of a recall found is in
``features``.
"""

import math
from typing import Final

import numpy as np

from graphmem.retrieval.columns import Floats
from graphmem.retrieval.compared import Seen
from graphmem.retrieval.links import Links
from graphmem.retrieval.signs import Sentence

CIRCUMSTANCES: Final = (
    "told late",  # 0 for the first told of these hits, 1 for the last
    "told later",  # the share of the hits about what is asked that were told before this one
    "since match",  # seconds from the best match to this hit, as a logarithm, negative before it
    "messages on",  # messages from the best match to this hit, if in its session, else -13
    "its author",  # said by who said the best match
    "similarity",  # the cosine to the question, as it is
    "share",  # what it has of the question, of what the best match has, 1 at most
    "best sentence",  # what its best sentence has of the question
    "first sentence",  # what its first sentence has
    "names shared",  # what it has of the names in the question, of all that its terms are worth
    "rarest",  # what the question's term that it has and that is worth most is worth
    "led by",  # what it lacks and another hit has from which it is led, see ``links``
    "told by",  # what it lacks and another hit says of somebody whom it names, see ``links``
    "length",  # different words, as a logarithm
    "sentences",  # how many
    "asks",  # a sentence of it is a question
    "guesses",  # it says that something is so only perhaps
    "new names",  # names in it that the question does not have
    "a time",  # it has a word for a time
    "a pronoun",  # its best sentence has a pronoun of the third person
    "message before",  # what the message before has of the question, if it is among these hits
    "answers one",  # the message before is among them, and asks
    "message after",  # the message after is among them
    "best match",  # what the best match has of the question: the same for all hits
    "names asked",  # names in the question: the same for all
    "who",  # whether somebody is asked for: the same for all
    "now",  # whether it is asked how things stand: as all that follow, the same for all
    "present",  # the same, if only by the tense
    "once",  # how they stood
    "negated",  # what is not so
    "whose",  # an owner
    "described",  # of somebody who is described
    "named thing",  # of something by name: "which instrument"
    "when",  # a time
    "how many",  # a number
    "where",  # a place
    "what work",  # an occupation
    "why",  # a reason
    "terms",  # how many terms the question has
    "large",  # how large the pool is, 0 to 1
)

_KINDS: Final = ("time", "number", "place", "work", "reason")
_FAR: Final = 12  # messages from the best match: farther ones are alike


def circumstances(seen: Seen, ties: Links) -> Floats:
    """Return the circumstances of hits, shape (hits, ``CIRCUMSTANCES``); see there."""
    best = seen.covered[seen.best]
    asked = (best, len(seen.wanted.names), seen.wanted.kind == "who", *_question(seen))
    return np.array(
        [(*_of(seen, ties, place), *asked) for place in range(len(seen.hits))], dtype=np.float64
    )


def _question(seen: Seen) -> tuple[float, ...]:
    known = seen.wanted
    return (
        known.now,
        known.present,
        known.once,
        known.negated,
        known.whose,
        known.described,
        bool(known.head),
        *(known.kind == kind for kind in _KINDS),
        len(seen.query.terms),
        seen.large,
    )


def _of(seen: Seen, ties: Links, place: int) -> tuple[float, ...]:
    hit, best = seen.hits[place].candidate, seen.hits[seen.best].candidate
    text, match = seen.read[place], seen.match
    has = match.texts[place]
    sentences = seen.by_sentence[place]
    matching = max(zip(sentences, text.sentences, strict=True), key=_share, default=None)
    together = hit.session_id == best.session_id
    apart = max(-_FAR, min(_FAR, hit.seq - best.seq)) if together else -_FAR - 1
    seconds = seen.moments[place] - seen.moments[seen.best]
    before = after = None
    if hit.kind == "episode":
        before = seen.at.get((hit.session_id, hit.seq - 1))
        after = seen.at.get((hit.session_id, hit.seq + 1))
    return (
        seen.late[place],
        seen.later(place),
        math.copysign(math.log1p(abs(seconds)), seconds),
        apart,
        hit.author == best.author,
        hit.cosine or 0.0,
        seen.share(place),
        max(sentences, default=0.0),
        sentences[0] if sentences else 0.0,
        sum(match.worth[term] * share for term, share in has.items() if match.named[term]),
        max((match.worth[term] * share for term, share in has.items()), default=0.0),
        ties.led[place].gain,
        ties.told_of[place].gain,
        math.log1p(sum(len(sentence.words) for sentence in text.sentences)),
        len(text.sentences),
        text.asks,
        text.guesses,
        len(text.names.difference(seen.wanted.words, seen.wanted.names)),
        "time" in text.cued,
        matching is not None and "pronoun" in matching[1].cues,
        seen.covered[before] if before is not None else 0.0,
        before is not None and seen.read[before].asks,
        after is not None,
    )


def _share(one: tuple[float, Sentence]) -> float:
    return one[0]

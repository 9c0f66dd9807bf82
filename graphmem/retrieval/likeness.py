"""What is known of each hit from those that tell about the same, earlier and later.

Of two messages that share what is asked, or words that hardly any other hit has, the later one says
how it is now and the earlier one how it was; and who was introduced in one is told of in another.
Like ``circumstances``, what says nothing alone; the trees of ``plausible`` weigh it. Knows no store
and no score.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from graphmem.retrieval.columns import Floats
from graphmem.retrieval.compared import SOME, Seen

LIKENESS: Final = (
    "asked before",  # what it and an earlier hit both have of the question, the most with any
    "asked after",  # the same of a later hit
    "kind before",  # as "asked before", where both have an answer of the kind that is wanted
    "kind after",  # the same of a later hit
    "like before",  # the terms that it shares with an earlier hit, each by how rare it is here
    "like after",  # the same of a later hit
    "like a match before",  # as "like before", by what the other has of the question
    "like a match after",  # the same of a later hit
    "like a change after",  # the same of a later hit that says that something has become so
    "asked in a change",  # as "asked after", of such hits
    "changes it",  # what the best of its sentences with a word for a change has of the question
    "values it",  # the same of those with a word of the kind that is wanted
    "a change",  # it has a word for a change
    "a kind",  # it has an answer of the kind that is wanted: a time, number, place, work, reason
    "many before",  # earlier hits that share some of what it has of the question
    "many after",  # later ones
)


def likeness(seen: Seen) -> Floats:
    """Return what is known of hits from the others, shape (hits, ``LIKENESS``); see there.

    O(hits² × terms that are shared), in array operations.
    """
    count = len(seen.hits)
    moments = np.array(seen.moments)
    before = moments[None, :] < moments[:, None]  # (hit, other)
    after = before.T
    asked, like = _asked(seen), _like(seen)
    told = like * np.array([seen.share(place) for place in range(count)])
    kind, words = seen.wanted.kind, seen.wanted.words
    has_kind = kind not in ("thing", "who")
    tells = np.array([has_kind and text.tells(kind, words) for text in seen.read])
    change = np.array(["change" in text.cued for text in seen.read])
    both = asked * (tells[:, None] & tells[None, :])
    in_change, in_kind = np.zeros((2, count))
    for place, text in enumerate(seen.read):
        for share, sentence in zip(seen.by_sentence[place], text.sentences, strict=True):
            if "change" in sentence.cues:
                in_change[place] = max(in_change[place], share)
            if sentence.shows(kind):
                in_kind[place] = max(in_kind[place], share)
    some = asked > SOME
    return np.column_stack(
        [
            _most(asked, before),
            _most(asked, after),
            _most(both, before),
            _most(both, after),
            _most(like, before),
            _most(like, after),
            _most(told, before),
            _most(told, after),
            _most(told, after & change),
            _most(asked, after & change),
            in_change,
            in_kind,
            change,
            tells,
            (some & before).sum(axis=1),
            (some & after).sum(axis=1),
        ]
    ).astype(np.float64)


def _most(values: Floats, where: npt.NDArray[np.bool_]) -> Floats:
    """Return the largest value of each row where allowed, 0 where nothing is."""
    return np.where(where, values, 0.0).max(axis=1)


def _asked(seen: Seen) -> Floats:
    """Return what each two hits both have of the question, shape (hits, hits)."""
    has = np.zeros((len(seen.hits), len(seen.match.worth)))
    for place, text in enumerate(seen.match.texts):
        for term, share in text.items():
            has[place, term] = share
    return np.minimum(has[:, None, :], has[None, :, :]) @ np.array(seen.match.worth)


def _like(seen: Seen) -> Floats:
    """Return the terms that each two hits share, by how rare each is here, shape (hits, hits)."""
    count = len(seen.hits)
    # In one order in every process, as in ``compared``: sums must not differ by a rounding.
    shared = sorted(tuple(places) for places in seen.holding.values() if len(places) > 1)
    holds = np.zeros((count, len(shared)))
    for column, places in enumerate(shared):
        holds[list(places), column] = 1.0
    rare = np.log((count + 1) / (holds.sum(axis=0) + 0.5))
    return (holds * rare) @ holds.T

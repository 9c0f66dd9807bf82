"""Passes what only says where somebody or something is: "(the bike) in the hall (belongs …)".

Does not know what stands before or behind, but for the verb that must follow: only so the words
between belong to the noun. Bounded look-ahead, so O(1) a place.
"""

from typing import Final

from graphmem.extract.lexicon import Grammar
from graphmem.extract.sentences import Sentence

_PLACED: Final = frozenset(
    {"in", "at", "on", "by", "near", "under", "with", "outside", "behind", "across", "opposite",
     "above", "below", "blocking", "parked", "standing", "moored", "hanging", "that", "which"}
)  # fmt: skip
_ALONE: Final = frozenset({"upstairs", "downstairs", "opposite", "outside", "abroad"})
_STATES: Final = frozenset({"is", "was", "has"})
_HAD: Final = _STATES | {"belongs", "belonged"}
_MOST: Final = 7


def past_home(s: Sentence, i: int) -> int:
    """Return the end of "next door", "at the lab" at ``i`` if "is" follows, else ``i``."""
    end = i
    if s.low(i) in _ALONE:
        end = i + 1
    elif s.lows[i : i + 2] == ("next", "door"):
        end = i + 2
    elif s.low(i) in ("at", "on", "from", "across") or (s.low(i) == "in" and s.capital(i + 1)):
        at = i + 1 + (s.low(i + 1) in ("the", "my", "our"))
        while at < len(s) and at - i < 5 and s.lows[at].isalpha() and s.lows[at] not in _STATES:
            at += 1
        end = at
    return end if s.low(end) in _STATES else i


def past_place(s: Sentence, i: int, grammar: Grammar) -> int:
    """Return the end of "in the hall" at ``i`` if a state follows, else ``i``."""
    if s.lows[i : i + 2] == ("next", "door"):
        return i + 2
    if s.low(i) not in _PLACED:
        return i
    relative = s.low(i) in ("that", "which")
    for at in range(i + 1, min(i + 1 + _MOST, len(s))):
        low = s.lows[at]
        if low in _HAD and at > i + 1:
            return at
        if low == ",":
            return i if relative else at
        if not low.isalpha() or low in ("and", "but", "i"):
            return i
        if low in grammar.verbish and not relative:
            return i
    return i

"""Tells a question that only hangs on a statement: "…, did you know?", "…, can you imagine?".

Does not know clauses. A tag that asks about the statement itself ("I live in Porto, don't I?") is
none of these: that is a question.
"""

from typing import Final

from graphmem.extract.lexicon import Grammar
from graphmem.extract.sentences import Sentence

_SURE: Final = frozenset({("right",), ("yeah",), ("innit",)})
"""What asks for a nod: where the speaker's own are spoken of, they know."""
_AUXILIARIES: Final = frozenset(
    {"have", "do", "did", "are", "were", "can", "will", "would", "could", "has", "had", "should"}
)
_YOURS: Final = frozenset({"you", "your", "yours"})


def tag_start(s: Sentence, grammar: Grammar) -> int:
    """Return where the tag of a question begins that states something before it; 0 if none does."""
    last = len(s) - 1
    while last > 0 and not s.lows[last][0].isalnum():
        last -= 1
    for i in range(last - 1, max(1, last - 7), -1):
        if s.lows[i] not in (",", "-", "–", "—", "…"):
            continue
        tail = s.lows[i + 1 : last + 1]
        chat = grammar.chat_tags.match(s.lows, i + 1)
        if chat is not None and chat[0] == last + 1:
            return i
        own = s.low(0) in ("my", "our") and not _YOURS.intersection(s.lows[:i])
        if tail in _SURE:
            return i if own else 0
        if tail[0] in _AUXILIARIES and tail[-1] == "you" and len(tail) < 4:
            return _about_you(s, i)
        return 0
    return 0


def _about_you(s: Sentence, tag: int) -> int:
    """Return where the clause on "you" begins that "…, have you?" asks about; 0 if that is all."""
    for i in range(tag - 1, 1, -1):
        if s.lows[i] in (",", "-", "–", "—", ";") and s.low(i + 1) == "you":
            return i
    return 0

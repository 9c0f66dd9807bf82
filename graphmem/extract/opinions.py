"""Reads what people say of people: "Ines is so sweet", "you're amazing", "what a jerk he is".

Does not know whether it is true: what is stated is that somebody speaks well or ill of somebody,
never that somebody is so. A judgement is read wherever its subject is a person that the text tells:
a name, "you", a pronoun with one antecedent, "my sister". Thinking so does not weaken it ("I think
you're great"), but asking, denying, supposing and telling what others think do.
"""

from collections.abc import Iterator
from typing import Final

from graphmem.extract.lexicon import Grammar
from graphmem.extract.nouns import Nouns
from graphmem.extract.scene import Ref, Scene
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, as_kind, statement
from graphmem.models import Statement

_BE: Final = frozenset({"is", "'s", "are", "'re", "was", "were"})
_OTHERS: Final = frozenset(
    {"says", "said", "saying", "told", "tell", "think", "thinks", "thought", "if", "pretend",
     "suppose", "would", "wish", "unless", "whether", "like"}
)  # fmt: skip
_MINE: Final = frozenset({"think", "thought", "said", "saying", "say", "tell", "like", "told"})
_MAX_BETWEEN: Final = 5


class OpinionReader:
    """Reads the judgements of one sentence."""

    __slots__ = ("_g", "_nouns", "_quoter", "_s", "_scene")

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, nouns: Nouns, quoter: Quoter
    ) -> None:
        self._g = grammar
        self._scene = scene
        self._s = s
        self._nouns = nouns
        self._quoter = quoter

    def read(self, end: int) -> Iterator[Statement]:
        """Yield what is said of people before token ``end``, left to right. O(tokens)."""
        s = self._s
        for i, ref in self._nouns.refs.items():
            if i >= end or not self._somebody(ref) or self._supposed(i):
                continue
            if s.low(i) == "you" and s.low(ref.end) in ("is", "'s", "was"):
                # "Talking to you is great."
                continue
            found = self._after(ref.end)
            if found is not None and found[1] <= end:
                yield self._state(ref, *found)
        if self._scene.addressee is not None:
            yield from self._shouted()

    def judged(self, i: int, end: int) -> tuple[bool, int] | None:
        """Read a judgement of whoever stands at ``i`` to ``end``: good or not, and its end."""
        return None if self._supposed(i) else self._after(end)

    def _state(self, ref: Ref, good: bool, end: int) -> Statement:
        predicate = "speaks_well_of" if good else "speaks_ill_of"
        quote = self._quoter.quote(min(ref.start, end - 1), end)
        return statement(self._scene.speaker, predicate, quote,
                         object=as_kind(ref.mention, "person"), confidence=0.65)  # fmt: skip

    def _somebody(self, ref: Ref) -> bool:
        """Whether a phrase names a person other than the speaker, who may be a subject."""
        if ref.mention.speaker or ref.definite or ref.doubtful or ref.role in ("object", "it"):
            return False
        if self._s.low(ref.start) in ("he", "she") and ref.gender == "u":
            return False
        return ref.kind == "person" or (ref.kind is None and ref.mention.kind == "person")

    def _supposed(self, i: int) -> bool:
        """Whether the clause at ``i`` is a condition or tells what others say or think."""
        lows = self._s.lows
        for n in range(i - 1, max(-1, i - 8), -1):
            low = lows[n]
            if low in (".", "!", ";", "but"):
                return False
            if low in _OTHERS and not (low in _MINE and self._own(n)):
                return True
        return False

    def _own(self, n: int) -> bool:
        """Whether the speaker thinks or says so: "I think", "I just said"."""
        return "i" in self._s.lows[max(0, n - 3) : n] and "n't" not in self._s.lows[n - 1 : n]

    def _after(self, i: int) -> tuple[bool, int] | None:
        """Read "is so sweet", "looks great" at ``i``: good or not, and where it ends."""
        s, sets = self._s, self._g.opinions
        seems = s.low(i) in sets["seems"]
        if s.low(i) not in _BE and not seems:
            return None
        at, firm = i + 1, seems
        while at - i <= _MAX_BETWEEN and s.low(at) in sets["between"]:
            if s.low(at) in sets["good"] and self._closes(at + 1):
                break
            firm = firm or s.low(at) in sets["firm"]
            at += 1
        return self._judgement(at, firm)

    def _judgement(self, at: int, firm: bool) -> tuple[bool, int] | None:
        """Read an adjective, with a noun for anybody or without, or a noun that judges."""
        s, sets = self._s, self._g.opinions
        low = s.low(at)
        for good in (True, False):
            if low in sets["good_nouns" if good else "bad_nouns"]:
                return (good, at + 1) if self._closes(at + 1) else None
            if low not in sets["good" if good else "bad"]:
                continue
            end = at + 1
            while s.low(end) in (",", "and", "-") and end - at < 6:
                # "loving and devoted": of several, the first is enough.
                end += 1
                if s.low(end) not in sets["good"] and s.low(end) not in sets["bad"]:
                    return (good, at + 1) if firm or low not in sets["weak"] else None
                end += 1
            if s.low(end) in sets["anybody"]:
                return (good, end + 1)
            if s.low(end) in sets["good_nouns"] or s.low(end) in sets["bad_nouns"]:
                return (s.low(end) in sets["good_nouns"], end + 1)
            if (firm or low not in sets["weak"]) and self._closes(end):
                return good, end
        return None

    def _closes(self, i: int) -> bool:
        """Whether a judgement may end before ``i``: not "great at it all", "sweet on her"."""
        low = self._s.low(i)
        return not low or not low[0].isalnum() or low in self._g.sets["boundary"] - {"at", "with"}

    def _shouted(self) -> Iterator[Statement]:
        """Read "You idiot!", "you big jerk": nothing but what somebody is called."""
        s, sets = self._s, self._g.opinions
        you = self._scene.addressee
        for i, low in enumerate(s.lows[:-1]):
            if low != "you" or you is None:
                continue
            at = i + 1
            while at - i < 4 and (s.low(at) in sets["between"] or s.low(at) in sets["bad"]):
                at += 1
            if s.low(at) in sets["bad_nouns"] and self._closes(at + 1):
                ref = Ref(mention=you, start=i, end=at + 1, kind="person")
                yield self._state(ref, False, at + 1)

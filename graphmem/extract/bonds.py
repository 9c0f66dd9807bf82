"""Reads friendship told without "my friend": "our friendship", "you're such a good friend".

Does not know other relations: of a marriage or a flat, "our" may leave out whoever is spoken to.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from graphmem.extract.lexicon import Grammar
from graphmem.extract.nouns import Nouns
from graphmem.extract.scene import Ref, Scene
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, as_kind, statement
from graphmem.models import Mention, Statement

_BE: Final = frozenset({"is", "'s", "are", "'re"})
_SUPPOSING: Final = frozenset({"if", "would", "not", "n't", "never", "wish", "could", "like", "as"})
_MAX_BETWEEN: Final = 5
_REACH: Final = 2
"""Sentences after "meet my friends" in which one of them may still be pointed at."""
_POINTING: Final = frozenset({",", ":", "and", "this", "that", "is", "'s", "here", "over", "there"})


class BondReader:
    """Reads the friendships of one sentence."""

    __slots__ = ("_g", "_quoter", "_refs", "_s", "_scene")

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, nouns: Nouns, quoter: Quoter
    ) -> None:
        self._g = grammar
        self._scene = scene
        self._s = s
        self._refs = nouns.refs
        self._quoter = quoter

    def read(self, end: int) -> Iterator[Statement]:
        """Yield the friendships told before token ``end``."""
        s = self._s
        yield from self._met(end)
        if "friend" not in s.lows and "friendship" not in s.lows:
            return
        for i in range(min(end, len(s))):
            if s.lows[i] == "friendship":
                found = self._friendship(i)
            elif s.lows[i] == "friend" and self._closes(i + 1):
                found = self._called(i)
            else:
                continue
            if found is not None:
                who, start, last = found
                yield statement(
                    self._scene.speaker, "friend_of", self._quoter.quote(start, last),
                    object=as_kind(who, "person"), confidence=0.6,
                )  # fmt: skip

    def _met(self, end: int) -> Iterator[Statement]:
        """Read "meet my friends, Anna and Bo", and "This is Anna. And that's Bo." after it."""
        s, scene, g = self._s, self._scene, self._g
        first = 0
        for i in range(min(end, len(s)) - 2):
            if s.lows[i] == "meet" and s.lows[i + 1] in ("my", "our"):
                at = i + 2
                while s.low(at) in g.modifiers:
                    at += 1
                kin = g.kin_plural.get(s.low(at))
                if kin is not None:
                    scene.introducing, first = (kin, scene.at), at + 1
        if scene.introducing is None or scene.at - scene.introducing[1] > _REACH:
            return
        kin = scene.introducing[0]
        names = self._pointed(first)
        if names:
            scene.introducing = (kin, scene.at)
        for ref in names:
            who = replace(ref.mention, kind="person")
            yield statement(who, kin.predicate, self._quoter.quote(ref.start, ref.end),
                            object=scene.speaker, confidence=0.75)  # fmt: skip

    def _pointed(self, at: int) -> list[Ref]:
        """Return whom "this is", "and that's" or a bare list at ``at`` points at."""
        s = self._s
        while s.low(at) in _POINTING and at < len(s):
            at += 1
        found: list[Ref] = []
        while at < len(s):
            ref = self._refs.get(at)
            if ref is None or not ref.mention.name or ref.kind not in ("person", None):
                break
            found.append(ref)
            at = ref.end
            while s.low(at) in (",", "and") and at < len(s):
                at += 1
        return found if not s.low(at)[:1].isalnum() else []

    def _friendship(self, i: int) -> tuple[Mention, int, int] | None:
        """Read "our friendship", "my friendship with Tom"."""
        s = self._s
        if s.low(i - 1) not in ("our", "my") or i == 0:
            return None
        ref = self._refs.get(i + 2) if s.low(i + 1) == "with" else None
        if ref is not None:
            named = ref.mention.name and ref.kind in ("person", None)
            return (ref.mention, i - 1, ref.end) if named else None
        you = self._scene.addressee
        return (you, i - 1, i + 1) if you is not None and s.low(i - 1) == "our" else None

    def _called(self, i: int) -> tuple[Mention, int, int] | None:
        """Read "you're such a great friend", "she's a friend"."""
        s = self._s
        at = i - 1
        while i - at <= _MAX_BETWEEN and s.low(at) not in _BE and at > 0:
            if s.low(at) in _SUPPOSING or not s.low(at).isalpha():
                return None
            at -= 1
        article = {"a", "an"}.intersection(s.lows[at:i])
        ref = next((r for r in self._refs.values() if r.end == at), None)
        if not article or ref is None or not self._somebody(ref):
            return None
        before = s.lows[max(0, ref.start - 4) : ref.start]
        return None if _SUPPOSING.intersection(before) else (ref.mention, ref.start, i + 1)

    def _somebody(self, ref: Ref) -> bool:
        named = bool(ref.mention.name) and not ref.mention.speaker
        return named and ref.kind == "person" and not ref.doubtful

    def _closes(self, i: int) -> bool:
        low = self._s.low(i)
        return not low or not low[0].isalnum()

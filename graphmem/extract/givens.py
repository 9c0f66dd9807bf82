"""Reads the name behind a noun: "(my sister) Anna", "(our dog), Rex,", "(a boat called) Tern".

Does not know whose anybody is. Bounded look-ahead, so O(1) a place.
"""

from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import CALLED, Name, NameReader
from graphmem.extract.scene import Scene
from graphmem.extract.sentences import Sentence


class GivenReader:
    """Reads the names that nouns are given, in sentences of one event."""

    __slots__ = ("_g", "_names", "_scene")

    def __init__(self, grammar: Grammar, scene: Scene, names: NameReader) -> None:
        self._g = grammar
        self._names = names
        self._scene = scene

    def after(self, s: Sentence, at: int, *, person: bool) -> tuple[Name | None, int]:
        """Read the name that follows a noun: "Anna", ", Anna,", "called Miso", "(Rex)"."""
        direct = self._names.person(s, at, strong=True) if person else self._names.label(s, at)
        if direct is not None:
            return direct, direct.end
        low = s.low(at)
        if low in CALLED:
            name = self._names.label(s, at + 1, told=True)
            return (name, name.end) if name is not None else (None, at)
        if low in (",", "(", "-", "–", "—"):
            inner = at + 1 + (s.low(at + 1) in CALLED)
            name = (
                self._names.person(s, inner, strong=True) if person else self._names.label(s, inner)
            )
            closed = name is not None and s.low(name.end) == low
            if name is None or (person and name.kind is None and low == "," and not closed):
                return None, at
            bare = not person and low == "," and s.low(inner) != "the"
            if bare and self._scene.known.get(name.text.lower()) == "person":
                # "… my business, Jon." speaks to Jon.
                return None, at
            close = s.low(name.end)
            if low == "(":
                return (name, name.end + 1) if close == ")" else (None, at)
            if close == low:
                return name, name.end + 1
            if close in ("", ".", "!", ";", "who", "and"[:0]):
                return name, name.end
            finite = any(form in ("third", "past") for _, form in self._g.forms.get(close, ()))
            if person and low == "," and name.kind == "person" and finite:
                # "My friend, Tom told me": the other comma is left out.
                return name, name.end
        return None, at

    def aside(self, s: Sentence, at: int) -> tuple[Name | None, int]:
        """Read ", Galilea," as the name of a thing, and up to where it ends."""
        name = self._names.label(s, at + 1) if s.low(at) == "," else None
        if name is None or s.low(name.end) != "," or name.text.lower() in self._g.given:
            return None, at
        return name, name.end + 1

"""Reads what tells namesakes apart: "Ana from the choir", "Ana in grade two", "Ana the dentist".

Does not know who is meant. An epithet stands right behind a name, says where somebody is known
from or what they do, and becomes the descriptor of the mention, article left out; identity keeps
bearers of different epithets apart. Bounded look-ahead, so O(1) a place.
"""

from dataclasses import dataclass
from typing import Final

from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import span_text
from graphmem.extract.sentences import Sentence

_ARTICLES: Final = frozenset({"the", "my", "our"})
_GRADES: Final = frozenset({"grade", "year", "class", "form", "room", "row", "seat", "flat"})
_MOST: Final = 3
"""Words of the noun: "the Tuesday pottery class" has three."""


@dataclass(frozen=True, slots=True)
class Epithet:
    """What stands behind a name, tokens up to ``end``."""

    text: str
    end: int
    job: str = ""
    """What somebody works as, where the epithet says it."""


class EpithetReader:
    """Reads the epithets of one sentence."""

    __slots__ = ("_g",)

    def __init__(self, grammar: Grammar) -> None:
        self._g = grammar

    def read(self, s: Sentence, i: int, *, first: bool) -> Epithet | None:
        """Read the epithet at ``i``, behind a name; ``first`` where the name opens a clause."""
        low = s.low(i)
        if low == "," and s.lows[i + 1 : i + 4] == ("the", "one", "from"):
            return self._from(s, i + 3)
        if low == "from":
            return self._from(s, i)
        if low == "in" and s.low(i + 1) in _GRADES:
            return self._grade(s, i)
        if low == "at" and s.low(i + 1) == "the" and first:
            return self._at(s, i)
        if low == "the":
            return self._the(s, i)
        return None

    def _noun(self, s: Sentence, i: int, heads: frozenset[str]) -> int:
        """Return the end of a lower-case noun phrase whose head is one of ``heads``; 0 if none."""
        for at in range(i, min(i + _MOST, len(s))):
            if not s.lows[at].isalpha() or (at > i and s.lows[at] in self._g.verbish):
                return 0
            if s.lows[at] in heads and s.low(at + 1) not in heads:
                return at + 1
            if s.lows[at] in self._g.sets["not_first"]:
                return 0
        return 0

    def _from(self, s: Sentence, i: int) -> Epithet | None:
        at = i + 1 + (s.low(i + 1) in _ARTICLES)
        end = self._noun(s, at, self._g.sets["circles"])
        if not end:
            return None
        return Epithet(f"from {span_text(s, at, end).lower()}", end)

    def _grade(self, s: Sentence, i: int) -> Epithet | None:
        low = s.low(i + 2)
        counted = low in self._g.numbers or low[:1].isdecimal()
        return Epithet(f"in {s.low(i + 1)} {low}", i + 3) if counted else None

    def _at(self, s: Sentence, i: int) -> Epithet | None:
        """Read "at the harbour office" where its bearer goes on to do something."""
        for at in range(i + 2, min(i + 5, len(s))):
            found = self._g.workplaces.match(s.lows, at)
            end = found[0] if found is not None else at + 1 if s.lows[at] == "office" else 0
            if end:
                acts = any(form == "third" for _, form in self._g.forms.get(s.low(end), ()))
                doing = acts or s.low(end) in ("is", "has", "'s")
                text = f"at {span_text(s, i + 2, end).lower()}"
                return Epithet(text, end) if doing else None
            if not s.lows[at].isalpha() or s.lows[at] in self._g.verbish:
                return None
        return None

    def _the(self, s: Sentence, i: int) -> Epithet | None:
        """Read "the guitarist", "the student", "the nephew": not "the Great", nor "the day"."""
        for at in range(i + 1, min(i + 4, len(s))):
            if s.capital(at):
                return None
            found = self._g.jobs.match(s.lows, at)
            if found is not None and self._g.jobs.match(s.lows, found[0]) is None:
                text = span_text(s, i + 1, found[0]).lower()
                whole = s.low(found[0]) not in self._g.job_blockers and self._closes(s, found[0])
                return Epithet(f"the {text}", found[0], text) if whole else None
            if at == i + 1 and s.lows[at] in self._g.sets["epithets"] and self._closes(s, at + 1):
                return Epithet(f"the {s.lows[at]}", at + 1)
            if not s.lows[at].isalpha() or s.lows[at] in self._g.verbish:
                return None
        return None

    def _closes(self, s: Sentence, i: int) -> bool:
        """Whether the noun before ``i`` is whole: a mark, a verb or a joint follows."""
        low = s.low(i)
        if not low or not low[0].isalnum() or low in ("and", "or", "who", "but", "with", "in"):
            return True
        forms = self._g.forms.get(low, ())
        verb = any(form in ("third", "past", "part") for _, form in forms)
        return verb or low in (
            "is",
            "was",
            "has",
            "does",
            "did",
            "can",
            "will",
            "wo",
            "ca",
            "never",
        )

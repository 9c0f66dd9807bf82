"""Reads people introduced by what they are: "a Danish guy, Troels", "the vet who … is Ada".

Does not know verbs. Bounded look-ahead, so O(1) a place.
"""

from collections.abc import Sequence
from typing import Final

from graphmem.extract.epithets import EpithetReader
from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import NameReader
from graphmem.extract.scene import Link, Ref
from graphmem.extract.sentences import Sentence
from graphmem.models import Mention

_CLOSES: Final = frozenset({",", ".", "!", "", "who", "and", ")"})
_FAR: Final = 12
"""Tokens between "the vet who" and "is"."""
_MALE: Final = frozenset(
    {"man", "guy", "boy", "lad", "bloke", "chap", "gentleman", "dude", "fellow"}
)
_FEMALE: Final = frozenset({"woman", "girl", "lady", "lass"})


class StrangerReader:
    """Reads the introductions of strangers in one sentence."""

    __slots__ = ("_epithets", "_g", "_names")

    def __init__(self, grammar: Grammar, names: NameReader) -> None:
        self._g = grammar
        self._names = names
        self._epithets = EpithetReader(grammar)

    def beside(self, s: Sentence, i: int) -> tuple[Sequence[Link], Ref] | None:
        """Read "a Portuguese guy, Duarte,", "a man from Peru, Wilmer, who …" from "a" on."""
        if s.low(i) in ("a", "an", "some") and s.low(i + 1) in self._g.titles and s.capital(i + 2):
            # "a Dr Mbeki"
            name = self._names.person(s, i + 1, strong=True)
            who = Mention(name=name.text, kind="person") if name is not None else None
            if name is not None and who is not None and name.end > i + 2:
                return (), Ref(
                    mention=who, start=i, end=name.end, gender=name.gender, kind="person"
                )
        for at in range(i + 1, min(i + 5, len(s) - 2)):
            noun = s.lows[at]
            if noun in self._g.sets["strangers"]:
                place = None
                if s.low(at + 1) == "from":
                    place = self._names.place(s, at + 2, cued=True)
                comma = place.end if place is not None else at + 1
                name = None
                if s.low(comma) == "," and s.capital(comma + 1):
                    name = self._names.person(s, comma + 1, strong=True)
                if name is None or s.low(name.end) not in _CLOSES or name.end - comma > 3:
                    return None
                gender = "m" if noun in _MALE else "f" if noun in _FEMALE else name.gender
                who = Mention(name=name.text, kind="person")
                links: list[Link] = []
                if place is not None:
                    home = Mention(name=place.text, kind="place")
                    links.append(Link(mention=who, possessor=home, predicate="comes_from",
                                      noun="", start=i, end=name.end, confidence=0.75))  # fmt: skip
                end = name.end
                return links, Ref(mention=who, start=i, end=end, gender=gender, kind="person")
            if not noun.isalpha() or noun in self._g.verbish:
                return None
        return None

    def whoever(self, s: Sentence, i: int) -> Link | None:
        """Read "the vet who looks after our dog is Dr Mbeki" from "the" on."""
        found = None
        for at in range(i + 1, min(i + 4, len(s))):
            found = self._g.jobs.match(s.lows, at)
            if found is not None or not s.lows[at].isalpha():
                break
        if found is None or s.low(found[0]) not in ("who", "that"):
            return None
        for at in range(found[0] + 2, min(found[0] + _FAR, len(s) - 1)):
            if s.lows[at] in (",", "and", "but", "if"):
                return None
            if s.lows[at] in ("is", "was"):
                told = s.low(at + 1) in ("called", "named")
                name = self._names.person(s, at + 1 + told, strong=True)
                whole = name is not None and s.low(name.end) in (".", "!", ",", "")
                if name is None or not whole or not s.capital(at + 1 + told) or s.lows[at] == "was":
                    return None
                origin = name.text.lower() in self._g.origins
                if origin or name.text.endswith(("ian", "ish", "ese", "ean", "can")):
                    return None
                who = Mention(name=name.text, kind="person")
                return Link(mention=who, possessor=who, predicate="has_job", noun=found[1],
                            start=i, end=name.end, confidence=0.8)  # fmt: skip
        return None

    def other(self, s: Sentence, i: int) -> Ref | None:
        """Read "the other Ana", "the other Ana, the dentist": a namesake."""
        if s.low(i + 1) != "other" or not s.capital(i + 2):
            return None
        name = self._names.person(s, i + 2, strong=True)
        if name is None or name.kind != "person":
            return None
        comma = s.low(name.end) == ","
        told = self._epithets.read(s, name.end + comma, first=False)
        if told is not None and told.job:
            who = Mention(name=name.text, kind="person", descriptor=told.text, possessor="")
            end = told.end + (s.low(told.end) == "," and comma)
            return Ref(mention=who, start=i, end=end, gender=name.gender, kind="person")
        who = Mention(name=name.text, kind="person", new=True)
        return Ref(mention=who, start=i, end=name.end, gender=name.gender, kind="person")

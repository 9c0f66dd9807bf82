"""Reads proper names: of persons, places, organisations, pets and things.

Does not know what stands around a name but for the word before it. A capital letter is the cue,
except at the start of a sentence and where a text has no capitals; there the lists of given names,
places and organisations decide.
"""

from dataclasses import dataclass
from typing import Final

from graphmem.extract.lexicon import Grammar
from graphmem.extract.scene import Scene
from graphmem.extract.sentences import Sentence
from graphmem.models import EntityKind

_MAX_NAME: Final = 5
CALLED: Final = frozenset({"called", "named", "nicknamed"})
"""Words after which a name stands."""


@dataclass(frozen=True, slots=True)
class Name:
    """A proper name, tokens up to ``end``; ``kind`` is None where the text does not tell."""

    end: int
    text: str
    kind: EntityKind | None
    gender: str = "u"


def span_text(s: Sentence, i: int, end: int) -> str:
    """Return the words ``i`` to ``end`` as written, single blanks between, clitics joined."""
    out = ""
    for n in range(i, end):
        gap = n > i and s.starts[n] > s.ends[n - 1]
        out += (" " if gap else "") + s.words[n]
    return out


class NameReader:
    """Reads the proper names in sentences of one event."""

    __slots__ = ("_g", "_scene")

    def __init__(self, grammar: Grammar, scene: Scene) -> None:
        self._g = grammar
        self._scene = scene

    def label(self, s: Sentence, i: int, *, told: bool = False) -> Name | None:
        """Read the name of a pet or thing: "Rex", "the Inez"; ``told`` after "called"."""
        at = i + (s.low(i) == "the" and s.capital(i + 1))
        if at >= len(s) or not s.words[at][0].isalpha():
            return None
        low = s.lows[at]
        if s.capital(at) and low != "i":
            if (low in self._g.common or low in self._g.weekdays) and not told:
                return None
            end = at + 1
            while end - at < 4:
                if s.capital(end) and s.low(end) not in self._g.common:
                    end += 1
                elif (s.low(end) in self._g.particles and s.capital(end + 1)) or (
                    told and s.low(end) == "&" and s.capital(end + 1)
                ):
                    end += 2
                else:
                    break
            return Name(end, span_text(s, at, end), "thing", self._g.gender.get(low, "u"))
        given = self._g.given.get(low)
        if given is not None and low not in self._g.lower_ambiguous:
            return Name(at + 1, given, "thing", self._g.gender[low])
        if told and low not in self._g.verbish and low not in self._g.common and s.caseless:
            return Name(at + 1, s.words[at].title(), "thing")
        return None

    def person(self, s: Sentence, i: int, *, strong: bool = False) -> Name | None:
        """Read a person's name; ``strong`` where the words before say that one must stand here."""
        name = self.name(s, i, strong=strong)
        if name is None or name.kind in ("organization", "place") or name.end - i > 4:
            return None
        if name.kind is None and not strong:
            return None
        return name

    def name(self, s: Sentence, i: int, *, strong: bool = False) -> Name | None:
        """Read a proper name of any kind that begins at ``i``."""
        if i >= len(s) or not (s.capital(i) or s.lows[i] in self._g.name_openings):
            return None
        if not s.words[i][0].isalnum():
            return None
        place = self.place(s, i, cued=s.low(i - 1) in self._g.sets["place_cues"] and i > 0)
        if place is not None and not (strong and s.lows[i] in self._g.given):
            return place
        org = self._org(s, i)
        if org is not None:
            cued = i > 0 and s.low(i - 1) in self._g.sets["org_cues"]
            ambiguous = s.lows[i] in self._g.org_ambiguous
            if s.capital(i) or (cued and not ambiguous):
                run = self._run(s, i) if s.capital(i) else None
                if run is None or run.end <= org[0]:
                    return Name(org[0], org[1], "organization")
                return Name(run.end, run.text, "organization")
        if s.capital(i):
            return self._run(s, i, strong=strong)
        low = s.lows[i]
        given = self._g.given.get(low)
        if given is not None and low not in self._g.lower_ambiguous and (strong or s.caseless):
            return Name(i + 1, given, "person", self._g.gender[low])
        return None

    def _org(self, s: Sentence, i: int) -> tuple[int, str] | None:
        """Find a well-known organisation: "WHO", but not "Who"."""
        found = self._g.orgs.match(s.lows, i)
        if found is None or s.lows[i] not in self._g.org_ambiguous:
            return found
        return found if found[1].startswith(s.words[i]) else None

    def place(self, s: Sentence, i: int, *, cued: bool) -> Name | None:
        """Read a place of the gazetteer; ``cued`` after a preposition that a place may follow."""
        found = self._g.places.match(s.lows, i)
        if found is None:
            return None
        end, text = found
        word = s.words[i]
        short = end - i == 1 and len(word) <= 4 and s.lows[i] != text.lower()
        if short and not word.isupper():
            return None
        if short and s.caseless and s.lows[i] in ("us", "la", "sf"):
            return None
        if end - i == 1 and s.lows[i] in self._g.place_ambiguous and not (cued and s.capital(i)):
            return None
        first = i + (s.lows[i] == "the")
        if not s.capital(first) and not cued and not s.caseless:
            return None
        # A longer run of capitals is another name: "Porto Business School", "Paris Hilton".
        after = s.low(end)
        if s.capital(end) and after not in self._g.common and after not in self._g.months:
            return None if after not in self._g.weekdays else Name(end, text, "place")
        return Name(end, text, "place")

    def _run(self, s: Sentence, i: int, *, strong: bool = False) -> Name | None:
        """Read a run of capitalised words and say what kind of name it is."""
        g = self._g
        low = s.lows[i]
        if not self._may_begin(s, i, strong=strong):
            return None
        end = i + 1
        while end < len(s) and end - i < _MAX_NAME:
            nxt = s.low(end)
            if (
                s.capital(end)
                and nxt not in ("i",)
                and (nxt not in g.common or nxt in g.org_suffixes)
            ):
                if nxt in g.weekdays or (nxt in g.months and nxt not in g.given):
                    break
                end += 1
            elif (
                (nxt in g.particles and s.capital(end + 1) and nxt not in ("e", "y"))
                or (nxt == "&" and s.capital(end + 1))
                or (nxt == "of" and low in g.org_prefixes and s.capital(end + 1))
            ):
                end += 2
            else:
                break
        end = min(end, len(s))
        lows = s.lows[i:end]
        text = span_text(s, i, end)
        if low in g.titles and end - i >= 2:
            return Name(end, text, "person", g.gender.get(lows[1], "u"))
        if (lows[-1] in g.org_suffixes and end - i >= 2) or (
            low in g.org_prefixes and "of" in lows
        ):
            return Name(end, text, "organization")
        known = self._scene.known.get(text.lower())
        if known is not None:
            return Name(end, text, known, g.gender.get(low, "u"))
        if low in g.given and end - i <= 4:
            return Name(end, text, "person", g.gender[low])
        if text.isupper() and len(text) > 1 and end - i == 1 and len(text) <= 5:
            return Name(end, text, None)
        return Name(end, text, None)

    def _may_begin(self, s: Sentence, i: int, *, strong: bool) -> bool:
        """Whether a capital here can begin a name: at a sentence's start it says little."""
        g = self._g
        low = s.lows[i]
        if (len(low) < 2 and not strong) or low.startswith(("i-", "i'")):
            return False
        if low in g.languages_low or low in g.weekdays or (low in g.months and low not in g.given):
            return False
        if low in g.kin and not s.capital(i + 1):
            return False
        if low in g.titles and s.capital(i + 1):
            return True
        if low in g.common:
            return low in g.given and strong
        first = i == 0 or s.lows[i - 1] in ('"', "”", "“", ":", "-", "(", "•", "—", "–", ".")
        if not first or low in g.given or low in self._scene.known or low in self._scene.named:
            return True
        if s.capital(i + 1) and s.low(i + 1) not in g.common:
            return True
        if self._told_apart(s, i):
            return True
        if s.low(i + 1) == "and" and low not in g.verbish and low not in g.numbers:
            return s.low(i + 2) == "i" or s.low(i + 2) in g.given
        return low not in g.verbish and _finite(s.low(i + 1), g)

    def _told_apart(self, s: Sentence, i: int) -> bool:
        """Whether an epithet shows a word to be a name: "Kip the vet", "Kip from the choir"."""
        g, joint = self._g, s.low(i + 1)
        if joint == "," and s.low(i + 2) in ("my", "our") and s.low(i + 3) in g.kin:
            # "Ragna, my dentist, has …"
            return s.low(i + 4) == "," and _finite(s.low(i + 5), g)
        if joint == "the":
            found = g.jobs.match(s.lows, i + 2) or g.pets.match(s.lows, i + 2)
            end = found[0] if found is not None else i + 3
            known = found is not None or s.low(i + 2) in g.sets["epithets"]
            # "Call the vet." speaks of nobody called Call.
            whole = _finite(s.low(end), g) or (i > 0 and s.low(end) in (".", ",", "and", "!"))
            return known and whole and s.lows[i] not in g.verbish | g.sets["imperatives"]
        if joint not in ("from", "in", "at"):
            return False
        told = joint == "in" and s.low(i + 2) in ("grade", "year")
        for at in range(i + 2, min(i + 7, len(s))):
            if at > i + 2 and told and _finite(s.lows[at], g):
                return s.lows[i] not in g.adverbs | g.verbish
            if not s.lows[at].isalnum():
                return False
            circle = s.lows[at] in g.sets["circles"] | g.sets["workplaces"]
            told = (
                told or (joint == "from" and circle) or (joint == "at" and s.lows[at] == "office")
            )
        return False


def _finite(low: str, grammar: Grammar) -> bool:
    """Whether a word is a verb in the third person, which a name may stand before."""
    if low in ("is", "was", "has", "'s", "used", "does", "did", "had", "now", "still", "never",
               "can", "ca", "will", "wo", "also"):  # fmt: skip
        return True
    return any(form in ("third", "past") for _, form in grammar.forms.get(low, ()))

"""Reads what somebody is, told behind the name: "Anna, my sister, lives …", "Vera, Tom's ex-wife,".

Does not know verbs but for whether one goes on. Bounded look-ahead, so O(1) a place.
"""

from dataclasses import replace

from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import NameReader
from graphmem.extract.scene import Link, Ref, Scene
from graphmem.extract.sentences import Sentence
from graphmem.models import Mention


def past_modifiers(s: Sentence, i: int, grammar: Grammar) -> tuple[int, bool]:
    """Pass adjectives that do not change who is meant; say whether one ends the relation."""
    ended = False
    at = i
    while at - i < 4 and s.low(at) in grammar.modifiers:
        if f"{s.low(at)} {s.low(at + 1)}" in grammar.kin:
            break
        if s.low(at) in ("work", "baby") and s.low(at + 1) not in grammar.kin:
            break
        if s.low(at) in grammar.kin and s.low(at + 1) not in grammar.kin and at + 1 < len(s):
            break
        if s.low(at) in ("second", "first", "third") and s.low(at + 1) not in grammar.kin:
            break
        ended = ended or s.low(at) in grammar.ended_modifiers
        at += 1
    return at, ended


class AppositionReader:
    """Reads the appositions in sentences of one event."""

    __slots__ = ("_g", "_names", "_scene")

    def __init__(self, grammar: Grammar, scene: Scene, names: NameReader) -> None:
        self._g = grammar
        self._names = names
        self._scene = scene

    def read(self, s: Sentence, ref: Ref) -> tuple[Link, Ref] | None:
        """Read the noun between two commas, or before the end, behind a name."""
        if ref.kind not in ("person", "thing", None):
            return None
        comma = s.low(ref.end) == ","
        first = ref.end + comma
        if s.low(first) not in ("my", "our"):
            return self._somebodys(s, ref, first) if comma else None
        at, ended = past_modifiers(s, first + 1, self._g)
        kin = self._g.kin.get(s.low(at))
        if s.low(at + 1) == "from" and s.low(at + 2 + (s.low(at + 2) == "junior")) in (
            self._g.sets["here"] | {"high"}
        ):
            # "Dora, my best friend from school": whose friend she is, is told.
            at_end = True
        else:
            at_end = s.low(at + 1) in (",", ".", "!", ")", "", ":", ";")
        closed = at_end or (not comma and self._goes_on(s, at + 1))
        if comma and ref.start == 0:
            # "Lena, my dentist, has …", but "Lena, my dentist is …" speaks to Lena.
            closed = s.low(at + 1) == "," and self._goes_on(s, at + 2) and s.low(at + 2) != "and"
        if kin is None or not closed:
            return None
        mention = replace(ref.mention, kind="person", descriptor=kin.noun, possessor="")
        link = Link(
            mention=mention, possessor=self._scene.speaker, predicate=kin.predicate,
            noun=kin.noun, start=ref.start, end=at + 1, ended=ended or kin.ended,
        )  # fmt: skip
        end = at + 2 if s.low(at + 1) == "," else at + 1
        return link, replace(ref, mention=mention, end=end, kind="person", gender=kin.gender)

    def _goes_on(self, s: Sentence, i: int) -> bool:
        """Whether a finite verb of one person stands at ``i``, or "and"."""
        low = s.low(i)
        forms = self._g.forms.get(low, ())
        verb = any(form in ("third", "past") for _, form in forms)
        return verb or low in ("is", "was", "has", "and", "'s", "can", "ca", "does", "did")

    def _somebodys(self, s: Sentence, ref: Ref, first: int) -> tuple[Link, Ref] | None:
        """Read "Vera, Tom's ex-wife,": whose what somebody is, told behind the name."""
        name = self._names.person(s, first) if s.capital(first) else None
        if name is None or s.low(name.end) != "'s" or name.kind != "person":
            return None
        at, ended = past_modifiers(s, name.end + 1, self._g)
        kin = self._g.kin.get(s.low(at))
        closed = not s.low(at + 1)[:1].isalnum() or s.low(at + 1) in self._g.sets["boundary"]
        if kin is None or not closed:
            return None
        owner = Mention(name=name.text, kind="person")
        mention = replace(ref.mention, kind="person", descriptor=kin.noun, possessor=name.text)
        self._scene.note(owner)
        link = Link(
            mention=mention, possessor=owner, predicate=kin.predicate, noun=kin.noun,
            start=ref.start, end=at + 1, ended=ended or kin.ended,
        )  # fmt: skip
        return link, replace(ref, mention=mention, end=at + 1, kind="person", gender=kin.gender)

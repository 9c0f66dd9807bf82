"""Reads whose something is: "that's Ivo's kayak, called Puffin", "she's the one with the van".

Does not know "the canoe is Ines's" (``relations.py``), nor who had it before (``succession.py``).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from graphmem.extract.clauses import Clause
from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import CALLED, NameReader, span_text
from graphmem.extract.nouns import Nouns
from graphmem.extract.scene import Ref, Scene, owner_of
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, as_kind, statement
from graphmem.extract.values import ValueReader
from graphmem.models import Mention, Quote, Statement

POINTING: Final = frozenset({"that", "this", "it"})
"""What may point to a thing: "that's Ivo's kayak"."""
_MARKS: Final = frozenset({",", ".", ";", ":", "!", "(", "-", "–", "—"})


class OwnershipReader:
    """Reads the owners of things and pets in one sentence."""

    __slots__ = ("_g", "_names", "_quoter", "_refs", "_s", "_scene", "_values")

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, names: NameReader, nouns: Nouns,
        values: ValueReader, quoter: Quoter,
    ) -> None:  # fmt: skip
        self._g = grammar
        self._scene = scene
        self._s = s
        self._names = names
        self._refs: Mapping[int, Ref] = nouns.refs
        self._values = values
        self._quoter = quoter

    def has(self, what: Mention, owner: Mention, quote: Quote, confidence: float) -> Statement:
        """Return that somebody has a thing, or a pet."""
        if self.is_pet(what):
            return statement(what, "pet_of", quote, object=owner, confidence=confidence)
        return statement(owner, "owns", quote, object=what, confidence=confidence)

    def is_pet(self, what: Mention) -> bool:
        """Whether a thing is an animal, as far as the text, or the session before it, tells."""
        noun = owner_of(what, self._scene.speaker)[0] or self._scene.noun_of(what.name)
        return self._g.pets.match(tuple(noun.split()[-1:]), 0) is not None

    # ------------------------------------------------------------------ "that's Ivo's kayak"

    def pointed(self, i: int) -> list[Statement]:
        """Read "that's Ivo's kayak, the yellow one called Puffin" at ``i``."""
        s = self._s
        if s.low(i) not in POINTING or s.low(i + 1) not in ("is", "'s"):
            return []
        if i > 0 and s.low(i - 1) not in _MARKS and s.low(i - 1) not in ("and", "but", "so"):
            return []
        ref = self._refs.get(i + 2)
        if ref is None or ref.kind != "thing" or ref.definite or ref.role == "it":
            return []
        noun, owner = owner_of(ref.mention, self._scene.speaker)
        if owner is None or not noun or not self._values.ends(ref.end):
            return []
        what, end = ref.mention, ref.end
        if not what.name:
            name = self._one_called(ref.end)
            if name is not None:
                what, end = replace(what, name=name[0]), name[1]
                self._scene.meet(replace(ref, mention=what))
        quote = self._quoter.quote(i, end)
        found = [self.has(what, owner, quote, 0.85)]
        if what.name:
            found.append(statement(what, "is_a", quote, value=noun, confidence=0.85))
        return found

    def _one_called(self, i: int) -> tuple[str, int] | None:
        """Read ", the yellow one called Puffin", ", called Puffin"."""
        at = i + (self._s.low(i) == ",")
        if self._s.low(at) == "the":
            while self._s.low(at) not in ("one", "") and at - i < 5:
                at += 1
            at += 1
        if self._s.low(at) not in CALLED:
            return None
        name = self._names.label(self._s, at + 1, told=True)
        whole = name is not None and self._values.ends(name.end)
        return (name.text, name.end) if name is not None and whole else None

    # ------------------------------------------------------------------ "the one with the van"

    def one_with(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "(Bea is) the one with the Vespa": what somebody is known by."""
        s = self._s
        at = i + 1
        while s.low(at) != "one" and at - i < 4 and s.low(at).isalpha():
            at += 1
        if s.low(i) != "the" or s.lows[at : at + 2] != ("one", "with"):
            return []
        if clause.group.negation or clause.group.tense != "present":
            return []
        start = at + 2 + (s.low(at + 2) in ("the", "a", "an"))
        if start == at + 2:
            return []
        who = as_kind(subject.mention, "person")
        for noun in range(start, min(start + 4, len(s))):
            pet = self._g.pets.match(s.lows, noun)
            thing = self._g.possessions.match(s.lows, noun)
            found = pet or thing
            if found is not None and self._values.ends(found[0]):
                quote = self._quoter.quote(clause.opening, found[0])
                if pet is None:
                    text = span_text(s, start, found[0])
                    return [statement(who, "owns", quote, value=text, confidence=0.7)]
                if not (who.name or who.speaker):
                    return []
                what = Mention(name="", kind="thing", descriptor=found[1], possessor=who.name)
                return [statement(what, "pet_of", quote, object=who, confidence=0.7)]
            if self._values.ends(noun) or s.low(noun) in self._g.verbish:
                return []
        return []

"""Reads who somebody is to somebody: "Anna is my sister", "I'm a friend of Ola's", "Rex is my dog".

Does not know other complements of "be", nor how somebody is named (``namings.py``).
"""

from dataclasses import replace
from datetime import datetime

from graphmem.extract.clauses import Clause
from graphmem.extract.lexicon import Grammar
from graphmem.extract.namings import NamingReader
from graphmem.extract.nouns import Nouns
from graphmem.extract.objects import ObjectReader
from graphmem.extract.scene import Ref, Scene, owner_of
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Times, as_kind, statement
from graphmem.extract.states import StateReader
from graphmem.models import Mention, Statement


def _told(mention: Mention) -> bool:
    """Whether the text says by a name, or as "I", who somebody is."""
    return bool(mention.name) or mention.speaker


class RelationReader:
    """Reads the relations that the "be" clauses of one sentence tell."""

    __slots__ = ("_g", "_namings", "_now", "_objects", "_refs", "_s", "_scene", "_states")

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, nouns: Nouns, namings: NamingReader,
        objects: ObjectReader, states: StateReader, now: datetime,
    ) -> None:  # fmt: skip
        self._g = grammar
        self._scene = scene
        self._s = s
        self._refs = nouns.refs
        self._namings = namings
        self._objects = objects
        self._states = states
        self._now = now

    def read(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "Anna is my sister", "Tom is Anna's husband"."""
        s = self._s
        ref = self._refs.get(i)
        of = self._kin_of_somebody(clause, subject, i)
        if of:
            return of
        if ref is None or not self._objects.values.ends(ref.end):
            return self._namings.person(clause, subject, i)
        if ref.mention.descriptor is None or ref.mention.name or not _told(subject.mention):
            return self._namings.person(clause, subject, i)
        if ref.kind != "person":
            return self._pet_or_thing(clause, subject, ref)
        noun = next((s.low(n) for n in range(ref.end - 1, i, -1) if s.low(n) in self._g.kin), "")
        kin = self._g.kin.get(noun)
        owner = owner_of(ref.mention, self._scene.speaker)[1]
        if kin is None or owner is None or (subject.mention.speaker and owner.speaker):
            return []
        sense = self._states.sense(clause, ref.end)
        if sense is None:
            return []
        polarity, times = sense
        if kin.ended and polarity == "affirm":
            # "Anna is my ex-wife": she was.
            polarity, times = "end", Times(None, self._now)
        if subject.mention.speaker:
            me, quote = subject.mention, self._states.quote(clause, ref.end)
            return [statement(me, kin.predicate, quote, object=owner, polarity=polarity,
                              times=times, confidence=0.9)]  # fmt: skip
        who = replace(
            as_kind(subject.mention, "person"),
            descriptor=ref.mention.descriptor,
            possessor=ref.mention.possessor,
        )
        # "Fern is my mum's mum. She …": the description has told of nobody else.
        told = (ref.mention, owner)
        scene = self._scene
        scene.people = [r for r in scene.people if r.mention.name or r.mention not in told]
        self._scene.meet(
            Ref(
                mention=who,
                start=0,
                end=0,
                kind="person",
                gender=kin.gender if kin.gender != "u" else subject.gender,
            )
        )
        return [statement(who, kin.predicate, self._states.quote(clause, ref.end), object=owner,
                          polarity=polarity, times=times, confidence=0.9)]  # fmt: skip

    def _kin_of_somebody(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "I'm a friend of Ola's", "she is friends with Ola"."""
        s = self._s
        at = i
        if s.lows[i : i + 2] == ("one", "of"):
            return self._one_of(clause, subject, i + 2)
        several = self._one_of(clause, subject, i)
        if several:
            return several
        while s.low(at) in ("a", "an", "the") or s.low(at) in self._g.modifiers:
            at += 1
            if at - i > 4:
                return []
        joint = "with" if s.low(at) in self._g.kin_plural else "of"
        kin = self._g.kin.get(s.low(at)) or self._g.kin_plural.get(s.low(at))
        if kin is None or s.low(at + 1) != joint or not _told(subject.mention):
            return []
        ref = self._refs.get(at + 2)
        if ref is None or ref.kind not in ("person", None) or ref.mention.speaker:
            return []
        end = ref.end + (s.low(ref.end) == "'s")
        sense = self._states.sense(clause, end)
        if sense is None or not ref.mention.name or not self._objects.values.ends(end):
            return []
        polarity, times = sense
        who, owner = as_kind(subject.mention, "person"), as_kind(ref.mention, "person")
        return [statement(who, kin.predicate, self._states.quote(clause, end), object=owner,
                          polarity=polarity, times=times, confidence=0.85)]  # fmt: skip

    def _one_of(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "(I'm one of) Ola's best friends", "(you guys are) my friends": one of them."""
        s, refs = self._s, self._refs
        ref = refs.get(i)
        owner: Mention | None = None
        at = i + 1
        if s.low(i) in ("my", "our"):
            owner = self._scene.speaker
        elif s.low(i) == "your":
            owner = self._scene.addressee
        elif ref is not None and s.low(ref.end) == "'s" and ref.kind in ("person", None):
            owner, at = as_kind(ref.mention, "person"), ref.end + 1
        while (s.low(at) in self._g.modifiers or s.low(at) in self._g.numbers) and at - i < 6:
            at += 1
        noun = s.low(at)
        single = self._g.kin.get(noun.removesuffix("s")) if noun not in self._g.kin else None
        kin = self._g.kin_plural.get(noun) or single
        sense = self._states.sense(clause, at + 1)
        if kin is None or owner is None or sense is None or owner == subject.mention:
            return []
        if not self._objects.values.ends(at + 1) or not _told(subject.mention):
            return []
        polarity, times = sense
        who, quote = as_kind(subject.mention, "person"), self._states.quote(clause, at + 1)
        return [statement(who, kin.predicate, quote, object=owner, polarity=polarity,
                          times=times, confidence=0.85)]  # fmt: skip

    def _pet_or_thing(self, clause: Clause, subject: Ref, ref: Ref) -> list[Statement]:
        """Read "Pixel is Tom's dog", "the Ines is our boat"."""
        noun, owner = owner_of(ref.mention, self._scene.speaker)
        sense = self._states.sense(clause, ref.end)
        if owner is None or sense is None or subject.mention.speaker or subject.kind == "place":
            return []
        polarity, times = sense
        quote = self._states.quote(clause, ref.end)
        pet = self._g.pets.match((noun,), 0) is not None
        if not pet and self._g.nameable.match((noun,), 0) is None:
            return []
        what = replace(
            subject.mention, kind="thing", descriptor=ref.mention.descriptor,
            possessor=ref.mention.possessor,
        )  # fmt: skip
        self._scene.meet(
            Ref(mention=what, start=0, end=0, kind="thing", gender="u" if pet else "t")
        )
        one, other, predicate = (what, owner, "pet_of") if pet else (owner, what, "owns")
        found = [statement(one, predicate, quote, object=other, polarity=polarity, times=times,
                           confidence=0.88)]  # fmt: skip
        if polarity == "affirm":
            found.append(statement(what, "is_a", quote, value=noun, confidence=0.85))
        return found

    def whose(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "the red canoe is Ines's", "that van is mine": only a thing's owner."""
        s = self._s
        ref = self._refs.get(i)
        owner: Mention | None = None
        end = i + 1
        if s.low(i) in ("mine", "ours"):
            owner = self._scene.speaker
        elif ref is not None and s.low(ref.end) == "'s" and ref.kind in ("person", None):
            owner, end = as_kind(ref.mention, "person"), ref.end + 1
        if owner is None or not self._objects.values.ends(end):
            return []
        sense = self._states.sense(clause, end)
        what = self._scene.thing(subject)
        what = what if what.kind == "thing" else replace(what, kind="thing")
        if sense is None or not (what.name or what.descriptor) or subject.kind == "person":
            return []
        if subject.kind is None and not self._scene.noun_of(what.name):
            # "Dinner is Tom's": only what was said to be a thing is somebody's.
            return []
        polarity, times = sense
        noun = owner_of(subject.mention, owner)[0] or self._scene.noun_of(what.name)
        pet = self._g.pets.match(tuple((noun or what.name).split()[-1:]), 0) is not None
        one, other, predicate = (what, owner, "pet_of") if pet else (owner, what, "owns")
        return [statement(one, predicate, self._states.quote(clause, end), object=other,
                          polarity=polarity, times=times, confidence=0.85)]  # fmt: skip

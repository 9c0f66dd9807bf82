"""Reads namings: "my name is Ada", "my sister is called Ines", "the boat is the Ines".

Does not know other clauses. Also reads the possessed nouns that only "be" completes: birthday,
favourite, hometown, hobby, job.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from graphmem.extract.clauses import Clause
from graphmem.extract.lexicon import Grammar, Kin
from graphmem.extract.names import CALLED, Name, NameReader, span_text
from graphmem.extract.nouns import Nouns
from graphmem.extract.objects import ObjectReader
from graphmem.extract.scene import Ref, Scene, owner_of
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, Times, as_kind, statement
from graphmem.extract.values import Object
from graphmem.models import Mention, Quote, Statement


class NamingReader:
    """Reads the namings of one sentence."""

    __slots__ = (
        "_g",
        "_names",
        "_now",
        "_objects",
        "_owners",
        "_quoter",
        "_refs",
        "_s",
        "_scene",
        "_values",
    )

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, names: NameReader, nouns: Nouns,
        objects: ObjectReader, quoter: Quoter, now: datetime,
    ) -> None:  # fmt: skip
        self._now = now
        self._g = grammar
        self._scene = scene
        self._s = s
        self._names = names
        self._refs = nouns.refs
        self._owners = nouns.owners
        self._objects = objects
        self._values = objects.values
        self._quoter = quoter

    def _owner_of(self, mention: Mention) -> Mention | None:
        """Whose a described person or thing is; None where nobody is told."""
        return owner_of(mention, self._scene.speaker)[1]

    def _kin_of(self, mention: Mention) -> Kin | None:
        return self._g.kin_of.get(owner_of(mention, self._scene.speaker)[0])

    def person(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "my sister is Anna", "my sister is called Anna": a described person gets a name."""
        s = self._s
        if (
            subject.mention.name
            or subject.mention.speaker
            or clause.group.negation
            or clause.group.tense != "present"
        ):
            return []
        told = s.low(i) in CALLED
        name = (
            self._names.label(s, i + 1, told=True)
            if told
            else self._names.person(s, i, strong=True)
        )
        met = self._refs.get(i)
        if s.low(i) in ("a", "an") and met is not None and met.mention.name:
            # "Her boyfriend is a sailor named Per."
            name, told = Name(met.end, met.mention.name, "person"), True
        if name is None or not self._values.ends(name.end) or name.end - i > 5:
            return []
        if not told and (not self._person_here(name, i) or s.low(clause.start) in ("he", "she")):
            return []
        kin, owner = self._kin_of(subject.mention), self._owner_of(subject.mention)
        if kin is None or owner is None:
            return []
        who = replace(subject.mention, name=name.text)
        self._scene.meet(Ref(mention=who, start=i, end=name.end, kind="person", gender=kin.gender))
        quote = self._quoter.quote(clause.opening, name.end)
        return [self._is_to(who, kin, owner, quote, 0.9)]

    def _is_to(
        self, who: Mention, kin: Kin, owner: Mention, quote: Quote, confidence: float
    ) -> Statement:
        """Return what a relation says of two: an ex-wife was married to somebody."""
        if kin.ended:
            return statement(who, kin.predicate, quote, object=owner, polarity="end",
                             times=Times(None, self._now), confidence=confidence)  # fmt: skip
        return statement(who, kin.predicate, quote, object=owner, confidence=confidence)

    def _person_here(self, name: Name, i: int) -> bool:
        """Whether a name after "my sister is" is hers: "Ola", but not "Irish"."""
        low = self._s.low(i)
        if name.kind is not None or low in self._g.origins or low in self._g.titles:
            return name.kind == "person"
        return not name.text.isupper() and not low.endswith(("ian", "ish", "ese", "ist"))

    def itself(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "I'm Ada", "my dog is called Rex", "the boat is called the Inez"."""
        s = self._s
        if clause.group.negation or clause.group.tense not in ("present", "past"):
            return []
        told = s.low(i) in CALLED
        if subject.mention.speaker:
            name = self._names.person(s, i, strong=True)
            if (
                name is None
                or name.kind != "person"
                or name.text.lower() == subject.mention.name.lower()
            ):
                return []
            if not self._values.ends(name.end) or s.low(i - 1) not in ("'m", "am"):
                return []
            found = [
                statement(
                    subject.mention,
                    "has_name",
                    self._quoter.quote(clause.opening, name.end),
                    value=name.text,
                    confidence=0.85,
                )
            ]
            if s.low(name.end) == "," and s.low(name.end + 1) in ("a", "an"):
                # "I'm Ada, a nurse from Hull."
                for job in self._objects.read("job", name.end + 2)[:1]:
                    quote = self._quoter.quote(clause.opening, job.end)
                    found.append(statement(subject.mention, "has_job", quote, value=job.value))
            return found
        unnamed = not subject.mention.name or subject.mention.name.startswith("the ")
        if not unnamed or subject.mention.kind != "thing":
            return []
        label = self._names.label(s, i + told, told=told)
        if label is None or not self._values.ends(label.end):
            return []
        bare = subject.definite or bool(subject.mention.name)
        if bare and (subject.mention.name or not self._set_right(subject, label.end)):
            quote = self._quoter.quote(clause.opening, label.end)
            return self._unowned(subject, label.text, quote) if told else []
        return self._christen(
            subject, label.text, self._quoter.quote(clause.opening, label.end), 0.9 if told else 0.8
        )

    def _unowned(self, subject: Ref, name: str, quote: Quote) -> list[Statement]:
        """Return what the name of "the rooster" states, whoever's it is."""
        said = self._scene.thing(subject)
        noun = subject.mention.descriptor or said.name.split()[-1]
        if noun in self._g.sets["venues"] or (said.name and not said.name.startswith("the ")):
            return []
        what = Mention(name=name, kind="thing")
        self._scene.nouns[name.lower()] = noun
        self._scene.people = [r for r in self._scene.people if r.mention != said]
        self._scene.named_now[said] = what
        self._scene.meet(replace(subject, mention=what, definite=False))
        return [statement(what, "is_a", quote, value=noun, confidence=0.8)]

    def _set_right(self, subject: Ref, end: int) -> bool:
        """Whether "the boat is the Ines" goes on ", not the Inez": only so it is somebody's own."""
        at = end + (self._s.low(end) in (",", "-", "–", "—"))
        pair = self._s.lows[at : at + 2]
        noun = subject.mention.descriptor
        own = noun is not None and noun not in self._g.sets["venues"]
        return own and (pair[:1] == ("not",) or pair in (("instead", "of"), ("rather", "than")))

    def _christen(
        self, subject: Ref, name: str, quote: Quote, confidence: float
    ) -> list[Statement]:
        """Return what giving a described thing or pet its name states."""
        noun, owner = owner_of(subject.mention, self._scene.speaker)
        if owner is None:
            return []
        what = replace(subject.mention, name=name)
        self._scene.meet(replace(subject, mention=what))
        pet = self._g.pets.match((*noun.split(),), 0) is not None
        first = (
            statement(what, "pet_of", quote, object=owner, confidence=confidence)
            if pet
            else statement(owner, "owns", quote, object=what, confidence=confidence)
        )
        found = [first, statement(what, "is_a", quote, value=noun, confidence=confidence)]
        more = self._fragment()
        if more and more != noun and not pet:
            found.append(statement(what, "is_a", quote, value=more, confidence=confidence - 0.1))
        return found

    def _fragment(self) -> str:
        """Read "A proper old barge, (her name is …)": what else a thing is called by."""
        s = self._s
        if s.low(0) not in ("a", "an"):
            return ""
        for at in range(1, min(6, len(s))):
            found = self._g.nameable.match(s.lows, at)
            if found is not None:
                return found[1] if s.low(found[0]) == "," else ""
            if not s.lows[at].isalpha():
                return ""
        return ""

    def places(self, end: int) -> list[int]:
        """Return where a possessive stands, or a word that gives a name."""
        cues = self._g.sets["naming_cues"]
        return [i for i, low in enumerate(self._s.lows[:end]) if low in cues or i in self._refs]

    def possessed(self, i: int) -> list[Statement]:
        """Read "my name is …", "Anna's birthday is …", "my favourite colour is …" at ``i``."""
        s = self._s
        ref = self._refs.get(i)
        thing = ref is not None and ref.kind == "thing" and not ref.definite
        if ref is not None and thing and s.lows[ref.end : ref.end + 3] == ("has", "a", "name"):
            return self._has_name(ref)
        owner, at = self._possessor(i)
        if owner is None:
            return []
        if s.low(at) in ("favourite", "favorite"):
            return self._favourite(owner, i, at + 1)
        while s.low(at) in (
            "new",
            "current",
            "real",
            "first",
            "full",
            "native",
            "mother",
            "old",
            "day",
            "main",
        ):
            at += 1
        noun = s.low(at)
        at += 1
        if s.low(at) not in ("is", "'s", "are"):
            return []
        at += 1 + (s.low(at + 1) in self._g.adverbs)
        if noun == "name":
            return self._name_is(owner, i, at)
        predicate, items = self._completed(noun, at)
        if not items or not self._values.ends(items[-1].end):
            return []
        if not (owner.speaker or owner.name or owner.descriptor):
            return []
        quote = self._quoter.quote(i, items[-1].end)
        return [
            statement(owner, predicate, quote, object=o.mention, value=o.value, confidence=0.88)
            for o in items
        ]

    def _has_name(self, ref: Ref) -> list[Statement]:
        """Read "Ada's canoe has a name, Pip": a thing is christened."""
        at = ref.end + 3
        mark = self._s.low(at) in (",", ":", "-", "–", "—")
        name = self._names.label(self._s, at + 1, told=True) if mark else None
        if name is None or ref.mention.name or not self._values.ends(name.end):
            return []
        return self._christen(ref, name.text, self._quoter.quote(ref.start, name.end), 0.88)

    def _completed(self, noun: str, at: int) -> tuple[str, Sequence[Object]]:
        """Return what a possessed noun says, and of what: predicate and objects."""
        match noun:
            case "birthday":
                found = self._objects.read("date", at)
                return "birthday", found or self._objects.read("month", at)
            case "birthplace":
                return "born_in", self._objects.read("place", at)
            case "nickname":
                name = self._names.label(self._s, at, told=True)
                found = () if name is None else (Object(name.end, value=name.text),)
                return "known_as", found
            case "tongue" | "language":
                return "speaks", self._objects.read("language", at)
            case "job" | "office" | "workplace" if self._s.low(at) in ("at", "with"):
                return "works_at", self._objects.read("employer", at + 1)
            case "job" if self._s.low(at) == "as":
                return "has_job", self._objects.read("anyjob", at + 1)
            case "car" | "van" | "truck" | "motorbike":
                return "drives", self._objects.read("vehicle", at)
            case "column" | "show" | "programme" | "practice" | "desk" if self._s.low(at) in (
                "in", "on", "at", "with",
            ):  # fmt: skip
                return "works_at", self._objects.read("organization", at + 1)
            case "hometown":
                return "comes_from", self._objects.read("place", at)
            case "hobby" | "hobbies" | "pastime":
                return "hobby", self._objects.read("hobby", at)
            case "job" | "occupation" | "profession":
                article = self._s.low(at) in ("a", "an")
                return "has_job", self._objects.read("job", at + article)
            case "employer":
                return "works_at", self._objects.read("organization", at)
            case _:
                return "", ()

    def dubbed(self, i: int) -> list[Statement]:
        """Read "and called her Luna", "everyone calls me Addy", "I go by Addy" at ``i``."""
        s = self._s
        if s.lows[i : i + 2] in (("go", "by"), ("goes", "by")):
            ref = next((r for r in self._refs.values() if r.end == i), None)
            at = i + 2
        elif s.low(i) in ("call", "calls", "called", "name", "named"):
            ref, at = self._refs.get(i + 1), i + 2
            if ref is None or ref.end != at or (s.low(i - 1) in ("to", "n't", "not") and i > 0):
                return []
        else:
            return []
        if ref is None or ref.doubtful:
            return []
        name = self._names.label(s, at, told=not ref.mention.speaker)
        if name is None or not s.capital(at) or not self._values.ends(name.end):
            return []
        quote = self._quoter.quote(i, name.end)
        if ref.kind == "thing" and not ref.mention.name and ref.mention.descriptor:
            return self._christen(ref, name.text, quote, 0.88)
        if ref.kind != "person" or not (ref.mention.speaker or ref.mention.name):
            return []
        if ref.mention.name.lower() == name.text.lower() or s.low(i) in CALLED:
            return []
        return [statement(ref.mention, "known_as", quote, value=name.text, confidence=0.8)]

    def _possessor(self, i: int) -> tuple[Mention | None, int]:
        s = self._s
        low = s.low(i)
        ref = self._refs.get(i)
        if ref is not None and s.low(ref.end) == "'s" and ref.kind in ("person", "thing", None):
            return (ref.mention if ref.kind else as_kind(ref.mention, "person")), ref.end + 1
        if low in ("my", "our"):
            return self._scene.speaker, i + 1
        if low == "your" and self._scene.addressee is not None:
            return self._scene.addressee, i + 1
        if low in ("his", "her"):
            return self._owners.get(i), i + 1
        return None, i

    def _name_is(self, owner: Mention, start: int, at: int) -> list[Statement]:
        name = self._names.label(self._s, at, told=True)
        if name is None or not (self._values.ends(name.end)):
            return []
        quote = self._quoter.quote(start, name.end)
        if owner.kind == "thing" and owner.name.startswith("the "):
            ref = Ref(mention=owner, start=start, end=at, kind="thing", gender="u")
            return self._unowned(ref, name.text, quote)
        if owner.name and not owner.speaker and self._s.low(start) in ("his", "her"):
            # "Minji has a baby. Her name is Haneul": whoever has a name is not named again.
            return []
        if owner.speaker or owner.name:
            return [statement(owner, "has_name", quote, value=name.text, confidence=0.92)]
        if owner.kind == "thing":
            return self._christen(
                Ref(mention=owner, start=start, end=at, kind="thing"), name.text, quote, 0.92
            )
        kin, whose = self._kin_of(owner), self._owner_of(owner)
        if kin is None or whose is None:
            return []
        who = replace(owner, name=name.text)
        self._scene.meet(Ref(mention=who, start=start, end=at, kind="person", gender=kin.gender))
        return [self._is_to(who, kin, whose, quote, 0.92), *self._trade_of(who, start, name.end)]

    def _trade_of(self, who: Mention, start: int, comma: int) -> list[Statement]:
        """Read ", nurse," behind the name that somebody was given."""
        found = self._g.jobs.match(self._s.lows, comma + 1) if self._s.low(comma) == "," else None
        if found is None or not self._values.ends(found[0]):
            return []
        quote = self._quoter.quote(start, found[0])
        return [statement(who, "has_job", quote, value=found[1], confidence=0.75)]

    def _favourite(self, owner: Mention, start: int, at: int) -> list[Statement]:
        """Read "my favourite colour is blue": the value keeps what it is a favourite of."""
        s = self._s
        noun_end = at
        while (
            noun_end < len(s)
            and noun_end - at < 4
            and s.low(noun_end) not in ("is", "are", "'s", "was")
        ):
            if self._values.ends(noun_end) or s.low(noun_end) in ("of", "to", "about"):
                return []
            noun_end += 1
        if (
            s.low(noun_end) not in ("is", "are", "'s")
            or noun_end == at
            or not (owner.speaker or owner.name)
        ):
            return []
        noun = span_text(s, at, noun_end).lower()
        first = noun_end + 1
        while s.low(first) in self._g.adverbs and first - noun_end < 3:
            first += 1
        found = self._values.favourite(first)
        if found is None:
            return []
        quote = self._quoter.quote(start, found.end)
        value = f"{found.value} ({noun})"
        return [statement(owner, "favorite", quote, value=value, confidence=0.85)]

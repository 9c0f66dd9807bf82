"""Reads noun phrases: names, "my sister Anna", "Tom's dog", "another Anna", pronouns.

Does not know verbs. One pass per sentence, left to right, finds every phrase that names somebody
or something, and the relations that naming them states. Every reader looks a bounded number of
tokens ahead, so a sentence costs O(tokens).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from graphmem.extract.addresses import ENDS, AddressReader
from graphmem.extract.appositions import AppositionReader, past_modifiers
from graphmem.extract.arrivals import ArrivalReader
from graphmem.extract.epithets import Epithet, EpithetReader
from graphmem.extract.givens import GivenReader
from graphmem.extract.introductions import IntroductionReader
from graphmem.extract.lexicon import Grammar, Kin
from graphmem.extract.names import CALLED, Name, NameReader, span_text
from graphmem.extract.scene import Link, Ref, Scene, owned
from graphmem.extract.sentences import Sentence
from graphmem.extract.strangers import StrangerReader
from graphmem.extract.whereabouts import past_home, past_place
from graphmem.models import EntityKind, Mention

_OPENINGS: Final = frozenset({
    "i", "we", "me", "us", "myself", "my", "our", "you", "your", "he", "she", "his", "her", "him",
    "it", "its", "a", "an", "one", "another", "some", "the", "this", "that",
    "new", "someone", "somebody",
})  # fmt: skip
_CHILDREN: Final = {"boy": "son", "girl": "daughter", "lad": "son"}


@dataclass(slots=True)
class Nouns:
    """The noun phrases of one sentence by their first token, and the relations they state."""

    refs: dict[int, Ref] = field(default_factory=dict[int, Ref])
    owners: dict[int, Mention] = field(default_factory=dict[int, Mention])
    """Whom "his" and "her" meant where they stood."""
    links: list[Link] = field(default_factory=list[Link])
    loose: bool = False
    """Whether a pronoun found nobody: what the clauses say may still tell whom it means."""
    meant: dict[int, Ref] = field(default_factory=dict[int, Ref])
    """Whom the pronouns mean that this event alone explains, by where they stand."""
    guessed: bool = False
    """Whether a pronoun was taken for somebody whose sex is not told."""


class NounReader:
    """Reads the noun phrases of sentences of one event."""

    __slots__ = (
        "_appositions", "_arrivals", "_epithets", "_g", "_givens", "_introductions", "_meant",
        "_names", "_nouns", "_scene", "_strangers",
    )  # fmt: skip

    def __init__(self, grammar: Grammar, scene: Scene, names: NameReader) -> None:
        self._g = grammar
        self._names = names
        self._scene = scene
        self._nouns = Nouns()
        self._meant: Mapping[int, Ref] = {}
        self._introductions = IntroductionReader(grammar, names)
        self._appositions = AppositionReader(grammar, scene, names)
        self._arrivals = ArrivalReader(grammar, scene)
        self._epithets = EpithetReader(grammar)
        self._givens = GivenReader(grammar, scene, names)
        self._strangers = StrangerReader(grammar, names)

    def read(self, s: Sentence, meant: Mapping[int, Ref] = MappingProxyType({})) -> Nouns:
        """Return what a sentence names, and note the mentions in the scene.

        ``meant`` are pronouns that a first reading has explained: they stay what they were.
        """
        self._nouns = Nouns()
        self._meant = meant
        self._scene.borrowed.clear()
        i = 0
        while i < len(s):
            self._scene.steps += 1
            ref = self._phrase(s, i)
            if ref is None:
                i += 1
                continue
            link, ref = self._introductions.trade(s, ref)
            self._nouns.links += [link] if link is not None else []
            self._nouns.refs[i] = ref
            if not ref.definite:
                self._scene.note(ref.mention)
            if ref.definite:
                said = self._scene.thing(ref)
                if said not in self._scene.named_now:
                    self._scene.meet(replace(ref, mention=said, definite=False))
            elif ref.kind == "person" and ref.mention.name and self._spoken_to(s, ref):
                # "Good grief, Tor! He's a sailor.": who is spoken to is not spoken of.
                pass
            elif i in self._meant:
                # Whom it means has been met, and may have a name since.
                pass
            elif ref.kind in ("person", "thing") and ref.role != "other":
                self._scene.meet(ref)
            elif ref.kind is None and self._stranger(s, ref):
                self._scene.meet(replace(
                    ref, mention=replace(ref.mention, kind="person"), kind="person"
                ))  # fmt: skip
            i = max(ref.end, i + 1)
        return self._nouns

    def _spoken_to(self, s: Sentence, ref: Ref) -> bool:
        bare = ref.mention.descriptor is None and s.low(ref.end) in ENDS - {"?"}
        return bare and AddressReader(self._g, s, self._names).stands_alone(ref.start, ref.end)

    def _stranger(self, s: Sentence, ref: Ref) -> bool:
        """Whether an unknown name stands where "he" or "she" would find somebody: "Is Hedda …"."""
        is_or_has = s.low(ref.end) == "'s" and any(
            form in ("part", "ing") for _, form in self._g.forms.get(s.low(ref.end + 1), ())
        )
        if is_or_has or (s.low(ref.end) == "'s" and s.low(ref.end + 1) in ("a", "an")):
            return ref.end - ref.start <= 2 and s.low(ref.end - 1) not in self._g.org_suffixes
        asked = s.question and s.low(ref.start - 1) in ("is", "'s", "does", "did", "has", "was")
        forms = self._g.forms.get(s.low(ref.end), ())
        acts = s.low(ref.end - 1)[-1:] != "s" and any(form == "third" for _, form in forms)
        return ref.end - ref.start == 1 and ((asked and ref.start > 0) or acts)

    # ------------------------------------------------------------------ phrases

    def _phrase(self, s: Sentence, i: int) -> Ref | None:
        low = s.lows[i]
        if low not in _OPENINGS:
            return self._proper(s, i)
        scene = self._scene
        match low:
            case "i" | "we":
                return Ref(mention=scene.speaker, start=i, end=i + 1, kind="person", role="subject",
                           plural=low == "we")  # fmt: skip
            case "me" | "us" | "myself":
                if s.words[i] == "US":
                    return self._proper(s, i)
                return Ref(mention=scene.speaker, start=i, end=i + 1, kind="person", role="object")
            case "my" | "our":
                return self._owned(s, i, i + 1, scene.speaker) or self._trade(s, i)
            case "you":
                if scene.addressee is None:
                    return None
                both = s.low(i + 1) in ("guys", "two")
                return Ref(mention=scene.addressee, start=i, end=i + 1 + both, kind="person")
            case "your":
                owned = self._owned(
                    s, i, i + 1, scene.addressee or scene.speaker, silent=not scene.addressee
                )
                return owned if scene.addressee is not None else None
            case "he" | "she" | "his" | "her" | "him":
                return self._pronoun(s, i)
            case "it" | "its":
                return self._it(s, i)
            case "a" | "an" | "one" | "another" | "some":
                return self._introduced(s, i) or self._arrivals.there(s, i)
            case "new":
                return self._arrivals.fresh(s, i) or self._proper(s, i)
            case "someone" | "somebody":
                return self._arrivals.someone(s, i)
            case "the" | "this" | "that":
                other = self._strangers.other(s, i)
                return other or self._definite(s, i) or self._trade(s, i) or self._proper(s, i)
            case _:
                return self._proper(s, i)

    def _trade(self, s: Sentence, i: int) -> Ref | None:
        whoever = self._strangers.whoever(s, i)
        self._nouns.links += [whoever] if whoever is not None else []
        found = self._introductions.waitress(s, i)
        if found is None:
            return None
        link, ref = found
        self._nouns.links.append(link)
        return ref

    def _pronoun(self, s: Sentence, i: int) -> Ref | None:
        low = s.lows[i]
        known = self._meant.get(i)
        known = known or self._scene.pronoun("m" if low in ("he", "his", "him") else "f", i)
        self._unsettled(known, i)
        if low in ("his", "her"):
            known = known or self._paired(s, i)
            if known is not None and not known.doubtful:
                self._nouns.owners[i] = known.mention
            owner = known.mention if known is not None else self._scene.speaker
            owned = self._owned(s, i, i + 1, owner, silent=known is None)
            if known is None:
                return None
            if owned is not None or low == "his":
                return owned
        if known is None:
            return None
        role = "subject" if low in ("he", "she") else "object"
        return replace(known, start=i, end=i + 1, role=role)

    def _unsettled(self, known: Ref | None, i: int) -> None:
        """Note a pronoun that found nobody in this event: the sentence may introduce somebody."""
        if known is None or known.doubtful or known.mention in self._scene.borrowed:
            self._nouns.loose = True
        elif known.kind == "person" and known.gender == "u":
            self._nouns.guessed = True
        if known and not known.doubtful and known.mention not in self._scene.borrowed:
            self._nouns.meant[i] = known

    def _paired(self, s: Sentence, i: int) -> Ref | None:
        """Read "Ola and her husband": a name that the text has not yet shown to be a person's."""
        if s.low(i - 1) != "and":
            return None
        ref = next((r for r in self._nouns.refs.values() if r.end == i - 1), None)
        if ref is None or not ref.mention.name or ref.kind not in (None, "person"):
            return None
        return replace(ref, mention=replace(ref.mention, kind="person"), kind="person")

    def _it(self, s: Sentence, i: int) -> Ref | None:
        """Read "it", "its": a pet or thing just spoken of; only namings and belongings use it."""
        known = self._meant.get(i) or self._scene.pronoun("t", i)
        self._unsettled(known, i)
        if known is None:
            return None
        if s.lows[i] == "its":
            self._nouns.owners[i] = known.mention
            return None
        return replace(known, start=i, end=i + 1, role="it")

    def _introduced(self, s: Sentence, i: int) -> Ref | None:
        """Read "another Anna", "a friend of mine, Tom", "one of my colleagues, Tom"."""
        at = i + 1
        if s.lows[i] == "another" or s.low(at) in ("different", "second", "other"):
            at += s.lows[i] != "another"
            name = self._names.person(s, at, strong=True)
            if name is not None:
                noun, end = self._introductions.from_work(s, name.end)
                whose = None if noun is None else ""
                mention = Mention(
                    name=name.text, kind="person", new=True, descriptor=noun, possessor=whose
                )
                return Ref(mention=mention, start=i, end=end, gender=name.gender, kind="person")
        if s.lows[i] == "one" and s.lows[at : at + 2] in (("of", "my"), ("of", "our")):
            at = past_modifiers(s, at + 2, self._g)[0]
            kin = self._g.kin_plural.get(s.low(at))
            return (
                self._named_kin(s, i, at + 1, kin, self._scene.speaker) if kin is not None else None
            )
        beside = self._strangers.beside(s, i)
        if beside is not None:
            self._nouns.links += beside[0]
            return beside[1]
        stranger = self._introductions.called(s, i)
        if stranger is not None:
            link, ref = stranger
            self._nouns.links += [link] if link is not None else []
            return ref
        at = past_modifiers(s, at, self._g)[0]
        kin = self._g.kin.get(s.low(at))
        if kin is not None and s.lows[at + 1 : at + 3] in (("of", "mine"), ("of", "ours")):
            return self._named_kin(s, i, at + 3, kin, self._scene.speaker)
        return None

    def _definite(self, s: Sentence, i: int) -> Ref | None:
        """Read "the boat", "the dog": for namings ("the boat is the Ines, not the Inez")."""
        at, _ = past_modifiers(s, i + 1, self._g)
        pet = self._g.pets.match(s.lows, at)
        found = pet or self._g.nameable.match(s.lows, at)
        if found is None:
            return None
        distinct = span_text(s, i + 1, at).lower() if at > i + 1 else ""
        # A boat or a van may be "she"; no thing is "he".
        gender = "u" if pet is not None else "f"
        end = past_place(s, found[0], self._g)
        name, close = self._givens.aside(s, end)
        if name is None and s.capital(found[0]) and at == i + 1 and s.low(i) == "the":
            # "The horse Skuggi"
            name = self._names.label(s, found[0])
            close = name.end if name is not None else end
        if name is not None:
            # "The telescope in the shed, Galilea, is …"
            named = Mention(name=name.text, kind="thing")
            self._scene.nouns[name.text.lower()] = found[1]
            self._link(named, named, "is_a", found[1], i, close, confidence=0.8)
            return Ref(mention=named, start=i, end=close, kind="thing", gender=gender)
        mention = Mention(name="", kind="thing", descriptor=found[1], possessor="")
        return Ref(
            mention=mention, start=i, end=end, kind="thing", definite=True, distinct=distinct,
            gender=gender,
        )  # fmt: skip

    def _proper(self, s: Sentence, i: int) -> Ref | None:
        if not (s.capital(i) or s.lows[i] in self._g.name_openings):
            return None
        titled = self._introductions.title(s, i)
        if titled is not None:
            return self._named_kin(s, i, i + 1, titled, self._scene.speaker)
        name = self._names.name(s, i)
        if name is None:
            return None
        end = name.end
        kind = name.kind
        if kind == "person" and end - i == 1 and s.low(i - 1) == "the" and i > 0:
            # "the Ines" is no person: a boat, a ship, a pub.
            kind = "thing"
        mention = self._scene.named.get(name.text.lower())
        if mention is None or (kind is not None and mention.kind != kind):
            mention = Mention(name=name.text, kind=kind or self._guess(s, i, name.end))
            if kind is None and mention.kind == "person":
                kind = "person"
        else:
            kind = mention.kind
        if kind == "person" and s.lows[i] in self._g.sets["trade_titles"] and end - i > 1:
            # "Professor Lind" is one; "Dr. Lind" may be many things.
            self._link(mention, mention, "has_job", s.lows[i], i, end, confidence=0.6)
        animal = self._g.pets.match(s.lows, end + 1) if s.low(end) == "the" else None
        if animal is not None and kind is not None and kind != "person":
            animal = None
        if animal is not None:
            # "Gethin the budgie"
            mention = Mention(name=name.text, kind="thing")
            self._scene.nouns[name.text.lower()] = animal[1]
            self._link(mention, mention, "is_a", animal[1], i, animal[0], confidence=0.8)
            return Ref(mention=mention, start=i, end=animal[0], gender="u", kind="thing")
        told = self._epithet(s, i, end, kind)
        if told is not None:
            mention = replace(mention, kind="person", descriptor=told.text, possessor="")
            if told.job:
                self._link(mention, mention, "has_job", told.job, i, told.end, confidence=0.8)
            kind, end = "person", told.end
        elif kind == "person":
            noun, end = self._introductions.from_work(s, end)
            if noun is not None and mention.descriptor is None:
                speaker = self._scene.speaker
                mention = replace(mention, descriptor=noun, possessor="")
                relation = "colleague_of" if noun == "colleague" else "schoolmate_of"
                self._link(mention, speaker, relation, noun, i, end, confidence=0.75)
        ref = Ref(mention=mention, start=i, end=end, gender=name.gender, kind=kind)
        beside = self._appositions.read(s, ref)
        if beside is not None:
            self._nouns.links.append(beside[0])
            return beside[1]
        return self._possessed(s, ref) or ref

    def _epithet(self, s: Sentence, i: int, end: int, kind: EntityKind | None) -> Epithet | None:
        """Read what tells a person from a namesake, right behind the name."""
        if kind not in ("person", None) or end - i > 3:
            return None
        if self._introductions.from_work(s, end)[0] is not None:
            return None
        opens = i == 0 or s.low(i - 1) in ("a", "an", ",", "and", "but", "that", ".")
        return self._epithets.read(s, end, first=opens)

    def _guess(self, s: Sentence, i: int, end: int) -> EntityKind:
        """What kind an unknown name is: a person where the words around it say so."""
        if s.low(i - 1) in self._g.sets["person_cues"] and i > 0:
            return "person"
        if s.low(i - 1) in ("in", "near") and end - i <= 2:
            return "place"
        return "thing"

    def _possessed(self, s: Sentence, ref: Ref) -> Ref | None:
        """Read "Anna's husband Tom": the phrase that a possessive begins."""
        if s.low(ref.end) != "'s" or ref.kind not in ("person", None):
            return None
        owner = replace(ref.mention, kind="person")
        return self._owned(s, ref.start, ref.end + 1, owner)

    # ------------------------------------------------------------------ what belongs to somebody

    def _owned(
        self, s: Sentence, start: int, i: int, owner: Mention, *, silent: bool = False
    ) -> Ref | None:
        """Read what follows a possessive; ``silent`` only passes it (whose it is is not known)."""
        at, ended = past_modifiers(s, i, self._g)
        if s.low(at) in self._g.numbers and s.low(at + 1) in self._g.kin_plural:
            at += 1
        if s.low(at) in ("kid", "baby") and s.low(at + 1) in self._g.kin:
            at += 1
        if silent:
            return None
        kin = self._g.kin.get(f"{s.low(at)} {s.low(at + 1)}")
        if kin is not None:
            # "My training partner" is no partner.
            return self._named_kin(s, start, at + 2, kin, owner, ended=ended)
        kin = self._g.kin.get(s.low(at))
        if kin is not None and ended:
            # "My former wife" is an ex-wife: not whom "my wife" means.
            kin = self._g.kin.get(f"ex-{kin.noun}", kin)
        if kin is None and s.low(at) in _CHILDREN and s.low(at - 1) in ("little", "baby", "our"):
            kin = self._g.kin[_CHILDREN[s.low(at)]]
        plain = s.low(at) not in self._g.adverbs | self._g.sets["not_first"]
        if kin is None and plain and s.low(at).isalpha():
            # "my violin teacher Soraya", "our family doctor"
            expert = self._g.kin.get(s.low(at + 1))
            if expert is not None and expert.predicate in ("teacher_of", "doctor_of"):
                at, kin = at + 1, expert
        if kin is not None:
            return self._named_kin(s, start, at + 1, kin, owner, ended=ended)
        plural = self._g.kin_plural.get(s.low(at))
        if plural is not None:
            self._list(s, start, at + 1, owner, plural)
            return None
        pet = self._g.pets.match(s.lows, at)
        if pet is not None:
            return self._named_thing(s, start, pet[0], pet[1], owner, predicate="pet_of")
        pets = self._g.pets_plural.match(s.lows, at)
        if pets is not None:
            self._list(s, start, pets[0], owner, None, noun=pets[1].removesuffix("s"))
            return None
        thing = self._g.possessions.match(s.lows, at) or self._g.nameable.match(s.lows, at)
        if thing is not None:
            return self._named_thing(s, start, thing[0], thing[1], owner, predicate="owns")
        noun = s.low(at)
        somebody = noun in self._g.kin_plural or self._g.jobs.match(s.lows, at) is not None
        somebody = somebody or noun in self._g.verbish or noun in self._g.adverbs
        if s.low(at + 1) in CALLED and s.capital(at + 2) and noun.isalpha() and not somebody:
            return self._named_thing(s, start, at + 1, noun, owner, predicate="owns")
        return None

    def _named_kin(
        self, s: Sentence, start: int, at: int, kin: Kin, owner: Mention, *, ended: bool = False
    ) -> Ref | None:
        name, end = self._givens.after(s, at, person=True)
        gender = kin.gender
        if name is not None:
            gender = name.gender if gender == "u" else gender
            known = self._scene.named.get(name.text.lower())
            descriptor, whose = owned(kin.noun, owner)
            mention = Mention(
                name=name.text, kind="person", descriptor=descriptor, possessor=whose,
                new=known.new if known is not None else False,
            )  # fmt: skip
            self._link(
                mention, owner, kin.predicate, kin.noun, start, end, ended=ended or kin.ended
            )
            _, end = self._introductions.from_work(s, end)
        else:
            descriptor, whose = owned(kin.noun, owner)
            if descriptor is None:
                return None
            _noun, end = self._introductions.from_work(s, end)
            end = past_home(s, end)
            mention = Mention(name="", kind="person", descriptor=descriptor, possessor=whose)
        ref = Ref(mention=mention, start=start, end=end, gender=gender, kind="person")
        title = s.low(end + 1) in self._g.titles and s.capital(end + 1) and s.capital(end + 2)
        if s.low(end) == "'s" and not title:
            chained = self._owned(s, start, end + 1, mention)
            if chained is not None:
                self._scene.note(mention)
                self._scene.meet(ref)
                return chained
        return ref

    def _named_thing(
        self, s: Sentence, start: int, at: int, noun: str, owner: Mention, *, predicate: str
    ) -> Ref | None:
        named = (
            predicate == "pet_of"
            or self._g.nameable.match((noun,), 0) is not None
            or " " in noun
            or s.low(at) in CALLED
        )
        name, end = self._givens.after(s, at, person=False) if named else (None, at)
        if name is not None and predicate == "owns" and s.low(at) == "," and s.low(at + 1) != "the":
            name, end = (None, at) if name.text.split()[0].lower() in self._g.given else (name, end)
        if name is None:
            descriptor, whose = owned(noun, owner)
            if descriptor is None:
                return None
            mention = Mention(name="", kind="thing", descriptor=descriptor, possessor=whose)
            return Ref(mention=mention, start=start, end=end, kind="thing",
                       gender="u" if predicate == "pet_of" else "t")  # fmt: skip
        descriptor, whose = owned(noun, owner)
        mention = Mention(name=name.text, kind="thing", descriptor=descriptor, possessor=whose)
        self._link(mention, owner, predicate, noun, start, end)
        return Ref(mention=mention, start=start, end=end, kind="thing",
                   gender="u" if predicate == "pet_of" else "t")  # fmt: skip

    def _list(
        self, s: Sentence, start: int, at: int, owner: Mention, kin: Kin | None, *, noun: str = ""
    ) -> None:
        """Read "my sisters Anna and Ines", "our cats, Miso and Tofu": one relation each."""
        at += s.low(at) in (",", ":", "called", "named")
        found: list[Name] = []
        while len(found) < 6:
            name = (
                self._names.person(s, at, strong=True)
                if kin is not None
                else self._names.label(s, at)
            )
            if name is None:
                break
            found.append(name)
            at = name.end
            if s.low(at) not in (",", "and", "&"):
                break
            at += 1 + (s.low(at) == "," and s.low(at + 1) == "and")
        if len(found) < 2:
            return
        for name in found:
            what = kin.noun if kin is not None else noun
            descriptor, whose = owned(what, owner)
            mention = Mention(
                name=name.text, kind="person" if kin is not None else "thing",
                descriptor=descriptor, possessor=whose,
            )  # fmt: skip
            predicate = kin.predicate if kin is not None else "pet_of"
            self._link(mention, owner, predicate, what, start, found[-1].end)
            self._scene.note(mention)
            gender = name.gender if kin is None or kin.gender == "u" else kin.gender
            self._scene.meet(
                Ref(mention=mention, start=start, end=at, kind=mention.kind, gender=gender)
            )

    def _link(
        self, mention: Mention, owner: Mention, predicate: str, noun: str, start: int, end: int,
        *, ended: bool = False, confidence: float = 0.9,
    ) -> None:  # fmt: skip
        self._nouns.links.append(
            Link(
                mention=mention,
                possessor=owner,
                predicate=predicate,
                noun=noun,
                start=start,
                end=end,
                ended=ended,
                confidence=confidence,
            )
        )

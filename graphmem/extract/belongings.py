"""Reads what somebody has: a sister called Anna, two cats, Miso and Tofu, a red bike, my boat.

Does not know the verb. A pet or a thing with a name becomes an entity; an unnamed thing that
nobody would name stays a value.
"""

from collections.abc import Sequence
from typing import Final

from graphmem.extract.lexicon import Grammar, Kin
from graphmem.extract.names import CALLED, Name, NameReader, span_text
from graphmem.extract.scene import Ref, Scene, owned
from graphmem.extract.sentences import Sentence
from graphmem.extract.values import Object, ValueReader
from graphmem.models import Mention

_MAX_ADJECTIVES: Final = 3


class BelongingReader:
    """Reads the belongings of one sentence."""

    __slots__ = ("_g", "_name_reader", "_of", "_s", "_scene", "_values")

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, names: NameReader, values: ValueReader
    ) -> None:
        self._g = grammar
        self._scene = scene
        self._s = s
        self._name_reader = names
        self._values = values
        self._of = ""

    def read(self, kind: str, i: int, owner: Mention) -> Sequence[Object]:
        """Return the belongings of a kind (pet, kin, possession, mything, it) at ``i``."""
        descriptor, whose = owned("", owner)
        if whose is None or descriptor is None:
            return ()
        self._of = descriptor
        match kind:
            case "pet":
                return self._pets(i, whose)
            case "kin":
                return self._kin(i, whose)
            case "possession":
                return self._possession(i, whose)
            case "mything":
                return self._my_thing(i, whose)
            case "it":
                return self._my_thing(i, whose) if self._s.low(i) == "it" else ()
            case _:
                return ()

    def _adjectives(self, i: int) -> int:
        """Pass the article, a number and up to three adjectives (any lower-case words)."""
        at = i
        if self._s.low(at) in ("a", "an", "another", "one") or self._s.low(at) in self._g.numbers:
            at += 1
        return at

    def _names(self, at: int, *, person: bool) -> list[Name]:
        """Read "called Anna", "named Miso and Tofu", ", Anna and Ines", "- Miso -"."""
        s = self._s
        low = s.low(at)
        told = low in CALLED
        if not told and low not in (",", ":", "-", "–", "—", "("):
            return []
        at += 1 + (not told and s.low(at + 1) in CALLED)
        found: list[Name] = []
        while len(found) < 6:
            name = (
                self._name_reader.person(s, at, strong=True)
                if person and not told
                else self._name_reader.label(s, at, told=told)
            )
            if name is None:
                break
            found.append(name)
            at = name.end
            if s.low(at) not in (",", "and", "&"):
                break
            at += 1 + (s.low(at) == "," and s.low(at + 1) == "and")
        if found and not told and not (self._values.ends(found[-1].end)):
            return []
        return found

    def _pets(self, i: int, whose: str) -> Sequence[Object]:
        s, g = self._s, self._g
        at = self._adjectives(i)
        if at == i and s.low(i) not in g.modifiers:
            return ()
        start = at
        while at - start <= _MAX_ADJECTIVES and at < len(s):
            one = g.pets.match(s.lows, at)
            several = g.pets_plural.match(s.lows, at)
            if one is not None and (
                s.low(one[0])
                in (
                    "allergy",
                    "food",
                    "person",
                    "sitter",
                    "lover",
                    "house",
                    "hair",
                    "show",
                    "bed",
                    "owner",
                    "park",
                    "walker",
                    "cafe",
                    "café",
                    "tank",
                    "sitting",
                    "'s",
                    "training",
                )
            ):
                return ()
            if one is not None:
                return self._named(one[0], one[1], whose, one=True)
            if several is not None:
                return self._named(several[0], _single(several[1]), whose, one=False)
            if (
                self._values.ends(at)
                or s.lows[at] in g.verbish
                or s.lows[at] in ("of", "in", "to", "on")
            ):
                return ()
            at += 1
        return ()

    def _named(self, end: int, noun: str, whose: str, *, one: bool) -> Sequence[Object]:
        names = self._names(end, person=False)
        if names:
            last = names[-1].end
            return [
                Object(
                    last,
                    Mention(name=n.text, kind="thing", descriptor=self._of + noun, possessor=whose),
                    noun=noun,
                    predicate="pet_of",
                )
                for n in (names[:1] if one else names)
            ]
        if not one:
            return ()
        mention = Mention(name="", kind="thing", descriptor=self._of + noun, possessor=whose)
        # "Her name's Coco", says the next sentence.
        self._scene.meet(Ref(mention=mention, start=end, end=end, kind="thing"))
        return (Object(end, mention, noun=noun, predicate="pet_of"),)

    def _kin(self, i: int, whose: str) -> Sequence[Object]:
        s, g = self._s, self._g
        at = self._adjectives(i)
        if at == i:
            return ()
        while s.low(at) in g.modifiers and at - i < 4:
            if s.low(at) in g.kin and s.low(at + 1) not in g.kin:
                break
            if f"{s.low(at)} {s.low(at + 1)}" in g.kin:
                break
            at += 1
        pair = g.kin.get(f"{s.low(at)} {s.low(at + 1)}")
        at += pair is not None
        kin = pair or g.kin.get(s.low(at))
        if kin is not None:
            if kin.noun in ("friend", "colleague", "manager", "neighbour", "partner", "roommate"):
                # "I have a friend who …": worth keeping only with a name.
                return self._kinsmen(self._names(at + 1, person=True)[:1], kin, whose)
            names = self._names(at + 1, person=True)[:1]
            if names:
                return self._kinsmen(names, kin, whose)
            if not self._values.ends(at + 1) and s.low(at + 1) not in ("in", "living", "called"):
                return ()
            mention = Mention(
                name="", kind="person", descriptor=self._of + kin.noun, possessor=whose
            )
            # "…, he is called Aksel": the next clause may name the child.
            self._scene.meet(
                Ref(mention=mention, start=i, end=at, kind="person", gender=kin.gender)
            )
            return (Object(at + 1, mention, noun=kin.noun, predicate=kin.predicate),)
        several = g.kin_plural.get(s.low(at))
        if several is None:
            return ()
        names = self._names(at + 1, person=True)
        return self._kinsmen(names, several, whose) if len(names) > 1 else ()

    def _kinsmen(self, names: Sequence[Name], kin: Kin, whose: str) -> Sequence[Object]:
        out: list[Object] = []
        for name in names:
            mention = Mention(
                name=name.text, kind="person", descriptor=self._of + kin.noun, possessor=whose
            )
            gender = name.gender if kin.gender == "u" else kin.gender
            met = Ref(mention=mention, start=0, end=name.end, kind="person", gender=gender)
            self._scene.meet(met)
            out.append(Object(names[-1].end, mention, noun=kin.noun, predicate=kin.predicate))
        return out

    def _possession(self, i: int, whose: str) -> Sequence[Object]:
        s, g = self._s, self._g
        at = self._adjectives(i)
        if at == i:
            return ()
        start = at
        while at - start <= _MAX_ADJECTIVES and at < len(s):
            found = g.possessions.match(s.lows, at)
            if found is not None:
                end, noun = found
                told = end + (s.low(end) in ("now", "too", "here"))
                told += s.low(told) == ","
                if s.low(told) in CALLED:
                    name = self._name_reader.label(s, told + 1, told=True)
                    if name is None:
                        return ()
                    mention = Mention(
                        name=name.text, kind="thing", descriptor=self._of + noun, possessor=whose
                    )
                    return (Object(name.end, mention, noun=noun, predicate="owns"),)
                dubbed = self._dubbed(end)
                if dubbed is not None:
                    mention = Mention(
                        name=dubbed.text, kind="thing", descriptor=self._of + noun, possessor=whose
                    )
                    return (Object(dubbed.end, mention, noun=noun, predicate="owns"),)
                if not self._values.ends(end) and s.low(end) not in ("in", "on", "near"):
                    return ()
                if g.nameable.match(s.lows, at) is not None:
                    mention = Mention(
                        name="", kind="thing", descriptor=self._of + noun, possessor=whose
                    )
                    # "It's called the Skua", says the next sentence.
                    gender = "f" if noun in g.sets["vessels"] else "t"
                    self._scene.meet(
                        Ref(mention=mention, start=end, end=end, kind="thing", gender=gender)
                    )
                    return (Object(end, mention, noun=noun, predicate="owns"),)
                return (Object(end, value=span_text(s, start, end)),)
            if (
                self._values.ends(at)
                or s.lows[at] in g.verbish
                or s.lows[at] in ("of", "in", "to", "on")
            ):
                return ()
            if s.low(at + 1) in CALLED and at + 1 < len(s):
                return self._called(at, whose)
            venue = self._venue(at, whose)
            if venue:
                return venue
            at += 1
        return ()

    def _venue(self, at: int, whose: str) -> Sequence[Object]:
        """Read "a bistro on Hvar, Konoba Smokva,": a business by the name that follows."""
        s, found = self._s, self._g.workplaces.match(self._s.lows, at)
        if found is None:
            return ()
        end = found[0]
        if s.low(end) in ("in", "on", "near"):
            end += 1
            while s.capital(end):
                end += 1
        name = self._name_reader.label(s, end + 1) if s.low(end) == "," else None
        if name is None or not s.capital(end + 1) or name.text.lower() in self._g.given:
            return ()
        if not self._values.ends(name.end) or self._scene.known.get(name.text.lower()) == "person":
            return ()
        mention = Mention(
            name=name.text, kind="thing", descriptor=self._of + found[1], possessor=whose
        )
        return (Object(name.end, mention, noun=found[1], predicate="owns"),)

    def _dubbed(self, i: int) -> Name | None:
        """Read "(a truck) he calls Hercules", "(a van) that we named Olive"."""
        s = self._s
        at = i + (s.low(i) in ("that", "which"))
        if s.low(at) not in ("he", "she", "they", "we", "i"):
            return None
        if s.low(at + 1) not in ("call", "calls", "called", "named") or not s.capital(at + 2):
            return None
        return self._name_reader.label(s, at + 2, told=True)

    def _called(self, at: int, whose: str) -> Sequence[Object]:
        """Read "a sourdough called Bruno": what has a name is a thing, whatever its noun."""
        s, noun = self._s, self._s.low(at)
        people = self._g.sets["strangers"]
        name = self._name_reader.label(s, at + 2, told=True)
        if name is None or noun in people or noun in self._g.kin or not s.capital(at + 2):
            return ()
        if self._g.jobs.match((noun,), 0) is not None or noun in self._g.kin_plural:
            return ()
        if self._g.pets.match((noun,), 0) is not None:
            return ()
        mention = Mention(name=name.text, kind="thing", descriptor=self._of + noun, possessor=whose)
        return (Object(name.end, mention, noun=noun, predicate="owns"),)

    def _my_thing(self, i: int, whose: str) -> Sequence[Object]:
        """What is sold: "my old car", "our boat", "the Inez"."""
        s, g = self._s, self._g
        if s.low(i) not in ("my", "our", "the", "his", "her", "its", "it"):
            return ()
        if s.low(i) == "it":
            known = self._scene.pronoun("t", i)
            done = self._values.ends(i + 1) or s.low(i + 1) in ("to", "away", "on")
            return (Object(i + 1, known.mention),) if known is not None and done else ()
        at = i + 1
        known = self._name_reader.label(s, at) if s.low(i) == "the" else None
        if known is not None:
            mention = self._scene.named.get(known.text.lower())
            mention = mention or Mention(name=known.text, kind="thing")
            return (Object(known.end, mention),) if mention.kind == "thing" else ()
        while s.low(at) in g.modifiers and at - i < 4:
            at += 1
        found = g.possessions.match(s.lows, at)
        if found is None or not (
            self._values.ends(found[0]) or s.low(found[0]) in ("to", "in", "on")
        ):
            name = self._name_reader.label(s, found[0]) if found is not None else None
            if found is None or name is None:
                return ()
            mention = Mention(
                name=name.text, kind="thing", descriptor=self._of + found[1], possessor=whose
            )
            return (Object(name.end, mention),)
        if s.low(i) == "the" and g.nameable.match(s.lows, at) is not None:
            distinct = span_text(s, i + 1, at).lower()
            bare = Mention(name="", kind="thing", descriptor=found[1], possessor="")
            ref = Ref(
                mention=bare, start=i, end=found[0], kind="thing", definite=True, distinct=distinct
            )
            return (Object(found[0], self._scene.thing(ref)),)
        if g.nameable.match(s.lows, at) is None:
            return (Object(found[0], value=found[1]),)
        return (
            Object(
                found[0],
                Mention(name="", kind="thing", descriptor=self._of + found[1], possessor=whose),
            ),
        )


def _single(plural: str) -> str:
    """Return the singular of a pet's plural."""
    return {
        "puppies": "dog",
        "pups": "dog",
        "kittens": "cat",
        "kitties": "cat",
        "bunnies": "rabbit",
        "ponies": "pony",
    }.get(plural, plural.removesuffix("s"))

"""Reads what stands after a verb, by type: places, employers, schools, people, and values.

Does not know which verb, nor what values look like (``values.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from graphmem.extract.dates import Date
from graphmem.extract.lexicon import Grammar, Phrases
from graphmem.extract.names import CALLED, Name, NameReader, span_text
from graphmem.extract.scene import Ref, Scene
from graphmem.extract.sentences import Sentence
from graphmem.extract.values import Object, ValueReader
from graphmem.models import Mention


class ObjectReader:
    """Reads the objects of one sentence by the types that frames name."""

    __slots__ = ("_dated", "_names", "_refs", "_s", "_scene", "grammar", "values")

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, refs: Mapping[int, Ref],
        names: NameReader, dates: Sequence[Date],
    ) -> None:  # fmt: skip
        self.grammar = grammar
        self._scene = scene
        self._s = s
        self._refs = refs
        self._names = names
        self.values = ValueReader(grammar, s, refs, dates)
        self._dated = {d.start for d in dates}

    def read(self, kind: str, i: int) -> Sequence[Object]:
        """Return the objects of a type that begin at ``i``: none, one, or a list's."""
        reader = _READERS.get(kind)
        if reader is None or (i >= len(self._s) and kind not in ("nothing", "you")):
            return ()
        return reader(self, i)

    def thing(self, ref: Ref) -> Mention:
        """Return which thing a reference means; see ``Scene.thing``."""
        return self._scene.thing(ref)

    # ------------------------------------------------------------------ names

    def place(self, i: int) -> Sequence[Object]:
        s = self._s
        found = self._names.place(s, i, cued=True)
        if found is None:
            at = i + (s.low(i) == "the")
            run = self._names.name(s, at)
            if run is None or run.kind not in (None, "place") or s.low(run.end) == "'s":
                return ()
            if at in self._dated or s.lows[at] in self.grammar.given or run.text.isdecimal():
                return ()
            known = self._scene.named.get(run.text.lower())
            if known is not None and known.kind == "person":
                return ()
            found = run
        end = found.end
        if s.low(end) == "'s":
            return ()
        if s.low(end) == ",":
            wider = self._names.place(s, end + 1, cued=True)
            end = wider.end if wider is not None and s.capital(end + 1) else end
        return (Object(end, Mention(name=found.text, kind="place")),)

    def known_place(self, i: int) -> Sequence[Object]:
        found = self._names.place(self._s, i, cued=True)
        if found is None or self._s.low(found.end) == "'s":
            return ()
        return (Object(found.end, Mention(name=found.text, kind="place")),)

    def _org_name(self, i: int) -> Name | None:
        s = self._s
        at = i + (s.low(i) == "the")
        name = self._names.name(s, at)
        if name is None:
            found = self.grammar.orgs.match(s.lows, i)
            if found is None or s.lows[i] in self.grammar.org_ambiguous:
                return None
            name = Name(found[0], found[1], "organization")
        if name.kind == "person" or (name.kind == "place" and name.end - at == 1):
            return None
        if s.low(name.end) == "'s":
            # A shop's own name ("Nando's"), unless something of its follows.
            if not self.values.ends(name.end + 1):
                return None
            name = replace(name, end=name.end + 1, text=name.text + "'s")
        known = self._scene.named.get(name.text.lower())
        return (
            None
            if known is not None and known.kind != "organization" and known.descriptor
            else name
        )

    def organization(self, i: int) -> Sequence[Object]:
        name = self._org_name(i)
        if name is None or name.kind == "place":
            return ()
        text = self._scene.spelt(name.text)
        return (Object(name.end, Mention(name=text, kind="organization"), noun=name.kind or ""),)

    def employer(self, i: int) -> Sequence[Object]:
        """A name, or what stands for one: "the bakery on Main Street", "a school in Hull"."""
        if self._s.low(i - 1) != "in":
            named = self.organization(i)
            if named:
                return named
        called = self._called(i)
        if called is not None:
            return (called,)
        found = self._described(i, self.grammar.workplaces)
        if found is None or found.value is None:
            return ()
        proper = self.organization(found.end + 1) if self._s.low(found.end) == "," else ()
        if proper and self._s.low(proper[0].end) in (",", ".", "!", ""):
            # "a mining firm, Harz Minerals, …"
            return proper
        text = self._scene.spelt(found.value)
        return (Object(found.end, Mention(name=text, kind="organization")),)

    def _called(self, i: int) -> Object | None:
        """Read "a private clinic called Merrion": by its name, whatever kind of place it is."""
        s = self._s
        if s.low(i) not in ("a", "an", "the", "this", "some"):
            return None
        for at in range(i + 2, min(i + 6, len(s) - 1)):
            if s.lows[at] in CALLED:
                name = self._names.label(s, at + 1, told=True) if s.capital(at + 1) else None
                if name is None:
                    return None
                return Object(name.end, Mention(name=name.text, kind="organization"))
            if not s.lows[at].isalpha() or s.lows[at] in self.grammar.verbish:
                return None
        return None

    def group(self, i: int) -> Sequence[Object]:
        """A band, a choir, a team: by its name where it has one."""
        s = self._s
        for at in range(i, min(i + 5, len(s))):
            if s.lows[at] in self.grammar.sets["groups"] and at > i:
                if s.low(at + 1) in CALLED:
                    name = self._names.label(s, at + 2, told=True)
                    if name is not None:
                        mention = Mention(name=name.text, kind="organization")
                        return (Object(name.end, mention, noun=s.lows[at]),)
                if s.low(i) not in ("a", "an", "the", "my", "our") or not self.values.ends(at + 1):
                    return ()
                first = i + (s.low(i) in ("my", "our"))
                return (Object(at + 1, value=span_text(s, first, at + 1)),)
            if at > i and (self.values.ends(at) or s.lows[at] in self.grammar.verbish):
                return ()
        return ()

    def team(self, i: int) -> Sequence[Object]:
        """A club by its name, which may be a town's: "plays for Real Braga"."""
        name = self._names.name(self._s, i + (self._s.low(i) == "the"))
        if name is None or name.kind == "person" or self._s.low(name.end) == "'s":
            return ()
        if self._scene.known.get(name.text.lower()) == "person":
            return ()
        mention = Mention(name=name.text, kind="organization")
        return (Object(name.end, mention, noun=name.kind or ""),)

    def academy(self, i: int) -> Sequence[Object]:
        """Read "the art academy in Ghent", "Leiden University": a school, whoever is in it."""
        found = self.employer(i)
        known = self.grammar.sets["schools"]
        names = (o.mention.name.lower().split() for o in found if o.mention is not None)
        return found if any(known.intersection(words) for words in names) else ()

    def shop(self, i: int) -> Sequence[Object]:
        """Read "the florist's on Mill Lane": a place of business without a name."""
        found = self._described(i, self.grammar.workplaces)
        return () if found is None or self._s.low(i) != "the" else (found,)

    def rented(self, i: int) -> Sequence[Object]:
        """Read "a studio in Hull", "a cottage near the sea"."""
        found = self._described(i, self.grammar.possessions)
        found = found or self._described(i, self.grammar.lodgings)
        if found is None or not self.values.ends(found.end) or found.value is None:
            return ()
        first = i + (self._s.low(i) in ("the", "this"))
        if self.grammar.sets["vehicles"].intersection(found.value.lower().split()):
            # "We rented a car" is over when the holiday is.
            return ()
        return (replace(found, value=span_text(self._s, first, found.end)),)

    def _described(self, i: int, nouns: Phrases) -> Object | None:
        """Read "the bakery on Main Street": an article, a noun of a lexicon, and where it is."""
        s = self._s
        if s.low(i) not in ("a", "an", "the", "this"):
            return None
        for at in range(i + 1, min(i + 5, len(s))):
            found = nouns.match(s.lows, at)
            trade = self.grammar.jobs.match(s.lows, at)
            if found is None and trade is not None and s.low(trade[0]) == "'s":
                # "a sailmaker's": where that trade is at work.
                end = trade[0] + 1
                shop = nouns is self.grammar.workplaces and self.values.ends(end)
                return Object(end, value=span_text(s, i, end)) if shop else None
            # "a bakery company": the last noun is what it is.
            if found is not None and nouns.match(s.lows, found[0]) is None:
                end = self._whereabouts(found[0])
                if end is None:
                    return None
                return Object(end, value=span_text(s, i, end))
            word = s.lows[at]
            if (
                self.values.ends(at)
                or word in self.grammar.verbish
                or word in self.grammar.sets["inner"]
            ):
                return None
        return None

    def _whereabouts(self, i: int) -> int | None:
        """Return where "on Main Street", "in Hull", "near the harbour" at ``i`` ends, or ``i``."""
        s = self._s
        if s.low(i) in CALLED:
            name = self._names.label(s, i + 1, told=True)
            return name.end if name is not None else None
        if s.low(i) in ("on", "in", "near", "by", "of", "for", "at"):
            at = i + 1 + (s.low(i + 1) in ("the", "our", "my"))
            if at not in self._dated and i not in self._dated:
                name = self._names.name(s, at)
                if name is not None and s.low(name.end) != "'s":
                    return name.end
                if (
                    at > i + 1
                    and self.values.ends(at + 1)
                    and s.low(at) not in self.grammar.verbish
                ):
                    return at + 1
                if s.low(at) in ("town", "here") and self.values.ends(at + 1):
                    return at + 1
        if self.values.ends(i) or s.low(i) in ("in", "on", "near", "by", "as", "where"):
            return i
        return None

    def firm(self, i: int) -> Sequence[Object]:
        """An employer that is surely one: no single unknown name, which may be anybody's."""
        found = self.employer(i)
        name = found[0].mention.name if found and found[0].mention is not None else ""
        sure = found and (found[0].noun or not self._s.capital(i) or " " in name)
        return found if sure else ()

    def business(self, i: int) -> Sequence[Object]:
        """Read "a diving school on Alonissos"; one that has a name is for ``possession``."""
        s = self._s
        at = i + 2 if s.low(i + 1) == "own" else i
        if s.low(at) not in ("a", "an") and at == i:
            return ()
        found = self._described(i, self.grammar.workplaces) if at == i else None
        if found is None or found.value is None or not self.values.ends(found.end):
            return ()
        named = s.low(found.end) == "," and s.capital(found.end + 1)
        if named or any(w in CALLED for w in s.lows[i : found.end + 1]):
            return ()
        return (Object(found.end, value=found.value),)

    def placed(self, i: int) -> Sequence[Object]:
        """A business where its place is named: "has a guesthouse on Camiguin"."""
        found = self.business(i)
        return found if found and self._s.capital(found[0].end - 1) else ()

    def discipline(self, i: int) -> Sequence[Object]:
        """Read "graphic design" as what somebody is doing at a university."""
        s = self._s
        for at in range(i, min(i + 3, len(s))):
            if s.lows[at] in self.grammar.sets["disciplines"] and self.values.ends(at + 1):
                return (Object(at + 1, value=span_text(s, i, at + 1)),)
            if not s.lows[at].isalpha() or s.lows[at] in self.grammar.sets["not_first"]:
                return ()
        return ()

    def dwelling(self, i: int) -> Sequence[Object]:
        """Read "a wooden house in Hull", "a farm outside Brecon": the place of it."""
        s, g = self._s, self.grammar
        if s.low(i) not in ("a", "an", "the"):
            return ()
        for at in range(i + 1, min(i + 5, len(s))):
            found = g.possessions.match(s.lows, at) or g.lodgings.match(s.lows, at)
            if found is not None and s.low(found[0]) in ("in", "on", "outside", "near"):
                return self.place(found[0] + 1)
            if not s.lows[at].isalpha() or s.lows[at] in g.verbish:
                return ()
        return ()

    def listed(self, kind: str, i: int) -> Sequence[Object]:
        """One word of a set, where nothing follows it."""
        if self._s.low(i) not in self.grammar.sets[kind] or not self.values.ends(i + 1):
            return ()
        return (Object(i + 1, value=self._s.words[i]),)

    def school(self, i: int) -> Sequence[Object]:
        name = self._org_name(i)
        if name is None or name.kind == "place":
            return ()
        words = name.text.lower().split()
        if not self.grammar.sets["schools"].intersection(words):
            return ()
        return (Object(name.end, Mention(name=name.text, kind="organization")),)

    def person(self, i: int) -> Sequence[Object]:
        ref = self._refs.get(i)
        if (
            ref is not None
            and ref.kind in ("person", None)
            and not ref.definite
            and ref.role != "subject"
        ):
            if ref.kind is None and self.grammar.languages.match(self._s.lows, i):
                return ()
            if self._s.low(ref.end) == "'s":
                return ()
            mention = ref.mention if ref.kind == "person" else replace(ref.mention, kind="person")
            return (Object(ref.end, mention),)
        name = self._names.person(self._s, i, strong=True)
        if name is None or self._s.low(name.end) == "'s":
            return ()
        return (Object(name.end, Mention(name=name.text, kind="person")),)

    def somebody(self, i: int) -> Sequence[Object]:
        """A person with a name, "me", "you", or whom a pronoun means; nobody without a name."""
        found = self.person(i) if i in self._refs else ()
        who = found[0].mention if found else None
        clear = self._refs[i].kind == "person" if found else False
        return found if who is not None and (who.name or who.speaker) and clear else ()

    def you(self, i: int) -> Sequence[Object]:
        """Whoever is spoken to, where nothing more is said."""
        you = self._scene.addressee
        return (Object(i, you),) if you is not None and self.values.ends(i) else ()


_READERS: Final[Mapping[str, Callable[[ObjectReader, int], Sequence[Object]]]] = {
    "place": ObjectReader.place,
    "knownplace": ObjectReader.known_place,
    "organization": ObjectReader.organization,
    "employer": ObjectReader.employer,
    "group": ObjectReader.group,
    "school": ObjectReader.school,
    "person": ObjectReader.person,
    "somebody": ObjectReader.somebody,
    "you": ObjectReader.you,
    "anyjob": lambda r, i: r.values.any_job(i),
    "job": lambda r, i: r.values.job(i),
    "diet": lambda r, i: r.values.word(r.grammar.diets, i),
    "language": lambda r, i: r.values.words(r.grammar.languages, i),
    "hobby": lambda r, i: r.values.hobby(i),
    "study": lambda r, i: r.values.study(i),
    "like": lambda r, i: r.values.likes(i),
    "preferred": lambda r, i: r.values.preferred(i),
    "date": lambda r, i: r.values.date(i),
    "nothing": lambda r, i: (Object(i),) if r.values.ends(i) else (),
    "food": lambda r, i: r.values.foods(i),
    "clause": lambda r, i: r.values.clause(i),
    "fare": lambda r, i: r.values.fare(i),
    "lack": lambda r, i: r.values.lack(i),
    "vehicle": lambda r, i: r.values.vehicle(i),
    "years": lambda r, i: r.values.years(i),
    "month": lambda r, i: r.values.month(i),
    "team": ObjectReader.team,
    "firm": ObjectReader.firm,
    "business": ObjectReader.business,
    "placed": ObjectReader.placed,
    "skill": lambda r, i: r.values.skill(i),
    "rig": lambda r, i: r.values.rig(i),
    "discipline": ObjectReader.discipline,
    "dwelling": ObjectReader.dwelling,
    "transport": lambda r, i: r.listed("transport", i),
    "drink": lambda r, i: r.listed("drinks", i),
    "shop": ObjectReader.shop,
    "academy": ObjectReader.academy,
    "rented": ObjectReader.rented,
    "edible": lambda r, i: r.values.edible(i),
    "craft": lambda r, i: r.values.wares(i, heads=r.grammar.sets["crafts"]),
    "livestock": lambda r, i: r.values.wares(i, heads=r.grammar.sets["livestock"]),
    "wares": lambda r, i: r.values.wares(i),
    "goods": lambda r, i: r.values.goods(i),
    "ailment": lambda r, i: r.values.word(r.grammar.ailments, i),
    "diagnosis": lambda r, i: r.values.word(r.grammar.ailments, i) or r.values.foods(i)[:1],
    "health": lambda r, i: r.values.word(r.grammar.health, i),
    "allergen": lambda r, i: r.values.allergen(i),
    "jobs": lambda r, i: r.values.jobs(i),
    "rank": lambda r, i: r.values.rank(i),
    "trade": lambda r, i: r.values.job(i + 1) if r.values.is_article(i) else (),
    "gerund": lambda r, i: r.values.words(r.grammar.gerunds, i),
}

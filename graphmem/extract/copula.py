"""Reads clauses with "be": what somebody is, where from, allergic to what, whose sister, how old.

Does not know full verbs, nor names that are given (``namings.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from graphmem.extract.clauses import Clause
from graphmem.extract.dates import Date
from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import span_text
from graphmem.extract.namings import NamingReader
from graphmem.extract.nouns import Nouns
from graphmem.extract.objects import ObjectReader
from graphmem.extract.ownership import OwnershipReader
from graphmem.extract.relations import RelationReader
from graphmem.extract.scene import Ref, Scene
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, Times, as_kind, once, statement
from graphmem.extract.states import StateReader
from graphmem.extract.values import Object
from graphmem.models import Polarity, Statement

_MAX_AGE: Final = 120
_AFRAID: Final = frozenset({"afraid", "scared", "terrified", "frightened", "petrified"})


class CopulaReader:
    """Reads the "be" clauses of one sentence."""

    __slots__ = (
        "_dates", "_g", "_namings", "_now", "_objects", "_owners", "_quoter", "_relations", "_s",
        "_scene", "_states",
    )  # fmt: skip

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, nouns: Nouns, namings: NamingReader,
        objects: ObjectReader, dates: Sequence[Date], quoter: Quoter, now: datetime,
        owners: OwnershipReader,
    ) -> None:  # fmt: skip
        self._g = grammar
        self._scene = scene
        self._s = s
        self._namings = namings
        self._objects = objects
        self._dates = dates
        self._quoter = quoter
        self._now = now
        self._owners = owners
        self._states = StateReader(s, dates, quoter, now)
        self._relations = RelationReader(
            grammar, scene, s, nouns, namings, objects, self._states, now
        )

    def read(self, clause: Clause) -> Iterator[Statement]:
        """Yield what a clause states."""
        group = clause.group
        if group.modal or group.tense == "goal":
            return
        if clause.pair:
            together = self._together(clause, group.end)
            if together:
                yield from together
                return
        for subject in clause.subjects:
            found = self._complement(clause, subject, group.end)
            if found is not None:
                yield from found
                if len(clause.subjects) == 1:
                    return

    # ------------------------------------------------------------------ complements

    def _together(self, clause: Clause, i: int) -> list[Statement]:
        """Read "Tom and Lena are married": what two are to each other."""
        while self._s.low(i) in self._g.adverbs and self._s.low(i) not in ("just", "really"):
            i += 1
        found = self._g.reciprocal.match(self._s.lows, i)
        one, other = (as_kind(r.mention, "person") for r in clause.pair)
        people = all(r.kind in ("person", None) for r in clause.pair)
        if found is None or not people or not self._objects.values.ends(found[0]):
            return []
        if clause.bare and found[1] not in self._g.sets["ours"]:
            return []
        sense = self._states.sense(clause, found[0])
        if sense is None:
            return []
        polarity, times = sense
        return [statement(one, found[1], self._states.quote(clause, found[0]), object=other,
                          polarity=polarity, times=times, confidence=0.85)]  # fmt: skip

    def _complement(self, clause: Clause, subject: Ref, i: int) -> list[Statement] | None:
        person = subject.kind in ("person", None) and not (
            subject.mention.kind == "thing" and subject.mention.descriptor
        )
        itself = self._namings.itself
        if subject.doubtful:
            # "She is three" may be said of the dog.
            person_only = (self._relations.read, self._wed, self._origin, self._member, self._job)
            return next((x for read in person_only if (x := read(clause, subject, i))), None)
        readers = (
            (self._life, self._allergy, self._relations.read, self._wed, self._diet_or_status,
             self._origin, self._age, self._member, self._job, self._feels, self._fond,
             self._fluent, itself, self._relations.whose, self._owners.one_with)
            if person
            else (self._life, self._allergy, self._relations.whose, self._age, self._ailing, itself,
                  self._breed, self._located)
        )  # fmt: skip
        for reader in readers:
            found = reader(clause, subject, i)
            if found:
                return found
        return None

    def _allergy(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        s = self._s
        if s.low(i + 1) == "of" and s.low(i) in _AFRAID and not clause.group.negation:
            return self._states.state(
                clause, subject, "afraid_of", self._objects.read("wares", i + 2), 0.8
            )
        if s.low(i) not in ("allergic", "intolerant") or s.low(i + 1) != "to":
            return []
        if clause.group.tense == "past":
            return []
        return self._states.state(
            clause, subject, "allergic_to", self._objects.read("food", i + 2), 0.92
        )

    def _ailing(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "is diabetic", "is deaf" of a pet."""
        pet = self._g.pets.match((subject.mention.descriptor or "").split()[-1:], 0)
        if pet is None or clause.group.negation:
            return []
        return self._states.state(clause, subject, "health", self._objects.read("health", i), 0.8)

    def _life(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "is dead", "is not dead", "is still alive" of somebody with a name.

        Between people "Tor is dead!" is mostly a threat: only what takes it back is read then.
        """
        s, who, group = self._s, subject.mention, clause.group
        at = i
        while s.low(at) in self._g.adverbs and at - i < 2:
            at += 1
        word = s.low(at)
        if word not in ("dead", "alive") or not self._objects.values.ends(at + 1):
            return []
        if who.speaker or not who.name or group.tense != "present":
            return []
        dead = (word == "dead") != bool(group.negation)
        if dead and (word == "alive" or self._scene.addressee is not None):
            return []
        return [statement(who, "status", self._states.quote(clause, at + 1), value="dead",
                          polarity="affirm" if dead else "deny", confidence=0.8)]  # fmt: skip

    def _diet_or_status(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        at = i + (self._s.low(i) in ("a", "an"))
        found = self._states.state(clause, subject, "diet", self._objects.read("diet", at), 0.9)
        if found:
            return found
        for words, predicate in (
            (self._g.statuses, "status"), (self._g.marital, "marital_status"),
            (self._g.health, "health"),
        ):  # fmt: skip
            status = words.match(self._s.lows, i)
            if status is None or not self._objects.values.ends(status[0]):
                continue
            if clause.group.negation:
                return []
            item = Object(status[0], value=status[1])
            return self._states.state(clause, subject, predicate, [item], 0.75)
        return []

    def _origin(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        s = self._s
        if s.low(i) in ("at", "with") and clause.group.tense == "present" and (
            not clause.group.negation
        ):  # fmt: skip
            # "She's at Nordea now": where somebody works, not where they are.
            firm = self._objects.read("organization", i + 1)
            if s.low(i) == "with" and not (firm and firm[0].noun):
                # "I'm with Woojin now" is no job, unless jobs are spoken of.
                firm = firm if self._g.sets["job_talk"].intersection(s.lows[:i]) else ()
            lasts = bool(firm) and s.low(firm[0].end) in ("now", "nowadays", "these")
            return self._states.state(clause, subject, "works_at", firm, 0.7) if lasts else []
        again = s.lows[i : i + 2] == ("back", "in") and not clause.group.negation
        if again and clause.group.tense == "present":
            home = self._objects.read("knownplace", i + 2)
            lasting = bool(home) and any(d.role == "since" for d in self._dates)
            now = bool(home) and s.low(home[0].end) in ("now", "nowadays", "permanently")
            return (
                self._states.state(clause, subject, "lives_in", home, 0.75)
                if lasting or now
                else []
            )
        if s.low(i) == "in" and clause.group.tense == "past" and not clause.group.negation:
            # "I was in Oslo once": been there, whatever for.
            seen = self._objects.read("knownplace", i + 1)
            return self._visited(clause, subject, seen)
        if s.low(i) == "from" and clause.group.tense in ("present", "past"):
            items = self._objects.read("place", i + 1)
            if items and clause.group.negation == "":
                return [
                    statement(
                        as_kind(subject.mention, "person"),
                        "comes_from",
                        self._quoter.quote(clause.opening, items[0].end),
                        object=items[0].mention,
                        confidence=0.85,
                    )
                ]
        return []

    def _visited(self, clause: Clause, subject: Ref, seen: Sequence[Object]) -> list[Statement]:
        dates = [d for d in self._dates if clause.group.end <= d.start < clause.limit]
        times = once(dates, self._now)
        if not seen or times is None:
            return []
        who, quote = as_kind(subject.mention, "person"), self._states.quote(clause, seen[0].end)
        return [statement(who, "visited", quote, object=seen[0].mention, times=times,
                          confidence=0.65)]  # fmt: skip

    def _age(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "34", "34 years old"; a bare number needs the clause's end."""
        s = self._s
        low = s.low(i)
        number = int(low) if low.isdecimal() and len(low) < 4 else 0
        if low not in ("a", "an", "one", "couple", "few", "several"):
            number = number or self._g.numbers.get(low, 0)
        if not 0 < number < _MAX_AGE or clause.group.negation or clause.group.tense != "present":
            return []
        if subject.plural or len(clause.subjects) > 1:
            # "We're eight" counts heads.
            return []
        end = i + 1
        if s.lows[end : end + 2] == ("years", "old"):
            end += 2
        elif s.low(end) in ("yo", "years-old"):
            end += 1
        elif not (s.low(end) in (".", ",", "!", "", "and", "now", ";", "too") and number > 2):
            return []
        return self._states.state(clause, subject, "age", [Object(end, value=str(number))], 0.85)

    def _job(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        s = self._s
        at = i + 1 if s.low(i) in ("a", "an", "the", "this") else i
        if subject.plural or len(clause.subjects) == 2:
            # "We're teachers", "Tom and Lena are both lawyers".
            several = self._objects.read("jobs", i)
            if several:
                return self._states.state(clause, subject, "has_job", several, 0.8)
        rank = self._objects.read("rank", i) if at == i else ()
        if rank and clause.group.tense == "present":
            at, items = i, rank
            found = self._states.state(clause, subject, "has_job", items, 0.8)
            return found + self._workplace(clause, found, items[-1].end)
        if at == i or (s.low(i) == "the" and clause.group.tense != "present"):
            return []
        items = self._objects.read("job", at) or self._also_job(at)
        last = items[-1].end if items else 0
        loose = items and s.low(i) == "the" and s.low(last) in ("in", "of", "on")
        if loose and not (s.low(last) == "of" and self._objects.read("organization", last + 1)):
            # "the cook in our house" is no trade; "the head of Nimbus" is one.
            return []
        praised = bool(items) and items[0].noun == "praised"
        found = self._states.state(clause, subject, "has_job", items, 0.65 if praised else 0.85)
        found = [self._former(x) for x in found]
        return found + self._workplace(clause, found, items[-1].end if items else 0)

    def _former(self, x: Statement) -> Statement:
        """Return that "a former judge", "an ex-policewoman" was one."""
        said = x.value or ""
        low = said.lower()
        was = next((n for w in ("former ", "ex-", "ex ") if low.startswith(w) for n in [len(w)]), 0)
        if not was or x.polarity != "affirm":
            return x
        return replace(x, value=said[was:], polarity="end", valid_from=None, valid_to=self._now)

    def _also_job(self, i: int) -> Sequence[Object]:
        """Read "(a) saint and also a locksmith": the trade that is told second."""
        s = self._s
        for at in range(i + 1, min(i + 4, len(s))):
            if s.lows[at] == "and":
                first = at + 1 + (s.low(at + 1) in ("also", "now"))
                return self._objects.read("trade", first)
            if not s.lows[at].isalpha() or s.lows[at] in self._g.verbish:
                return ()
        return ()

    def _workplace(self, clause: Clause, found: Sequence[Statement], end: int) -> list[Statement]:
        """Read "… at the shipyard" after what somebody works as."""
        joint = self._s.low(end)
        if not found or joint not in ("at", "for", "with", "of"):
            return []
        if found[0].polarity not in ("affirm", "end"):
            return []
        kind = "organization" if joint == "of" else "employer"
        return [
            replace(
                found[0], predicate="works_at", value=None, object=org.mention,
                quote=self._quoter.quote(clause.opening, org.end), confidence=0.8,
            )
            for org in self._objects.read(kind, end + 1)
        ]  # fmt: skip

    def _member(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "a member of the rowing club"."""
        if self._s.low(i) == "in" and clause.group.tense == "present":
            return self._states.state(
                clause, subject, "member_of", self._objects.read("group", i + 1), 0.8
            )
        at = i + (self._s.low(i) in ("a", "the"))
        if self._s.lows[at : at + 2] != ("member", "of"):
            return []
        found = self._objects.read("group", at + 2) or self._objects.read("organization", at + 2)
        return self._states.state(clause, subject, "member_of", found, 0.85)

    def _fond(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        at = i
        while self._s.low(at) in self._g.adverbs and at - i < 2:
            at += 1
        fond = self._g.fondness.match(self._s.lows, at)
        if fond is None or clause.group.tense != "present":
            return []
        items = self._objects.read("like", fond[0])
        if clause.group.negation != "not" or not items:
            return self._states.state(clause, subject, "likes", items, 0.8)
        who, quote = as_kind(subject.mention, "person"), self._states.quote(clause, items[-1].end)
        return [
            statement(who, "dislikes", quote, object=o.mention, value=o.value, confidence=0.7)
            for o in items
        ]

    def _feels(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "is in love with you", "was attracted to Tom": what somebody feels for somebody."""
        at = i
        while self._s.low(at) in self._g.adverbs and at - i < 3:
            at += 1
        found = self._g.feelings.match(self._s.lows, at)
        if found is None:
            return []
        group = clause.group
        told = group.tense == "present" or (group.tense == "perfect" and not group.negation)
        if not told or group.negation == "never":
            return []
        items = self._objects.read("somebody", found[0])
        you = self._scene.addressee
        if self._s.low(found[0]) == "yours" and you is not None:
            items = [Object(found[0] + 1, mention=you)]
        if not items:
            return []
        kinds: Mapping[str, Polarity] = {"not": "deny", "ended": "end"}
        polarity: Polarity = kinds.get(group.negation, "affirm")
        times = Times(None, self._now) if polarity == "end" else Times()
        sure = 0.75 if subject.mention.speaker else 0.6
        who, quote = as_kind(subject.mention, "person"), self._states.quote(clause, items[-1].end)
        return [statement(who, found[1], quote, object=items[0].mention, polarity=polarity,
                          times=times, confidence=sure)]  # fmt: skip

    def _fluent(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        if self._s.lows[i : i + 2] != ("fluent", "in"):
            return []
        return self._states.state(
            clause, subject, "speaks", self._objects.read("language", i + 2), 0.9
        )

    def _wed(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        s = self._s
        predicate = {"married": "married_to", "engaged": "engaged_to"}.get(s.low(i))
        if predicate is None or s.low(i + 1) != "to":
            return []
        return self._states.state(
            clause, subject, predicate, self._objects.read("person", i + 2), 0.92
        )

    def _breed(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        """Read "Rex is a labrador": only animals and things of the lexicon."""
        s = self._s
        if s.low(i) not in ("a", "an") or not subject.mention.name or clause.group.negation:
            return []
        at = i + 1
        while at - i < 4 and at < len(s):
            found = self._g.pets.match(s.lows, at) or self._g.nameable.match(s.lows, at)
            if found is not None and self._objects.values.ends(found[0]):
                value = span_text(s, i + 1, found[0])
                return [
                    statement(
                        subject.mention,
                        "is_a",
                        self._quoter.quote(clause.opening, found[0]),
                        value=value,
                        confidence=0.8,
                    )
                ]
            at += 1
        return []

    def _located(self, clause: Clause, subject: Ref, i: int) -> list[Statement]:
        s = self._s
        if (
            s.low(i) not in ("in", "based", "located")
            or not subject.mention.name
            or clause.group.negation
        ):
            return []
        at = i + 1 if s.low(i) == "in" else i + 2
        if (
            s.low(at - 1) != "in"
            or clause.group.tense != "present"
            or subject.mention.kind == "thing"
        ):
            return []
        return self._states.state(
            clause, subject, "located_in", self._objects.read("knownplace", at), 0.75
        )

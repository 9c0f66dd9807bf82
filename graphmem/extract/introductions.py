"""Reads how people are introduced without "my": "Aunt Rosa", "a man called Per", "Bo, a nurse, …".

Does not know verbs, nor whose somebody is: a title makes them the speaker's own, which the caller
says. Bounded look-ahead, so O(1) a place.
"""

from dataclasses import replace
from typing import Final

from graphmem.extract.lexicon import Grammar, Kin
from graphmem.extract.names import CALLED, NameReader, span_text
from graphmem.extract.scene import Link, Ref
from graphmem.extract.sentences import Sentence
from graphmem.models import Mention

_GENDERS: Final = {
    "man": "m", "guy": "m", "boy": "m", "lad": "m", "bloke": "m", "chap": "m", "gentleman": "m",
    "dude": "m", "woman": "f", "girl": "f", "lady": "f", "lass": "f",
}  # fmt: skip
_FINITE: Final = frozenset({"is", "was", "has", "'s", "can", "wo", "does", "did", "used", "never"})
_POSSESSIVES: Final = frozenset({"my", "our", "your", "his", "her", "their", "the", "a", "'s"})


class IntroductionReader:
    """Reads the introductions of one sentence."""

    __slots__ = ("_g", "_names")

    def __init__(self, grammar: Grammar, names: NameReader) -> None:
        self._g = grammar
        self._names = names

    def title(self, s: Sentence, i: int) -> Kin | None:
        """Read "Aunt Rosa", and "Mum" where it stands for my mother: before a verb, an "'s"."""
        low = s.lows[i]
        if low not in self._g.kin or not s.capital(i):
            return None
        kin = self._g.kin[low]
        if low in self._g.sets["kin_titles"] and s.capital(i + 1):
            name = self._names.person(s, i + 1, strong=True)
            alone = name is not None and i == 0 and s.low(name.end) == "."
            nobody = s.lows[i : i + 2] == ("uncle", "sam")
            if name is not None and not nobody and (alone or self._acts(s, name.end)):
                # Not "say hello to Auntie Monica", whose aunt she may be is not told.
                return kin
        mine = s.low(i - 1 if i else len(s)) not in _POSSESSIVES
        if low in self._g.sets["own_kin"] and mine and self._acts(s, i + 1):
            # "Mum, is it late?" speaks to her; "Is Mum in?" asks.
            return kin
        return None

    def _acts(self, s: Sentence, at: int) -> bool:
        """Whether a verb that the words before may be the subject of stands at ``at``."""
        forms = self._g.forms.get(s.low(at), ())
        finite = any(form in ("third", "past") for _, form in forms)
        return finite or s.low(at) in _FINITE

    def called(self, s: Sentence, i: int) -> tuple[Link | None, Ref] | None:
        """Read "a woman called Perpetua", "some retired nurse named Tom": who is met by name."""
        for at in range(i + 1, min(i + 5, len(s) - 2)):
            if s.lows[at] in CALLED:
                job = self._g.jobs.match(s.lows, at - 1)
                if s.lows[at - 1] not in self._g.sets["strangers"] and job is None:
                    return None
                name = self._names.person(s, at + 1, strong=True)
                if name is None or not s.capital(at + 1):
                    return None
                gender = _GENDERS.get(s.lows[at - 1], name.gender)
                mention = Mention(name=name.text, kind="person")
                link: Link | None = None
                if job is not None:
                    link = self._works_as(mention, span_text(s, i + 1, at), i, name.end)
                end = name.end
                return link, Ref(mention=mention, start=i, end=end, gender=gender, kind="person")
            if not s.lows[at].isalpha() or s.lows[at] in self._g.verbish:
                return None
        return None

    def trade(self, s: Sentence, ref: Ref) -> tuple[Link | None, Ref]:
        """Read "Wilmer, a retired glassblower, …": what somebody works as, between two commas."""
        if ref.kind not in ("person", None) or not ref.mention.name or ref.role != "any":
            return None, ref
        at = ref.end - (s.low(ref.end - 1) == "," and ref.end - ref.start > 1)
        if s.low(at) != ",":
            return None, ref
        if s.low(at + 1) not in ("a", "an", "the"):
            return self._bare_trade(s, ref, at)
        for n in range(at + 2, min(at + 6, len(s))):
            found = self._g.jobs.match(s.lows, n)
            if found is not None and self._g.jobs.match(s.lows, found[0]) is None:
                close = s.low(found[0])
                blocked = self._g.job_blockers.intersection(s.lows[at + 2 : n])
                if blocked or close not in (",", ".", "!", ")", "who", "with", "at", ""):
                    return None, ref
                mention = replace(ref.mention, kind="person")
                noun = span_text(s, at + 2, found[0])
                link = self._works_as(mention, noun, ref.start, found[0])
                end = found[0] + (close == ",") if close in (",", ".", "!", "") else ref.end
                return link, replace(ref, mention=mention, kind="person", end=end)
            if not s.lows[n].isalpha() or s.lows[n] in self._g.verbish:
                return None, ref
        return None, ref

    def _bare_trade(self, s: Sentence, ref: Ref, comma: int) -> tuple[Link | None, Ref]:
        """Read "Bo Lind, founder of …", "Ada, my new head gardener": told without an article."""
        owned = s.low(comma + 1) in ("my", "our")
        first = comma + 1 + owned
        for n in range(first, min(first + 3, len(s))):
            found = self._g.jobs.match(s.lows, n)
            while found is not None and (more := self._g.jobs.match(s.lows, found[0])):
                found = more
            if found is None:
                if not s.lows[n].isalpha() or s.lows[n] in self._g.verbish or not owned:
                    return None, ref
                continue
            if s.lows[n] in self._g.kin or s.low(found[0]) not in (",", ".", "!", "of", "at", ""):
                return None, ref
            mention = replace(ref.mention, kind="person")
            dress = max(
                [k + 1 for k in range(first, n) if s.lows[k] in self._g.job_dress] or [first]
            )
            noun = span_text(s, dress, found[0])
            link = self._works_as(mention, noun, ref.start, found[0])
            return link, replace(ref, mention=mention, kind="person")
        return None, ref

    def from_work(self, s: Sentence, i: int) -> tuple[str | None, int]:
        """Read "from work", "from my office": a colleague; "from school" only passes."""
        if s.low(i) != "from":
            return None, i
        at = i + 1 + (s.low(i + 1) in ("the", "my", "our"))
        at += s.low(at) == "high" and s.low(at + 1) == "school"
        if s.low(at) not in self._g.sets["here"]:
            return None, i
        if s.low(at) in self._g.sets["schooldays"]:
            return "schoolmate", at + 1
        return ("colleague" if s.low(at) in self._g.sets["workplaces"] else None), at + 1

    def waitress(self, s: Sentence, i: int) -> tuple[Link, Ref] | None:
        """Read "that baker, Kaisa", "our new vet Bo": whom a trade introduces.

        Not where the clause goes on to say what they are.
        """
        for at in range(i + 1, min(i + 4, len(s))):
            job = self._g.jobs.match(s.lows, at)
            if job is None:
                if not s.lows[at].isalpha() or s.lows[at] in self._g.verbish or s.capital(at):
                    return None
                continue
            kin = self._g.kin.get(s.lows[job[0] - 1])
            if kin is not None and kin.predicate == "partner_of":
                # "my partner Ola": who somebody is to somebody is no trade.
                return None
            end = job[0] + (s.low(job[0]) == ",")
            name = self._names.person(s, end, strong=True) if s.capital(end) else None
            closed = name is not None and not s.low(name.end)[:1].isalnum()
            said = name is not None and s.low(name.end + 1) in ("is", "was", "'s")
            if name is None or not closed or said or name.end - end > 2:
                return None
            mention = Mention(name=name.text, kind="person")
            link = self._works_as(mention, job[1], i, name.end)
            return link, Ref(
                mention=mention, start=i, end=name.end, gender=name.gender, kind="person"
            )
        return None

    def _works_as(self, who: Mention, noun: str, start: int, end: int) -> Link:
        return Link(
            mention=who, possessor=who, predicate="has_job", noun=noun, start=start, end=end,
            confidence=0.8,
        )  # fmt: skip

"""Reads what ends because something else was said: "my new boss", "I quit the bakery".

Does not know grammar tables of verbs: what is over, or is something else now, is looked up among
the statements that the same session made before. Where it was not told, nothing ends.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from graphmem.extract.clauses import Clause
from graphmem.extract.contrasts import ContrastReader
from graphmem.extract.dates import Date
from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import span_text
from graphmem.extract.nouns import Nouns
from graphmem.extract.objects import ObjectReader
from graphmem.extract.scene import Scene
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, beginning, who_is
from graphmem.models import Mention, Quote, Statement

_LASTING: Final = frozenset(
    {"comes_from", "born_in", "has_name", "known_as", "visited", "birthday", "is_a", "age"}
)
"""What nobody drops."""
_ENGAGED: Final = frozenset({"works_at", "volunteers_at", "studies_at", "member_of", "plays_for"})
_POSTS: Final = frozenset(
    {"internship", "apprenticeship", "placement", "traineeship", "contract", "secondment", "gig"}
)
_OVER: Final = frozenset({"over", "finished", "done", "ended"})
_TRADED: Final = frozenset(
    {"papers", "jobs", "firms", "companies", "employers", "newspapers", "banks", "magazines"}
)
"""What somebody changes who works somewhere else now."""
_TIES: Final = frozenset(
    {"pet_of", "married_to", "engaged_to", "partner_of", "dates", "lives_with", "roommate_of"}
)
"""What somebody is to others until one of them dies."""
_NOW: Final = frozenset({"now", "nowadays", "days", "instead"})
_KINDS: Final[Mapping[str, str]] = {
    "hobby": "hobby", "has_job": "trade", "works_at": "employer", "lives_in": "knownplace",
    "drives": "vehicle", "studies": "study", "studies_at": "organization",
}  # fmt: skip
"""What is read where "it's … now" tells what has taken a place."""

Prior = Callable[[], Sequence[Statement]]


class SuccessionReader:
    """Reads what one sentence ends of what was said before, and what it puts in its place."""

    __slots__ = (
        "_dates", "_g", "_nouns", "_now", "_objects", "_prior", "_quoter", "_s", "_scene",
    )  # fmt: skip

    def __init__(
        self, grammar: Grammar, s: Sentence, nouns: Nouns, objects: ObjectReader,
        dates: Sequence[Date], quoter: Quoter, now: datetime, prior: Prior, scene: Scene,
    ) -> None:  # fmt: skip
        self._g = grammar
        self._s = s
        self._nouns = nouns
        self._objects = objects
        self._dates = dates
        self._quoter = quoter
        self._now = now
        self._prior = prior
        self._scene = scene

    def read(self, clauses: Sequence[Clause], found: Sequence[Statement]) -> list[Statement]:
        """Return what the clauses end and begin beside ``found``, what they state themselves."""
        out: list[Statement] = []
        reader = ContrastReader(self._s, self._nouns.refs, self._objects.values)
        for clause in clauses:
            plain = clause.group.tense in ("past", "perfect") and not clause.group.negation
            if not plain or len(clause.subjects) != 1 or clause.group.copula:
                continue
            told = any(self._within(x, clause) for x in found)
            out += self._traded(clause)
            if not told:
                out += self._dropped(clause, reader) or self._quit(clause)
                out += self._switched(clause, reader)
        out += self._expired()
        out += self._instead([*found, *out])
        return out

    def _within(self, x: Statement, clause: Clause) -> bool:
        start = self._s.starts[clause.opening]
        limit = self._s.ends[min(clause.limit, len(self._s)) - 1]
        return start <= x.quote.start <= limit

    def _latest(self, who: Mention, predicates: frozenset[str]) -> Statement | None:
        """Return the last that was told of somebody, if it was not ended since."""
        about = who_is(who)[:2]
        for old in reversed(self._prior()):
            if old.predicate in predicates and who_is(old.subject)[:2] == about:
                return old if old.polarity == "affirm" else None
        return None

    def _ended(self, old: Statement, quote: Quote) -> Statement:
        return replace(old, polarity="end", valid_from=None, valid_to=self._now, quote=quote)

    # ------------------------------------------------------------------ what is over

    def _dropped(self, clause: Clause, reader: ContrastReader) -> list[Statement]:
        """What "Mateo's dropped the cello" ends."""
        gone = reader.dropped(clause)
        if gone is None:
            return []
        after = self._s.low(gone.end)
        if "leave" in clause.group.lemmas and after in ("at", "early", "late", "with", "before"):
            # "I left Bosch at six" and was back the next day.
            return []
        who = who_is(clause.subjects[0].mention)[:2]
        for old in reversed(self._prior()):
            said = old.object.name if old.object is not None else old.value or ""
            same = said.lower() == gone.old.lower() and old.polarity == "affirm"
            if same and who_is(old.subject)[:2] == who and old.predicate not in _LASTING:
                return [self._ended(old, self._quoter.quote(clause.opening, gone.end))]
        return []

    def _quit(self, clause: Clause) -> list[Statement]:
        """What "I quit the taverna", "I left Novartis" ends: a place named by its name or kind."""
        s, verb = self._s, self._s.low(clause.group.verb)
        if verb not in ("quit", "left", "leaved", "resigned"):
            return []
        at = clause.group.end + (s.low(clause.group.end) == "from")
        at += s.low(at) in ("the", "my", "our", "his", "her", "that")
        end = at
        while end - at < 4 and not self._objects.values.ends(end):
            end += 1
        if end == at or not self._objects.values.ends(end):
            return []
        if verb == "left" and s.low(end) not in (",", ".", "!", "", "and", ";", "last", "for"):
            # "Left the bakery at six" is back tomorrow.
            return []
        old = self._latest(clause.subjects[0].mention, _ENGAGED)
        said = span_text(s, at, end).lower()
        name = (old.object.name if old.object is not None else old.value or "") if old else ""
        words = name.lower().removeprefix("the ").removeprefix("a ")
        kind = verb != "left" and said in (*words.split(), "job", "place")
        known = s.capital(at) and said in words.split()[:1]
        if old is None or not (said == words or kind or known):
            return []
        quote = self._quoter.quote(clause.opening, end)
        return [self._ended(x, quote) for x in (old, *self._post(old))]

    def _post(self, old: Statement) -> Iterator[Statement]:
        """Yield what somebody was said to work as in the same breath as where: "a cook at …"."""
        for x in self._prior():
            same = x.predicate == "has_job" and x.polarity == "affirm"
            breath = old.quote.text.startswith(x.quote.text) and x.quote.start == old.quote.start
            if same and breath and x.subject == old.subject:
                yield x

    def _traded(self, clause: Clause) -> list[Statement]:
        """What "I've changed papers" ends: where somebody worked until now."""
        s, at = self._s, clause.group.end
        if s.low(clause.group.verb) not in ("changed", "switched", "swapped"):
            return []
        if s.low(at) not in _TRADED or s.low(at + 1)[:1].isalnum():
            return []
        old = self._latest(clause.subjects[0].mention, frozenset({"works_at"}))
        quote = self._quoter.quote(clause.opening, at + 1)
        return [self._ended(old, quote)] if old is not None else []

    def _expired(self) -> list[Statement]:
        """What "the internship's over" ends."""
        s = self._s
        at = int(s.low(0) in ("my", "the", "our")) if len(s) else 0
        if s.low(at) not in _POSTS or s.low(at + 1) not in ("is", "'s", "has", "was"):
            return []
        if s.low(at + 2) not in _OVER or (s.low(at + 3)[:1].isalnum() and s.low(at + 3) != "and"):
            return []
        old = self._latest(self._scene.speaker, _ENGAGED)
        return [self._ended(old, self._quoter.quote(0, at + 3))] if old is not None else []

    # ------------------------------------------------------------------ what is something else now

    def _switched(self, clause: Clause, reader: ContrastReader) -> list[Statement]:
        """What "she switched from law to history" ends and begins."""
        if "switch" not in clause.group.lemmas:
            return []
        change = reader.change(clause)
        if change is None:
            return []
        dates = [d for d in self._dates if clause.group.end <= d.start < clause.limit]
        began = beginning(dates, self._now)
        who = clause.subjects[0].mention
        for old in reversed(self._prior()):
            said = old.object.name if old.object is not None else old.value or ""
            if said.lower() != change.old.lower() or old.polarity != "affirm":
                continue
            if who_is(old.subject)[:2] != who_is(who)[:2] or began is None:
                continue
            reach = max([change.end, *(d.end for d in dates if d.start == change.end)])
            quote = self._quoter.quote(clause.opening, reach)
            new = replace(old, quote=quote, valid_from=began.since, valid_to=None)
            if old.object is not None:
                new = replace(new, object=Mention(name=change.new, kind=old.object.kind))
            else:
                new = replace(new, value=change.new)
            ended = replace(old, quote=quote, polarity="end", valid_to=began.since or self._now)
            return [replace(ended, valid_from=None), new]
        return []

    def _instead(self, found: Sequence[Statement]) -> Iterator[Statement]:
        """Read "(I used to play the violin but) these days it's the cello", "It's drums now."."""
        s = self._s
        for i in range(len(s) - 2):
            if s.low(i) != "it" or s.low(i + 1) not in ("is", "'s"):
                continue
            before = s.low(i - 1) in ("now", "nowadays", "days") if i > 0 else False
            opens = i == 0 or before or s.low(i - 1) in (",", ";", "and", "but", "so")
            old = self._gone(found, same=i > 0)
            kind = _KINDS.get(old.predicate) if old is not None else None
            if not opens or old is None or kind is None:
                return
            for item in self._objects.read(kind, i + 2)[:1]:
                lasting = before or s.low(item.end) in ("now", "nowadays", "these", "instead")
                if lasting:
                    quote = self._quoter.quote(i, item.end)
                    yield replace(
                        old, polarity="affirm", object=item.mention, value=item.value, quote=quote,
                        valid_from=None, valid_to=None, confidence=0.7,
                    )  # fmt: skip
            return

    def _gone(self, found: Sequence[Statement], *, same: bool) -> Statement | None:
        """Return what was just said to be over: in this sentence, or right before it."""
        over = [x for x in found if x.polarity == "end"]
        if over or same:
            return over[-1] if over else None
        last = self._prior()[-1:]
        return last[0] if last and last[0].polarity == "end" else None

    # ------------------------------------------------------------------ who has taken over

    def taken_over(self, found: Sequence[Statement]) -> list[Statement]:
        """Whom "my new boss", what "now I drive a van", whose "it's Fern's now" has taken over."""
        lows = frozenset(self._s.lows)
        out: list[Statement] = []
        for x in found:
            if x.polarity != "affirm":
                continue
            if x.predicate in self._g.sets["successive"]:
                new = replace(x.subject, name="") in self._scene.newcomers
                if new or " new " in f" {x.quote.text.lower()} ":
                    out += self._former(x)
            elif (x.predicate, x.value) == ("status", "dead"):
                out += self._parted(x, found)
            elif lows & _NOW and x.predicate == "drives":
                out += self._other(x)
            elif lows & _NOW and x.predicate in ("pet_of", "owns"):
                out += self._owners(x)
        return out

    def _former(self, x: Statement) -> Iterator[Statement]:
        for old in self._prior():
            same = (old.predicate, old.object, old.polarity) == (x.predicate, x.object, "affirm")
            if same and old.subject.name != x.subject.name:
                yield replace(old, polarity="end", valid_to=self._now, quote=x.quote)

    def _parted(self, x: Statement, found: Sequence[Statement]) -> Iterator[Statement]:
        """Yield the ends of what tied somebody who has died to others."""
        who = who_is(x.subject)[:3]
        for old in (*self._prior(), *found):
            ends = [who_is(end)[:3] for end in (old.subject, old.object)]
            if old.predicate in _TIES and old.polarity == "affirm" and who in ends:
                yield replace(self._ended(old, x.quote), valid_to=x.valid_from or self._now)

    def _other(self, x: Statement) -> Iterator[Statement]:
        """Yield the ends of what was told of the same one by the same predicate."""
        for old in self._prior():
            same = old.predicate == x.predicate and old.polarity == "affirm"
            other = (old.value, old.object) != (x.value, x.object)
            if same and other and who_is(old.subject)[:2] == who_is(x.subject)[:2]:
                yield self._ended(old, x.quote)

    def _owners(self, x: Statement) -> Iterator[Statement]:
        """Yield the ends of whose a thing or pet was before."""
        what, owner = _ends(x)
        for old in self._prior():
            if old.predicate not in ("pet_of", "owns") or old.polarity != "affirm":
                continue
            known, former = _ends(old)
            same = known is not None and what is not None and what.name and known.name == what.name
            if same and who_is(former)[:2] != who_is(owner)[:2]:
                yield self._ended(old, x.quote)


def _ends(x: Statement) -> tuple[Mention | None, Mention | None]:
    """Return the thing and its owner."""
    return (x.subject, x.object) if x.predicate == "pet_of" else (x.object, x.subject)

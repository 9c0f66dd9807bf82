"""Reads clauses with a full verb by the frames of ``grammar/verbs.toml``.

Does not know copulas (``copula.py``) or corrections. The frame that fits with the most words
between verb and object wins; the first in the file wins a tie.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graphmem.extract.belongings import BelongingReader
from graphmem.extract.clauses import Clause
from graphmem.extract.dates import Date
from graphmem.extract.lexicon import Frame, Grammar
from graphmem.extract.objects import ObjectReader
from graphmem.extract.scene import Ref
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import (
    Quoter,
    Times,
    as_kind,
    beginning,
    ending,
    holding,
    once,
    past_state,
    statement,
)
from graphmem.extract.values import Object
from graphmem.models import Mention, Polarity, Quote, Statement

_BELONGINGS: Final = frozenset({"pet", "kin", "possession", "mything", "it"})
_MAX_LEMMAS: Final = 6
_TIMELESS: Final = frozenset({"born_in", "birthday", "comes_from"})


@dataclass(frozen=True, slots=True)
class _Sense:
    """What a clause's tense and negation make of a frame."""

    predicate: str
    polarity: Polarity
    times: Times
    literal: str = ""
    """How a negation is worded as a value: "speak {o}" of "does not speak German"."""


class FrameReader:
    """Reads the full-verb clauses of one sentence."""

    __slots__ = ("_after", "_belongings", "_dates", "_g", "_now", "_objects", "_quoter", "_s")

    def __init__(
        self, grammar: Grammar, s: Sentence, objects: ObjectReader, belongings: BelongingReader,
        dates: Sequence[Date], quoter: Quoter, now: datetime,
    ) -> None:  # fmt: skip
        self._g = grammar
        self._s = s
        self._objects = objects
        self._belongings = belongings
        self._dates = dates
        self._quoter = quoter
        self._now = now

    def read(self, clause: Clause) -> Iterator[Statement]:
        """Yield what a clause states, once for each subject."""
        found = self._match(clause)
        if found is None:
            return
        frame, objects, end = found
        dates, reach = self.dates_of(clause, end)
        ended = self._ended(clause, end)
        sense = self._sense(clause, frame, dates, ended=ended > 0)
        if sense is None:
            return
        last = max(end, reach, ended)
        first = min([clause.opening, *(d.start for d in dates)])
        quote = self._quoter.quote(first, last)
        less = 0.1 * clause.implied
        if frame.each:
            yield from self._each_other(clause, frame, sense, quote)
            return
        for subject in clause.subjects:
            who = subject.mention
            if not self._fits(subject, frame):
                continue
            pet = frame.of_others and self._pet(who)
            keeps = frame.things or frame.predicate in ("allergic_to", "age") or pet
            who = as_kind(self._objects.thing(subject), "thing") if frame.things else who
            who = who if keeps else as_kind(who, "person")
            for item in objects:
                yield from self._state(who, frame, sense, item, quote, frame.confidence - less)
            yield from self._besides(who, clause, frame, sense, end, quote)
            if frame.recipient:
                yield from self._passed_on(clause, frame, sense, objects[0], end)

    def _passed_on(
        self, clause: Clause, frame: Frame, sense: _Sense, item: Object, end: int
    ) -> Iterator[Statement]:
        """Read "sold the canoe to Paulo": whose it is now."""
        what = item.mention
        if self._s.low(end) != frame.recipient or sense.polarity != "end" or what is None:
            return
        for person in self._objects.read("person", end + 1)[:1]:
            if person.mention is None:
                continue
            # "My boat" stays what it is called, whoever has it now.
            yield statement(
                person.mention, frame.predicate, self._quoter.quote(clause.opening, person.end),
                object=what, times=Times(sense.times.until), confidence=frame.confidence - 0.05,
            )  # fmt: skip

    def _each_other(
        self, clause: Clause, frame: Frame, sense: _Sense, quote: Quote
    ) -> Iterator[Statement]:
        """Read "Tom and Lena got married": what two subjects are to each other."""
        if clause.bare and sense.predicate not in self._g.sets["ours"]:
            return
        one, other = (as_kind(r.mention, "person") for r in clause.pair)
        yield statement(
            one, sense.predicate, quote, object=other, polarity=sense.polarity,
            times=sense.times, confidence=frame.confidence,
        )  # fmt: skip

    # ------------------------------------------------------------------ matching

    def _match(self, clause: Clause) -> tuple[Frame, Sequence[Object], int] | None:
        group = clause.group
        best: tuple[Frame, Sequence[Object], int] | None = None
        depth = -1
        owner = clause.subjects[0].mention
        for lemma in group.lemmas[:_MAX_LEMMAS]:
            for frame in self._g.frames.get(lemma, ()):
                for words, at in self._after_ends(frame, group.end):
                    if words <= depth:
                        continue
                    if frame.object in _BELONGINGS:
                        objects = self._belongings.read(frame.object, at, owner)
                    else:
                        objects = self._objects.read(frame.object, at)
                    if objects and frame.value is not None:
                        objects = (Object(objects[-1].end, value=frame.value),)
                    if objects and self._chosen(frame, objects, clause):
                        best, depth = (frame, objects, objects[-1].end), words
        return best

    def _after_ends(self, frame: Frame, i: int) -> Iterator[tuple[int, int]]:
        """Yield how many words of the frame stand at ``i`` and where its object must begin."""
        at = i
        while self._s.low(at) in self._g.adverbs and at - i < 2:
            at += 1
        for cut in frame.after:
            for start in {i, at}:
                if not cut:
                    yield 0, start
                elif self._s.lows[start : start + len(cut)] == cut:
                    yield len(cut), start + len(cut)

    def _chosen(self, frame: Frame, objects: Sequence[Object], clause: Clause) -> bool:
        """Refuse what a bare object makes doubtful: whom "join" and "leave" name."""
        group = clause.group
        if frame.habit and group.continued and not self._lasts(clause):
            return False
        if (
            frame.only_negated
            and not frame.never
            and (
                group.negation not in ("not", "never", "ended")
                or group.tense not in ("present", "modal")
                or (frame.object == "lack" and self._no_longer(clause, objects[-1].end))
            )
        ):
            return False
        if frame.modal_only and not group.modal:
            return False
        end = objects[-1].end
        if frame.predicate == "member_of" and frame.object == "team":
            # "joined Velvet Otter", but not "joined Anna", "joined Anna Bell".
            name = objects[0].mention.name.split() if objects[0].mention is not None else []
            return len(name) > 1 and objects[0].noun != "place" and name[0].lower() != "the"
        if frame.lemma == "sign_with" and self._g.orgs.match(self._s.lows, end - 1) is not None:
            # A contract with a company whose name everybody knows makes nobody its player.
            return False
        if frame.lemma == "leave" and self._s.low(end) in (
            "at",
            "early",
            "late",
            "around",
            "before",
        ):
            # "I left Bosch at six" and was back the next day.
            return False
        if frame.lemma == "go_back" and self._s.low(end) == "for":
            return False
        if frame.object == "years" and self._s.low(clause.start - 1) in ("when", "after", "since"):
            # "… when I turned ten" tells of then, not of now.
            return False
        if frame.object == "mything" and frame.mode == "state":
            # "Tom has my bike" makes it nobody's; "no longer has the bike" says enough.
            return self._no_longer(clause, end)
        if frame.paired and not (
            self._s.low(end) == frame.other and self._objects.read(frame.object, end + 1)
        ):
            return False
        if frame.each and (not clause.pair or (frame.mode == "state" and group.negation)):
            return False
        if (
            frame.predicate == "works_at"
            and frame.lemma in ("join", "leave")
            and not objects[0].noun
        ):
            mention = objects[0].mention
            as_job = self._s.low(objects[0].end) == "as"
            words = mention.name.lower().split() if mention is not None else []
            return (
                as_job
                or (words[-1:] != [] and words[-1] in self._g.org_suffixes)
                or (frame.lemma == "leave" and clause.group.verb + 1 < objects[0].end - len(words))
            )
        return True

    def _lasts(self, clause: Clause) -> bool:
        """Whether "is designing posters" is more than what somebody is at just now."""
        told = ("now", "nowadays", "instead", "still")
        words = self._s.lows[max(0, clause.start - 1) : clause.limit]
        since = any(d.role in ("since", "lasting") for d in self.dates_of(clause, clause.limit)[0])
        before = " ".join(self._s.lows[: clause.start])
        if since or any(w in told for w in words) or "as of" in before:
            return True
        places = range(clause.group.end, clause.limit)
        firms = (n + 1 for n in places if self._s.low(n) == "for")
        return any(self._objects.read("firm", n) for n in firms)

    def _fits(self, subject: Ref, frame: Frame) -> bool:
        who = subject.mention
        if frame.of_others and who.speaker:
            return False
        if frame.of_others and self._pet(who):
            return True
        if frame.things:
            return subject.kind == "thing" or (subject.kind is None and bool(who.name))
        if subject.doubtful and frame.predicate not in self._g.sets["human"]:
            return False
        if who.kind == "thing" and who.descriptor is not None and frame.predicate != "allergic_to":
            return False
        return subject.kind in ("person", None) or frame.predicate == "allergic_to"

    def _pet(self, who: Mention) -> bool:
        """Whether somebody is told to be an animal: "my dog Rex"."""
        noun = who.descriptor
        return noun is not None and self._g.pets.match(noun.lower().split(), 0) is not None

    # ------------------------------------------------------------------ time and polarity

    def dates_of(self, clause: Clause, end: int) -> tuple[Sequence[Date], int]:
        """Return the dates that belong to a clause and the last token they reach."""
        found = [
            d
            for d in self._dates
            if (clause.group.end <= d.start < clause.limit)
            or (d.end <= clause.start and self._leads(d, clause))
        ]
        near = [d for d in found if d.start < end + 12]
        return near, max([0, *(d.end for d in near if d.start >= end)])

    def _leads(self, date: Date, clause: Clause) -> bool:
        """Whether a date before the subject opens this clause: "Last Tuesday I moved"."""
        between = self._s.lows[date.end : clause.start]
        if date.start > 0 and self._s.low(date.start - 1) not in (
            ",",
            "and",
            "but",
            "so",
            "then",
            "-",
            '"',
        ):
            return False
        return all(w in (",", "and", "then") or w in self._g.adverbs for w in between)

    def _ended(self, clause: Clause, end: int) -> int:
        """Return the token after "anymore"/"any more"/"any longer", 0 if it is not said."""
        for at in range(end, min(end + 3, len(self._s))):
            if self._s.lows[at] == "anymore":
                return at + 1
            if self._s.lows[at] == "any" and self._s.low(at + 1) in ("more", "longer"):
                return at + 2
        return 0

    def _no_longer(self, clause: Clause, end: int) -> bool:
        negation = clause.group.negation
        return negation == "ended" or bool(negation and self._ended(clause, end))

    def _sense(
        self, clause: Clause, frame: Frame, dates: Sequence[Date], *, ended: bool
    ) -> _Sense | None:
        group = clause.group
        if group.tense == "goal":
            return (
                _Sense(frame.predicate, "affirm", Times())
                if frame.predicate == "wants_to"
                else None
            )
        if (
            group.tense == "modal"
            and group.modal not in frame.modal
            and not (group.modal == "ca" and "can" in frame.modal)
        ):
            return None
        if frame.only_negated and frame.predicate == frame.negated:
            return self._negated(clause, frame)
        if group.negation == "ended" or (group.negation and ended):
            times = ending(dates, self._now)
            holds = frame.mode == "state" and frame.predicate != "wants_to"
            return _Sense(frame.predicate, "end", times) if holds and times is not None else None
        if group.negation:
            return self._negated(clause, frame)
        if frame.only_negated or (frame.predicate == "wants_to" and group.tense != "present"):
            return None
        if group.tense == "used":
            times = past_state(dates, self._now)
            return (
                _Sense(frame.predicate, "end", times)
                if times is not None and frame.mode == "state"
                else None
            )
        return self._affirmed(clause, frame, dates)

    def _affirmed(self, clause: Clause, frame: Frame, dates: Sequence[Date]) -> _Sense | None:
        group = clause.group
        times: Times | None = None
        polarity: Polarity = "affirm"
        match frame.mode:
            case "state" if any(d.role == "at" and d.since > self._now for d in dates):
                return None
            case "once" if frame.predicate in _TIMELESS and group.tense == "past":
                times = Times()
            case "state" if group.tense in ("present", "modal"):
                times = holding(dates)
            case "state" if group.tense == "perfect":
                since = any(d.role in ("since", "lasting") for d in dates)
                times = holding(dates) if since or frame.perfect or group.continued else None
            case "state" if group.tense == "past" and frame.past == "ends" and not group.continued:
                times, polarity = past_state(dates, self._now), "end"
            case "begins" if frame.planned and group.tense == "present" and group.continued:
                # "They are getting married": they are engaged.
                return _Sense(frame.planned, "affirm", Times())
            case "begins" if group.tense in ("past", "perfect") and not group.continued:
                times = beginning(dates, self._now)
            case "ends" if group.tense in ("past", "perfect") and not group.continued:
                times, polarity = ending(dates, self._now), "end"
            case "ends" if frame.performed and group.tense == "present" and group.continued:
                # "I'm breaking up with you": so it is done.
                times, polarity = ending(dates, self._now), "end"
            case "once" if group.tense in ("past", "perfect") and not group.continued:
                times = once(dates, self._now)
            case _:
                return None
        return None if times is None else _Sense(frame.predicate, polarity, times)

    def _negated(self, clause: Clause, frame: Frame) -> _Sense | None:
        """Tell a denial: "never" and a denied past; "I don't" only where the frame says so."""
        group = clause.group
        if frame.predicate == "wants_to" or frame.mode == "ends":
            return None
        if frame.object == "somebody" and "because" in self._s.lows[group.end :]:
            # "I don't love you because you're tidy" denies the reason.
            return None
        if frame.negated is not None:
            present = (
                group.tense in ("present", "modal")
                or (frame.perfect and group.tense == "perfect")
                or (frame.never and group.negation == "never")
            )
            if present:
                return _Sense(frame.negated, "affirm", Times(), literal=frame.negated_value)
            if not frame.deny:
                return None
        never = group.negation == "never" or self._never_did(clause)
        if never and group.tense in ("past", "perfect", "present", "used"):
            return _Sense(frame.predicate, "deny", Times())
        if frame.deny and group.tense in ("present", "modal"):
            return _Sense(frame.predicate, "deny", Times())
        return None

    def _never_did(self, clause: Clause) -> bool:
        """Read "…, I never did", "… and never have"."""
        lows = self._s.lows
        for at in range(clause.group.end, len(lows) - 1):
            if lows[at] == "never" and lows[at + 1] in (
                "did",
                "have",
                "was",
                "had",
                "lived",
                "worked",
            ):
                return True
        return False

    # ------------------------------------------------------------------ statements

    def _state(
        self,
        who: Mention,
        frame: Frame,
        sense: _Sense,
        item: Object,
        quote: Quote,
        confidence: float,
    ) -> Iterator[Statement]:
        if sense.literal and sense.literal != "{o}":
            said = item.value or item.noun or (item.mention.name if item.mention else "")
            if frame.deny:
                denied = _Sense(frame.predicate, "deny", sense.times)
                yield from self._state(who, frame, denied, item, quote, confidence)
            yield statement(
                who, sense.predicate, quote, value=sense.literal.replace("{o}", said),
                confidence=confidence,
            )  # fmt: skip
            return
        predicate = (
            item.predicate if item.predicate and sense.predicate == "kin" else sense.predicate
        )
        if predicate in ("pet_of", "kin") or item.predicate not in ("", "owns", "pet_of"):
            if item.mention is None:
                return
            subject, predicate, thing, value = item.mention, item.predicate or predicate, who, None
        elif frame.swap and item.mention is not None:
            subject, thing, value = item.mention, who, None
            if frame.things and self._is_pet((who.descriptor or who.name).split()[-1:]):
                subject, predicate, thing = who, "pet_of", item.mention
        else:
            subject, thing, value = who, item.mention, item.value
        if value is not None and predicate == frame.predicate:
            value = frame.worded.replace("{o}", value)
        yield statement(
            subject, predicate, quote, object=thing, value=value, polarity=sense.polarity,
            times=sense.times, confidence=confidence,
        )  # fmt: skip
        if (
            item.mention is not None
            and item.mention.kind == "thing"
            and item.mention.name
            and item.noun
        ):
            yield statement(item.mention, "is_a", quote, value=item.noun, confidence=confidence)

    def _is_pet(self, noun: Sequence[str]) -> bool:
        return self._g.pets.match(noun, 0) is not None

    def _besides(
        self, who: Mention, clause: Clause, frame: Frame, sense: _Sense, end: int, quote: Quote
    ) -> Iterator[Statement]:
        """What the rest of a clause adds: "… as a nurse", "… from Lisbon"."""
        s = self._s
        for also in self._g.also.get(sense.predicate, ()):
            if s.low(end) not in also.words or sense.polarity not in ("affirm", "end"):
                continue
            for item in self._objects.read(also.object, end + 1)[:1]:
                yield statement(
                    who, also.predicate, self._quoter.quote(clause.opening, max(item.end, end)),
                    object=item.mention, value=item.value, polarity=sense.polarity,
                    times=sense.times, confidence=frame.confidence - 0.05,
                )  # fmt: skip
        if frame.other:
            yield from self._other_end(who, clause, frame, sense, end)

    def _other_end(
        self, who: Mention, clause: Clause, frame: Frame, sense: _Sense, end: int
    ) -> Iterator[Statement]:
        """Read "moved to Porto from Lisbon", "left Bosch for Siemens": the other one."""
        begins = frame.mode == "ends"
        if self._s.low(end) != frame.other or sense.polarity not in ("affirm", "end"):
            return
        for place in self._objects.read(frame.object, end + 1)[:1]:
            dates, reach = self.dates_of(clause, place.end)
            longer = self._quoter.quote(
                min([clause.opening, *(d.start for d in dates)]), max(place.end, reach)
            )
            times = beginning(dates, self._now) if begins else ending(dates, self._now)
            if times is not None:
                polarity: Polarity = "affirm" if begins else "end"
                yield statement(
                    who, frame.predicate, longer, object=place.mention, value=place.value,
                    polarity=polarity, times=times, confidence=frame.confidence,
                )  # fmt: skip

"""Makes statements of what was read: polarity, stated times, the quoted span.

Does not know verbs. One place decides what tense and dates mean for validity:

- present, or the perfect with "since"/"for": it holds (affirm), from the stated time on;
- the past of a state, "used to", "no longer": it holds no more (end), until the stated time or,
  when none is stated, until the event;
- the past of a beginning ("moved to"): it holds from the stated time on, ``None`` when none is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from graphmem.extract.dates import Date
from graphmem.extract.scene import Link
from graphmem.extract.sentences import Sentence
from graphmem.models import EntityKind, Mention, Polarity, Quote, Statement

_PASSING: Final = timedelta(days=27)
"""A past state dated to less than a month ("I worked at home yesterday") says nothing lasting."""


@dataclass(frozen=True, slots=True)
class Times:
    """The stated validity of a statement."""

    since: datetime | None = None
    until: datetime | None = None


class Quoter:
    """Cuts quotes out of one event's text by token numbers."""

    __slots__ = ("_sentence", "_text")

    def __init__(self, text: str, sentence: Sentence) -> None:
        self._text = text
        self._sentence = sentence

    def quote(self, start: int, end: int) -> Quote:
        """Return the text of the tokens ``start`` to ``end``, to the character."""
        first, last = (
            self._sentence.starts[start],
            self._sentence.ends[min(end, len(self._sentence)) - 1],
        )
        return Quote(text=self._text[first:last], start=first, end=last)


def holding(dates: Sequence[Date]) -> Times:
    """The times of something that holds now: from "since" or "for"; "until" if it is said."""
    since = next((d.since for d in dates if d.role in ("since", "lasting")), None)
    until = next((d.since for d in dates if d.role == "until"), None)
    return Times(since, until)


def beginning(dates: Sequence[Date], now: datetime) -> Times | None:
    """The times of something that began; None if that is still to come."""
    since = next((d.since for d in dates if d.role in ("at", "since")), None)
    if since is not None and since > now:
        return None
    return Times(since)


def ending(dates: Sequence[Date], now: datetime) -> Times | None:
    """The times of something that ended at a moment; None if that is still to come."""
    until = next((d.since for d in dates if d.role in ("at", "since", "until")), now)
    return None if until > now else Times(None, until)


def past_state(dates: Sequence[Date], now: datetime) -> Times | None:
    """The times of a state told in the past; None if it was only an occasion."""
    since = next((d.since for d in dates if d.role == "since"), None)
    until = next((d.since for d in dates if d.role == "until"), None)
    for date in dates:
        if date.role == "at":
            if date.until - date.since < _PASSING or date.since > now:
                return None
            since, until = since or date.since, until or min(date.until, now)
    until = until or now
    if until > now or (since is not None and since >= until):
        return None
    return Times(since, until)


def once(dates: Sequence[Date], now: datetime) -> Times | None:
    """The times of an occasion: the stated period."""
    date = next((d for d in dates if d.role == "at"), None)
    if date is None:
        return Times()
    return None if date.since > now else Times(date.since, date.until)


def statement(
    subject: Mention, predicate: str, quote: Quote, *, object: Mention | None = None,
    value: str | None = None, polarity: Polarity = "affirm", times: Times | None = None,
    confidence: float = 0.8, replaces: str | None = None,
) -> Statement:  # fmt: skip
    """Return a statement; importance, type and topic are left to the predicate."""
    times = times or Times()
    return Statement(
        subject=subject, predicate=predicate, object=object, value=value, polarity=polarity,
        valid_from=times.since, valid_to=times.until, quote=quote,
        confidence=min(0.95, max(0.5, round(confidence, 2))), replaces=replaces,
        type="episodic" if predicate == "visited" else "semantic",
    )  # fmt: skip


def of_link(link: Link, quote: Quote, now: datetime) -> list[Statement]:
    """Return what introducing somebody states: the relation, and what a pet or thing is."""
    polarity: Polarity = "end" if link.ended else "affirm"
    times = Times(None, now) if link.ended else Times()
    if link.predicate in ("has_job", "is_a"):
        return [statement(link.mention, link.predicate, quote, value=link.noun,
                          confidence=link.confidence)]  # fmt: skip
    if link.predicate == "owns":
        found = [
            statement(
                link.possessor,
                "owns",
                quote,
                object=link.mention,
                polarity=polarity,
                times=times,
                confidence=link.confidence,
            )
        ]
    else:
        found = [
            statement(
                link.mention,
                link.predicate,
                quote,
                object=link.possessor,
                polarity=polarity,
                times=times,
                confidence=link.confidence,
            )
        ]
    if link.mention.kind == "thing" and link.mention.name:
        found.append(
            statement(link.mention, "is_a", quote, value=link.noun, confidence=link.confidence)
        )
    return found


def as_kind(mention: Mention, kind: EntityKind) -> Mention:
    """Return the mention as the kind that its place in a sentence shows."""
    return mention if mention.kind == kind else replace(mention, kind=kind)


def distinct(found: Sequence[Statement]) -> tuple[Statement, ...]:
    """Drop repetitions (the first stays) and whatever relates somebody to themselves."""
    kept: dict[tuple[object, ...], Statement] = {}
    for s in found:
        if s.object is not None and who_is(s.subject) == who_is(s.object):
            continue
        kept.setdefault((*slot_of(s), s.polarity), s)
    return tuple(kept.values())


def slot_of(s: Statement) -> tuple[object, ...]:
    """Return what a statement is about, whatever it says of it."""
    return (who_is(s.subject), s.predicate, who_is(s.object), (s.value or "").lower())


def renamed(found: Statement, names: Mapping[Mention, Mention]) -> Statement:
    """Return a statement as being about those who have got a name since."""
    subject = names.get(found.subject, found.subject)
    object_ = names.get(found.object, found.object) if found.object is not None else None
    return replace(found, subject=subject, object=object_)


def who_is(mention: Mention | None) -> tuple[object, ...]:
    """Return by what two mentions of one sentence are compared."""
    if mention is None:
        return ()
    return (
        mention.speaker,
        mention.name.lower(),
        "" if mention.name else mention.descriptor,
        mention.kind,
    )

"""What a question asks: its terms, whom it names, about which time, and how many answers it wants.

Knows no store, no clock and no memory: the time of asking comes in as an argument. Rules only,
and every rule errs on the side of asking for more; ranking sorts it out. Dates become half-open
ranges, since what a question says ("in May", "last week", "before 2020") is a span and not a
moment, which is why the date parsers for moments do not help here.
"""

import re
from calendar import monthrange
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from dateutil.relativedelta import relativedelta

from graphmem.ids import name_key
from graphmem.retrieval.anchors import Side, anchored
from graphmem.retrieval.ordinals import COUNT, COUNTS, Counted, counted
from graphmem.retrieval.text import QUESTION, STOP, analyse_query

MAX_NAMES: Final = 16
MAX_TERMS: Final = 64
MAX_DATED: Final = 2000
"""How many characters of a question are searched for times; what is longer is no question."""

Tense = Literal["present", "past", "unspecified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A half-open range of time, [start, end); ``None`` is an open end."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        return (self.start is None or self.start <= moment) and (
            self.end is None or moment < self.end
        )

    def overlaps(self, start: datetime | None, end: datetime | None) -> bool:
        """Return whether [start, end), ends open where ``None``, shares a moment with it."""
        return (self.start is None or end is None or self.start < end) and (
            self.end is None or start is None or start < self.end
        )


@dataclass(frozen=True, slots=True)
class Epithet:
    """A name and the words beside it that tell its bearer, both as analysed terms."""

    name: tuple[str, ...]
    words: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question as recall sees it.

    ``terms`` are analysed and unique, at most 64. ``asked`` is the question as it was asked, of
    which ``text`` may be another wording. ``names`` are identity keys, the likeliest first, at most
    16; lower-case words are among them, for people type so. ``only_time`` marks one about
    nothing but a time ("What did we talk about last week?"). ``sessions`` are those that it counts
    ("our third session"); which they are, and when, the store knows. ``anchor`` is what happened at
    the time that is asked about, as terms, and on which side of it that lies ("before the
    wedding"). ``asks_ended`` says whether facts that no longer hold may answer it, ``asks_value``
    that one thing is wanted, a number or a name, ``asks_now`` that the question says "now" or the
    like.
    ``answers`` are the ids of facts that the graph gives as the answer and how well they do, 0 to
    1, see ``asking``; ``given`` the ids of facts that the question itself states; ``asks_fact``
    says that it is known which predicates could answer. ``epithets`` are the names of the question
    with what it says beside them, see there.
    """

    text: str
    terms: tuple[str, ...]
    asked: str = ""
    names: tuple[str, ...] = ()
    tense: Tense = "unspecified"
    span: Span | None = None
    sessions: Counted | None = None
    anchor: tuple[Side, tuple[str, ...]] | None = None
    only_time: bool = False
    several: bool = False
    asks_when: bool = False
    first_person: bool = False
    second_person: bool = False
    asks_value: bool = False
    asks_now: bool = False
    answers: frozenset[tuple[str, float]] = frozenset()
    given: frozenset[str] = frozenset()
    asks_fact: bool = False
    epithets: tuple[Epithet, ...] = ()

    @property
    def asks_how_it_stands(self) -> bool:
        """Whether somebody asks for a value of their own, or how anything is now.

        "How many … have I …?", "Where does Ivo work now?".
        """
        return self.asks_now or (self.asks_value and self.first_person and self.tense != "past")

    @property
    def asks_ended(self) -> bool:
        return self.tense == "past" or self.span is not None or self.sessions is not None


# --------------------------------------------------------------------------- names

_QUOTED: Final = re.compile('["\u201c\u00ab]([^"\u201d\u00bb]{1,80})["\u201d\u00bb]')
_WORD: Final = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*")
OPENERS: Final = frozenset(
    re.findall(
        r"\w+",
        "are can could did do does had has have how i if is list may name please should tell was "
        "were what when where which who whom whose why will would in on at after before during",
    )
)
_MONTH_NAMES: Final = re.findall(
    r"\w+", "january february march april may june july august september october november december"
)
_DAY_NAMES: Final = re.findall(r"\w+", "monday tuesday wednesday thursday friday saturday sunday")
_CALENDAR: Final = frozenset((*_MONTH_NAMES, *_DAY_NAMES))
_SELF: Final = frozenset({"i", "i'm", "i've", "i'd", "i'll"})


def is_named(word: str, *, first: bool) -> bool:
    """Return whether a question writes a word as a name; ``first`` where the question begins."""
    key = name_key(word)
    return (
        word[0].isupper()
        and key not in _CALENDAR
        and not (first and key in OPENERS)
        and key not in _SELF
    )


def named_terms(question: str) -> frozenset[str]:
    """Return the terms of the words that a question writes as names."""
    words = [match.group() for match in _WORD.finditer(question)]
    named = (word for number, word in enumerate(words) if is_named(word, first=number == 0))
    return frozenset(term for word in named for term in analyse_query(word))


def _named(text: str, known: Collection[str]) -> Iterable[str]:
    """Yield possible names, the likeliest first: known, quoted, capitalised runs, other words."""
    words = [match.group() for match in _WORD.finditer(text)]
    keys = [name_key(word) for word in words]
    flat = f" {' '.join(keys)} "
    yield from (key for key in map(name_key, known) if f" {key} " in flat)
    yield from (name_key(quoted) for quoted in _QUOTED.findall(text))
    capital = [is_named(word, first=number == 0) for number, word in enumerate(words)]
    run: list[str] = []
    singles: list[str] = []
    for key, is_capital in zip((*keys, ""), (*capital, False), strict=True):
        if is_capital:
            run.append(key)
        elif run:
            yield " ".join(run)
            singles += run
            run = []
    yield from singles
    yield from (key for key in keys if key not in STOP and key not in QUESTION)
    plain = [key not in STOP and key not in QUESTION for key in keys]
    for number in range(len(keys) - 1):
        if plain[number] and plain[number + 1]:
            yield f"{keys[number]} {keys[number + 1]}"


# --------------------------------------------------------------------------- tense and number

_PRESENT: Final = re.compile(
    r"\b(?:now|nowadays|current(?:ly)?|today|these days|at the moment|still|presently|latest)\b"
)
_IS: Final = re.compile(r"\b(?:is|are|am|do|does|has|have)\b|(?<=\w)['\u2019]s\b")
_PAST: Final = re.compile(
    r"\b(?:did|was|were|had|used to|before|previous(?:ly)?|former(?:ly)?|earlier|originally|"
    r"in the past|ago|once|last|back then|at first|initially|ex|until|yesterday|history)\b"
)
_SEVERAL: Final = re.compile(
    r"\b(?:how many|how often|list|which|what are|what were|what (?:kinds?|types?|sorts?)|all|both|"
    r"every|each|names of|what \w+s (?:has|have|did|does|do|is|are|was|were)|and)\b"
)
_WHEN: Final = re.compile(
    r"^\W*when\b|\bsince when\b|\bhow long\b|\b(?:what|which) (?:date|day|week|month|year|time)\b"
)
_VALUE: Final = re.compile(
    r"\s*(?:what(?:['\u2019]s| is| are)|how (?:many|much|long|old|often|far|big|high|fast)|where|"
    r"when (?:is|are)|who)\b"
)
_FIRST: Final = re.compile(r"\b(?:i|me|my|mine|myself|we|our|us)\b")
# What "you" are asked to do now ("can you tell me") is no question about what you said.
_SECOND: Final = re.compile(r"\b(?:did|have|had|were|that|what|which) you\b|\byour\b")


def _tense(text: str) -> Tense:
    """Return the tense; "now" outweighs everything, and a word of the past outweighs "is"."""
    if _PRESENT.search(text):
        return "present"
    if _PAST.search(text):
        return "past"
    return "present" if _IS.search(text) else "unspecified"


# --------------------------------------------------------------------------- time

_MONTH: Final = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY: Final = r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_UNIT: Final = r"(?P<unit>day|week|fortnight|month|year)s?"
_PATTERNS: Final = tuple(
    (kind, re.compile(rf"\b{pattern}\b"))
    for kind, pattern in (
        ("iso", r"(?P<year>(?:19|20)\d\d)-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>[0-3]\d))?"),
        ("date", rf"{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?"),
        ("date", rf"{_MONTH} {_DAY}(?:,? {_YEAR})?(?!\d|:)"),
        ("date", rf"{_MONTH},? (?:of )?{_YEAR}"),
        (
            "month",
            rf"(?:in|during|since|until|till|by|before|after|between|from|this|last|next) {_MONTH}",
        ),
        ("ago", rf"{COUNT} {_UNIT} ago"),
        ("past", rf"(?:past|last|previous) {COUNT} {_UNIT}"),
        ("past", r"(?:this|the) (?:last|past) (?P<unit>week|fortnight|month|year)"),
        (
            "unit",
            r"(?P<which>this|last|past|previous|next|coming) (?P<unit>week|month|year|weekend)",
        ),
        ("weekday", rf"(?P<which>this|last|past|next|on) (?P<weekday>{'|'.join(_DAY_NAMES)})"),
        (
            "day",
            r"(?P<which>today|tonight|yesterday|last night|tomorrow|this (?:morning|afternoon)"
            r"|this evening)",
        ),
        ("year", rf"(?:in|during|since|until|till|by|before|after|of|year) {_YEAR}"),
    )
)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _days(start: datetime, days: int) -> Span | None:
    try:
        return Span(start=start, end=start + timedelta(days=days))
    except OverflowError:
        return None


def _calendar(now: datetime, year: int, month: int | None, day: int | None) -> Span | None:
    """Return the span of a year, a month or a day; None if there is no such day."""
    try:
        first = _midnight(now).replace(year=year, month=month or 1, day=day or 1)
    except ValueError:
        return None
    if day is not None:
        return _days(first, 1)
    if month is not None:
        return _days(first, monthrange(year, month)[1])
    return _days(first, 366 if monthrange(year, 2)[1] == 29 else 365)


def _back(now: datetime, count: int, unit: str) -> datetime:
    """Return the midnight that lies ``count`` units before ``now``; month ends are cut."""
    steps = {
        "day": relativedelta(days=count),
        "week": relativedelta(weeks=count),
        "fortnight": relativedelta(weeks=2 * count),
        "month": relativedelta(months=count),
        "year": relativedelta(years=count),
    }
    return _midnight(now) - steps[unit]


def _unit_span(now: datetime, which: str, unit: str) -> Span | None:
    step = {"this": 0, "next": 1, "coming": 1}.get(which, -1)
    if unit in ("month", "year"):
        first = _back(_midnight(now).replace(day=1), -step, unit)
        return _calendar(now, first.year, first.month if unit == "month" else None, None)
    monday = _midnight(now) - timedelta(days=now.weekday())
    start = monday + timedelta(days=7 * step)
    return _days(start + timedelta(days=5), 2) if unit == "weekend" else _days(start, 7)


def _weekday_span(now: datetime, which: str, weekday: str) -> Span | None:
    """Return the day meant: the next one for "next", else the latest before today."""
    distance = now.weekday() - _DAY_NAMES.index(weekday)
    today = _midnight(now)
    if which == "next":
        return _days(today + timedelta(days=(-distance) % 7 or 7), 1)
    return _days(today - timedelta(days=distance % 7 or (0 if which == "this" else 7)), 1)


def _stated(kind: str, match: re.Match[str], now: datetime) -> Span | None:
    """Return the span that one match states, seen from ``now``."""
    found = match.groupdict()
    if kind in ("iso", "date", "month", "year"):
        month, day, year = found.get("month"), found.get("day"), found.get("year")
        number = None
        if month is not None:
            number = (
                int(month)
                if month.isdigit()
                else 1 + next(i for i, m in enumerate(_MONTH_NAMES) if m.startswith(month[:3]))
            )
        if year is not None:
            return _calendar(now, int(year), number, int(day) if day else None)
        # Without a year: the latest such time that has begun.
        span = _calendar(now, now.year, number, int(day) if day else None)
        if span is None or span.start is None or span.start > now:
            span = _calendar(now, max(now.year - 1, 1), number, int(day) if day else None)
        return span
    if kind in ("ago", "past"):
        said = found.get("count") or "a"
        count = COUNTS.get(said) or int(said)
        start = _back(now, count, found["unit"])
        if kind == "past":
            return Span(start=start, end=now)
        # "Three weeks ago" is that week or so, "three years ago" that year or so.
        slack = {"day": 0, "week": 3, "fortnight": 5, "month": 15, "year": 182}[found["unit"]]
        # Who counts so many days back counts by days of 24 hours, or by the calendar.
        slack = max(slack, int(count >= _MANY_DAYS))
        return _days(start - timedelta(days=slack), 2 * slack + 1)
    if kind == "unit":
        return _unit_span(now, found["which"], found["unit"])
    if kind == "weekday":
        return _weekday_span(now, found["which"], found["weekday"])
    step = {"yesterday": -1, "last night": -1, "tomorrow": 1}.get(found["which"], 0)
    return _days(_midnight(now) + timedelta(days=step), 1)


_MANY_DAYS: Final = 10

_JOINED: Final = re.compile(r"\s*(?:and|to|until|till|through|-|\u2013)\s*(?:in |on |the )?")


def _spans(text: str, now: datetime) -> list[tuple[int, int, Span]]:
    """Return what times a text states as (start, end, span), in order, without overlaps."""
    matches: list[tuple[str, re.Match[str]]] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if all(match.end() <= m.start() or m.end() <= match.start() for _, m in matches):
                matches.append((kind, match))
    found: list[tuple[int, int, Span]] = []
    for kind, match in sorted(matches, key=lambda item: item[1].start(), reverse=True):
        seen_from = now
        if found and found[0][2].start and _JOINED.fullmatch(text[match.end() : found[0][0]]):
            # "Between May and July 2023": the May before that July.
            seen_from = min(found[0][2].start, now)
        try:
            span = _stated(kind, match, seen_from)
        except (OverflowError, ValueError):
            continue  # "900 years ago" lies before the calendar: it states no usable time
        if span is not None:
            found.insert(0, (match.start(), match.end(), span))
    return found


_OPEN_BEFORE: Final = re.compile(r"\b(?:before|until|till|up to|prior to|by)(?: the)?\s*$")
_OPEN_AFTER: Final = re.compile(r"\b(?:after|since|following)(?: the)?\s*$")
_LEADING: Final = re.compile(r"(?:in|during|since|until|till|by|before|after|of|on)\s+")


def find_span(text: str, now: datetime) -> tuple[Span | None, str]:
    """Return the time a question asks about, and the question without the words that say it.

    ``now`` is the time of asking, aware. Several times make the span from the first to the last
    ("between May and July 2023").
    """
    low = text[:MAX_DATED].casefold()
    found = _spans(low, now)
    if not found:
        return None, text
    rest = low + text[MAX_DATED:]
    spans: list[Span] = []
    for start, end, span in reversed(found):
        opener = _LEADING.match(low[start:end])
        stem = low[:start] + (opener.group() if opener else "")
        before, after = _OPEN_BEFORE.search(stem), _OPEN_AFTER.search(stem)
        if before and len(found) == 1:
            span = Span(end=span.end if before.group().startswith("by") else span.start)
        elif after and len(found) == 1:
            span = Span(start=span.start if after.group().startswith("since") else span.end)
        spans.append(span)
        rest = rest[:start] + " " + rest[end:]
    starts = [span.start for span in spans]
    ends = [span.end for span in spans]
    whole = Span(
        start=None if None in starts else min(s for s in starts if s is not None),
        end=None if None in ends else max(e for e in ends if e is not None),
    )
    return whole, rest


# --------------------------------------------------------------------------- the whole

_TALK: Final = frozenset(
    analyse_query(
        "talk discuss chat speak mention happen conversation session message thing go on we i you "
        "event day week month year time date summary summarize summarise between earlier over"
    )
)


def terms_of(question: str) -> tuple[str, ...]:
    """Return the terms by which a question is searched."""
    return analyse_query(question)[:MAX_TERMS]


def understand(question: str, *, now: datetime, known: Collection[str] = ()) -> Query:
    """Return what ``question`` asks, seen from ``now`` (aware).

    ``known`` are names that are worth recognising in any spelling of case. Any text is accepted;
    one without words asks nothing.
    """
    low = question.casefold()
    span, rest = find_span(question, now)
    sessions = None
    if span is None:
        sessions, rest = counted(question)
    anchor = anchored(question) if span is None and sessions is None else None
    if anchor is not None:
        rest = anchor[2]
    names = dict.fromkeys(key for key in _named(question, known) if key)
    about = [term for term in analyse_query(rest) if term not in _TALK and term not in QUESTION]
    return Query(
        text=question,
        terms=terms_of(question),
        asked=question,
        names=tuple(names)[:MAX_NAMES],
        tense=_tense(low),
        span=span,
        sessions=sessions,
        anchor=None if anchor is None else anchor[:2],
        only_time=not about and not (span is None and sessions is None and anchor is None),
        asks_when=_WHEN.search(low) is not None,
        several=_SEVERAL.search(low) is not None,
        first_person=_FIRST.search(low) is not None,
        second_person=_SECOND.search(low) is not None,
        asks_value=_VALUE.match(low) is not None,
        asks_now=_PRESENT.search(low) is not None,
    )

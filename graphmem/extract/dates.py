"""Finds the dates a sentence names and places them on the time line of its event.

Does not know what happened then. English names of dates are data (``grammar/dates.toml``); the
calendar arithmetic is dateutil's ``relativedelta``. A date is a period, half-open, in the time
zone of the event: "in May 2021" is that month, "last Tuesday" that day. A month or weekday
without a year or week is the latest one that is not in the future, for people tell what was.
See ``docs/decisions/0012-relative-dates.md`` for the libraries that were measured.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from dateutil.relativedelta import relativedelta

from graphmem.extract.lexicon import Grammar
from graphmem.extract.sentences import Sentence

Role = Literal["at", "since", "until", "lasting"]

_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2100
_ROLE_WORDS: Final[dict[str, Role]] = {
    "since": "since", "from": "since", "starting": "since", "until": "until", "till": "until",
    "til": "until", "through": "until",
}  # fmt: skip
_AT_WORDS: Final = frozenset(
    {"in", "on", "at", "during", "around", "about", "back", "early", "late"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Date:
    """A period that the tokens ``start`` to ``end`` name; with its preposition, if it has one.

    ``lasting`` periods are durations that end with the event ("for three years").
    ``whole`` says that a day or more precise time of year is named (a birthday needs one).
    """

    start: int
    end: int
    role: Role
    since: datetime
    until: datetime
    text_start: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class _Period:
    end: int
    since: datetime
    until: datetime
    whole: bool = False


def _number(word: str, grammar: Grammar) -> int | None:
    if word.isdecimal() and len(word) <= 3:
        return int(word)
    return grammar.numbers.get(word)


def _ordinal(word: str) -> int | None:
    """Read a day of the month: "3", "3rd"."""
    digits = word[:-2] if word.endswith(("st", "nd", "rd", "th")) else word
    if digits.isdecimal() and len(digits) <= 2 and 1 <= int(digits) <= 31:
        return int(digits)
    return None


def _year(word: str) -> int | None:
    if len(word) == 4 and word.isdecimal() and _FIRST_YEAR <= int(word) < _LAST_YEAR:
        return int(word)
    return None


def _back(unit: str, count: int) -> relativedelta:
    """Return ``count`` units as a difference."""
    match unit:
        case "days":
            return relativedelta(days=count)
        case "weeks":
            return relativedelta(weeks=count)
        case "fortnights":
            return relativedelta(weeks=2 * count)
        case "months":
            return relativedelta(months=count)
        case "decades":
            return relativedelta(years=10 * count)
        case _:
            return relativedelta(years=count)


class Calendar:
    """Reads dates relative to one event's time."""

    __slots__ = ("_day", "_grammar", "_openings", "now")

    def __init__(self, grammar: Grammar, now: datetime) -> None:
        self._grammar = grammar
        self.now = now
        self._openings = grammar.date_openings
        self._day = now.replace(hour=0, minute=0, second=0, microsecond=0)

    def find(self, sentence: Sentence) -> tuple[Date, ...]:
        """Return the dates of a sentence, left to right, without overlaps. O(tokens)."""
        found: list[Date] = []
        i = 0
        lows, openings = sentence.lows, self._openings
        while i < len(lows):
            if lows[i] not in openings and not lows[i][0].isdigit():
                i += 1
                continue
            try:
                date = self._dated(sentence, i, found)
            except (ValueError, OverflowError):
                # A calendar has ends: "for 150 decades" before an event in the year 1.
                date = None
            if date is None:
                i += 1
            else:
                found.append(date)
                i = date.end
        return tuple(found)

    def _dated(self, s: Sentence, i: int, before: list[Date]) -> Date | None:
        low = s.lows[i]
        if low == "for" or low == "over":
            return self._duration(s, i)
        role: Role = "at"
        at = i
        if low in _ROLE_WORDS and s.low(i + 1) != "ago":
            role, at = _ROLE_WORDS[low], i + 1
        elif low in ("to", "-", "–") and before and before[-1].end == i:
            # "from 2010 to 2015"
            role, at = "until", i + 1
        elif low in _AT_WORDS:
            at = i + 1
            while s.low(at) in _AT_WORDS or s.low(at) in ("the", "in"):
                at += 1
        period = self._period(s, at, prefixed=at > i) if self._opens(s.low(at)) else None
        if period is None:
            return None
        return Date(
            start=i, end=period.end, role=role, since=period.since, until=period.until,
            text_start=at, whole=period.whole,
        )  # fmt: skip

    def _opens(self, low: str) -> bool:
        """Whether a period may begin with this word: most that a preposition leads to do not."""
        return (
            low in self._openings
            or low in self._grammar.seasons
            or low == "the"
            or low[:1].isdigit()
        )

    def _duration(self, s: Sentence, i: int) -> Date | None:
        """Read "for three years", "for the last two months"."""
        at = i + 1
        while s.low(at) in (
            "the",
            "last",
            "past",
            "about",
            "almost",
            "over",
            "around",
            "nearly",
            "more",
            "than",
        ):
            at += 1
        counted = self._count(s, at)
        if counted is None or s.low(counted[0]) == "ago":
            return None
        end, step = counted
        since = self._day - step
        return Date(start=i, end=end, role="lasting", since=since, until=self.now, text_start=at)

    def _count(self, s: Sentence, i: int) -> tuple[int, relativedelta] | None:
        """Read "three years", "a couple of weeks", "two and a half years"."""
        n = _number(s.low(i), self._grammar)
        if n is None:
            return None
        at = i + 1
        if n == 1 and s.low(at) in ("couple", "few", "good"):
            n, at = self._grammar.numbers.get(s.low(at), 1), at + 1
        if s.low(at) == "of":
            at += 1
        half = s.lows[at : at + 3] == ("and", "a", "half")
        if half:
            at += 3
        unit = self._grammar.units.get(s.low(at))
        if unit is None or n > 150:
            return None
        step = _back(unit, n)
        if half and unit == "years":
            step += relativedelta(months=6)
        return at + 1, step

    def _period(self, s: Sentence, i: int, *, prefixed: bool) -> _Period | None:
        readers: tuple[Callable[[Sentence, int], _Period | None], ...] = (
            self._named, self._numeric, self._ago, self._relative, self._month_day,
        )  # fmt: skip
        for reader in readers:
            found = reader(s, i)
            if found is not None:
                return found
        year = _year(s.low(i)) if prefixed else None
        if year is not None and s.low(i + 1) not in self._grammar.units:
            start = self._day.replace(year=year, month=1, day=1)
            return _Period(i + 1, start, start + relativedelta(years=1))
        return self._weekday_or_month(s, i, prefixed=prefixed)

    def _days(self, end: int, start: datetime, count: int = 1) -> _Period:
        return _Period(end, start, start + relativedelta(days=count), whole=True)

    def _named(self, s: Sentence, i: int) -> _Period | None:
        """Read "yesterday", "the day before yesterday", "last night"."""
        found = self._grammar.date_phrases.match(s.lows, i)
        if found is None:
            return None
        return self._days(found[0], self._day + relativedelta(days=int(found[1])))

    def _numeric(self, s: Sentence, i: int) -> _Period | None:
        """Read "2021-04-03", "2021-04"; other orders are ambiguous and not read."""
        pieces = s.low(i).split("-")
        if not 2 <= len(pieces) <= 3 or not all(p.isdecimal() and len(p) <= 4 for p in pieces):
            return None
        year = _year(pieces[0])
        if year is None or not 1 <= int(pieces[1]) <= 12:
            return None
        month = self._day.replace(year=year, month=int(pieces[1]), day=1)
        if len(pieces) == 2:
            return _Period(i + 1, month, month + relativedelta(months=1))
        day = int(pieces[2])
        start = month + relativedelta(days=day - 1)
        return self._days(i + 1, start) if day >= 1 and start.month == month.month else None

    def _ago(self, s: Sentence, i: int) -> _Period | None:
        """Read "two weeks ago", "a couple of years back", "in the last month" is not one."""
        counted = self._count(s, i)
        if counted is None or s.low(counted[0]) not in ("ago", "back", "earlier"):
            return None
        return self._days(counted[0] + 1, self._day - counted[1])

    def _relative(self, s: Sentence, i: int) -> _Period | None:
        """Read "last Tuesday", "this month", "next year", "last summer", "the week before last"."""
        if s.lows[i : i + 1] == ("the",) and s.lows[i + 2 : i + 4] == ("before", "last"):
            unit = self._grammar.units.get(s.low(i + 1))
            return None if unit is None else self._unit(i + 4, unit, -2)
        step = {"last": -1, "this": 0, "next": 1}.get(s.low(i))
        if step is None:
            return None
        word = s.low(i + 1)
        unit = self._grammar.units.get(word)
        if unit is not None:
            return self._unit(i + 2, unit, step)
        if word in self._grammar.weekdays:
            return self._weekday(i + 2, self._grammar.weekdays[word], step)
        if word in self._grammar.months:
            start = self._latest(self._grammar.months[word], 1, past=step < 0)
            start += relativedelta(years=max(step, 0))
            return _Period(i + 2, start, start + relativedelta(months=1))
        if word in self._grammar.seasons:
            month, lasts = self._grammar.seasons[word]
            start = self._latest(month, 1, past=step < 0)
            start += relativedelta(years=max(step, 0))
            return _Period(i + 2, start, start + relativedelta(months=lasts))
        return self._feast(s, i + 1, step)

    def _feast(self, s: Sentence, i: int, step: int) -> _Period | None:
        feast = self._grammar.feasts.match(s.lows, i)
        if feast is None:
            return None
        month, day = self._grammar.feast_days[feast[1]]
        start = self._latest(month, day, past=step < 0) + relativedelta(years=max(step, 0))
        return self._days(feast[0], start)

    def _unit(self, end: int, unit: str, step: int) -> _Period | None:
        """A calendar week (from Monday), month or year, counted from the present one."""
        match unit:
            case "weeks":
                start = (
                    self._day - relativedelta(days=self._day.weekday()) + relativedelta(weeks=step)
                )
                return self._days(end, start, 7)
            case "months":
                start = self._day.replace(day=1) + relativedelta(months=step)
                return _Period(end, start, start + relativedelta(months=1))
            case "years":
                start = self._day.replace(month=1, day=1) + relativedelta(years=step)
                return _Period(end, start, start + relativedelta(years=1))
            case _:
                return None

    def _weekday(self, end: int, day: int, step: int) -> _Period:
        """The nearest such day before (last), after (next), or up to today (this, bare)."""
        ahead = (day - self._day.weekday()) % 7
        if step > 0:
            return self._days(end, self._day + relativedelta(days=ahead or 7))
        back = (self._day.weekday() - day) % 7
        if step < 0:
            back = back or 7
        return self._days(end, self._day - relativedelta(days=back))

    def _latest(self, month: int, day: int, *, past: bool) -> datetime:
        """The latest such day that is not in the future; ``past`` also excludes the present one."""
        start = self._day.replace(month=1, day=1) + relativedelta(months=month - 1, days=day - 1)
        current = start.year == self._day.year and start.month == self._day.month
        if start > self._day or (past and current):
            start -= relativedelta(years=1)
        return start

    def _month_day(self, s: Sentence, i: int) -> _Period | None:
        """Read "March 3rd", "3 March 2021", "the 3rd of March", "May 2021"."""
        at = i + (s.low(i) == "the")
        day = _ordinal(s.low(at))
        if day is not None:
            at += 1 + (s.low(at + 1) == "of")
        month = self._grammar.months.get(s.low(at))
        if month is None:
            return None
        at += 1
        if day is None and (day := _ordinal(s.low(at))) is not None:
            at += 1
        comma = s.low(at) == "," and _year(s.low(at + 1)) is not None and day is not None
        year = _year(s.low(at + comma)) or _year(s.low(at + 1) if s.low(at) == "of" else "")
        if year is None:
            if day is None:
                return None
            return self._days(at, self._latest(month, day, past=False))
        at += 1 + (comma or s.low(at) == "of")
        start = self._day.replace(year=year, month=month, day=1)
        if day is None:
            return _Period(at, start, start + relativedelta(months=1))
        return self._days(at, start + relativedelta(days=day - 1))

    def _weekday_or_month(self, s: Sentence, i: int, *, prefixed: bool) -> _Period | None:
        """A bare month or season counts only after a preposition ("in May", not "may")."""
        word = s.low(i)
        if word in self._grammar.weekdays and (prefixed or len(word) > 4):
            return self._weekday(i + 1, self._grammar.weekdays[word], 0)
        if not prefixed:
            return None
        if word in self._grammar.months and (s.capital(i) or word not in ("may", "march", "mar")):
            start = self._latest(self._grammar.months[word], 1, past=False)
            return _Period(i + 1, start, start + relativedelta(months=1))
        if word in self._grammar.seasons and s.low(i - 1) != "the":
            month, lasts = self._grammar.seasons[word]
            start = self._latest(month, 1, past=False)
            return _Period(i + 1, start, start + relativedelta(months=lasts))
        return None

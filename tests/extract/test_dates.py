"""Dates against the time of their event: Wednesday, 10 May 2023, 14:00 UTC."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.extract.dates import Calendar, Date
from graphmem.extract.lexicon import load
from graphmem.extract.sentences import sentences

WEDNESDAY = datetime(2023, 5, 10, 14, 0, tzinfo=UTC)
GRAMMAR = load()


def dates_in(text: str, now: datetime = WEDNESDAY) -> list[Date]:
    calendar = Calendar(GRAMMAR, now)
    return [d for s in sentences(text) for d in calendar.find(s)]


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("yesterday", "2023-05-09", "2023-05-10"),
        ("last night", "2023-05-09", "2023-05-10"),
        ("the day before yesterday", "2023-05-08", "2023-05-09"),
        ("this morning", "2023-05-10", "2023-05-11"),
        ("last Tuesday", "2023-05-09", "2023-05-10"),
        ("last Wednesday", "2023-05-03", "2023-05-04"),
        ("on Monday", "2023-05-08", "2023-05-09"),
        ("next Friday", "2023-05-12", "2023-05-13"),
        ("last week", "2023-05-01", "2023-05-08"),
        ("the week before last", "2023-04-24", "2023-05-01"),
        ("last month", "2023-04-01", "2023-05-01"),
        ("next month", "2023-06-01", "2023-07-01"),
        ("last year", "2022-01-01", "2023-01-01"),
        ("two weeks ago", "2023-04-26", "2023-04-27"),
        ("a couple of weeks ago", "2023-04-26", "2023-04-27"),
        ("two and a half years ago", "2020-11-10", "2020-11-11"),
        ("6 months ago", "2022-11-10", "2022-11-11"),
        ("a decade ago", "2013-05-10", "2013-05-11"),
        ("in March", "2023-03-01", "2023-04-01"),
        ("in August", "2022-08-01", "2022-09-01"),
        ("in May 2021", "2021-05-01", "2021-06-01"),
        ("in 2019", "2019-01-01", "2020-01-01"),
        ("March 3rd", "2023-03-03", "2023-03-04"),
        ("the 3rd of March 2021", "2021-03-03", "2021-03-04"),
        ("June 12, 2020", "2020-06-12", "2020-06-13"),
        ("2021-04-03", "2021-04-03", "2021-04-04"),
        ("2021-04", "2021-04-01", "2021-05-01"),
        ("last summer", "2022-06-01", "2022-09-01"),
        ("last Christmas", "2022-12-25", "2022-12-26"),
    ],
)
def test_date_is_a_period(text: str, since: str, until: str) -> None:
    (date,) = dates_in(text)

    assert f"{date.since:%Y-%m-%d}" == since
    assert f"{date.until:%Y-%m-%d}" == until
    assert date.since.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["may", "I may come", "the second one", "sat down", "in a minute", "room 2019", "13-14-15",
     "2021-13-01", "2021-02-31", "a few", "march on", "for a while", "last one", "10,000", "³",
     "٣"],
)  # fmt: skip
def test_date_is_not_seen_where_none_is(text: str) -> None:
    assert dates_in(text) == []


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("since 2019", "since"),
        ("until March", "until"),
        ("for three years", "lasting"),
        ("in 2019", "at"),
    ],
)
def test_date_knows_its_preposition(text: str, role: str) -> None:
    assert [d.role for d in dates_in(text)] == [role]


def test_range_has_two_ends() -> None:
    first, last = dates_in("from 2010 to 2015")

    assert (first.role, first.since.year) == ("since", 2010)
    assert (last.role, last.since.year) == ("until", 2015)


def test_duration_ends_with_the_event() -> None:
    (date,) = dates_in("for three years")

    assert f"{date.since:%Y-%m-%d}" == "2020-05-10"
    assert date.until == WEDNESDAY


@pytest.mark.parametrize("year", [1, 9999])
def test_ends_of_the_calendar_are_survived(year: int) -> None:
    now = datetime(year, 1 if year == 1 else 12, 1, tzinfo=UTC)

    for text in ("99 years ago", "for 15 decades", "last year", "next year", "last Monday"):
        for date in dates_in(text, now):
            assert date.since <= date.until


@given(st.text(max_size=200), st.datetimes(timezones=st.just(UTC)))
def test_any_text_gives_ordered_periods(text: str, now: datetime) -> None:
    for date in dates_in(text, now):
        assert date.since <= date.until
        assert date.start < date.end

"""Sessions that a question counts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.models import SessionPeriod
from graphmem.retrieval.ordinals import Counted, counted, meant
from graphmem.retrieval.query import understand

NOW = datetime(2024, 6, 12, 12, tzinfo=UTC)


def nth(first: int, last: int | None = None, *, back: bool = False) -> Counted:
    return Counted(first=first, last=last or first, back=back)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What did we discuss in our third session?", nth(3)),
        ("What did we discuss in our twenty-first session?", nth(21)),
        ("What did we discuss in our thirtieth chat?", nth(30)),
        ("What came up in the 4th conversation?", nth(4)),
        ("What came up in session 12?", nth(12)),
        ("What came up over sessions 3 through 5?", nth(3, 5)),
        ("What came up in sessions 5 to 3?", nth(3, 5)),
        ("What was said 20 sessions ago?", nth(20, back=True)),
        ("What was said two chats ago?", nth(2, back=True)),
        ("What was said in our last conversation?", nth(1, back=True)),
        ("What was said in the last three sessions?", nth(1, 3, back=True)),
        ("What was said in the first two sessions?", nth(1, 2)),
        ("What did you say the last time we spoke?", nth(1, back=True)),
    ],
)
def test_sessions_are_counted(question: str, found: Counted) -> None:
    assert counted(question)[0] == found


@pytest.mark.parametrize(
    "question",
    [
        "",
        "What was said in session 0?",
        "What did Ada do before our last session?",
        "When was her first training?",
        "How long is a session?",
        "What did we do two weeks ago?",
    ],
)
def test_nothing_is_counted(question: str) -> None:
    assert counted(question) == (None, question)


def test_a_question_for_a_session_alone_is_about_nothing_else() -> None:
    alone = understand("What did we talk about in our last session?", now=NOW)
    more = understand("What did we say about the boat in our last session?", now=NOW)
    dated = understand("What did we discuss in our first session in May 2024?", now=NOW)

    assert alone.only_time
    assert alone.sessions == more.sessions == nth(1, back=True)
    assert not more.only_time
    assert alone.asks_ended
    assert (dated.sessions, dated.span is None) == (None, False), "a date says more than a number"


def test_sessions_are_taken_from_either_end() -> None:
    periods = [
        SessionPeriod(session_id=f"s{n}", start=NOW + timedelta(days=n), end=NOW) for n in range(5)
    ]

    def ids(found: Counted) -> list[str]:
        return [p.session_id for p in meant(periods, found)]

    assert ids(nth(2)) == ["s1"]
    assert ids(nth(2, back=True)) == ["s3"]
    assert ids(nth(4, 9)) == ["s3", "s4"]
    assert ids(nth(6)) == []


@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["last", "session", "first", "2", "three", "sessions", "ago", "to", "our", "twenty", "-"]
), max_size=8).map(" ".join))  # fmt: skip
def test_any_text_counts_some_or_none(question: str) -> None:
    found, rest = counted(question)

    assert len(rest) <= len(question) + 1
    if found is not None:
        assert 1 <= found.first <= found.last

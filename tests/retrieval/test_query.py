from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphmem.retrieval.query import MAX_NAMES, MAX_TERMS, Span, find_span, understand

NOW = datetime(2024, 6, 12, 15, 30, tzinfo=UTC)  # a Wednesday


def day(year: int, month: int, number: int) -> datetime:
    return datetime(year, month, number, tzinfo=UTC)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_understood(text: str) -> None:
    query = understand(text, now=NOW)

    assert len(query.names) <= MAX_NAMES
    assert len(set(query.terms)) == len(query.terms)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "last",
                "next",
                "week",
                "3",
                "three",
                "years",
                "ago",
                "in",
                "May",
                "2023",
                "before",
                "between",
                "and",
                "900",
                "Friday",
            ]
        )
    ).map(" ".join)
)
def test_spans_never_end_before_they_start(text: str) -> None:
    span = understand(text, now=NOW).span

    assert span is None or span.start is None or span.end is None or span.start < span.end


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("What happened on 8 May 2023?", day(2023, 5, 8), day(2023, 5, 9)),
        ("What happened on May 8th, 2023?", day(2023, 5, 8), day(2023, 5, 9)),
        ("What happened on 2023-05-08?", day(2023, 5, 8), day(2023, 5, 9)),
        ("Who called in May 2023?", day(2023, 5, 1), day(2023, 6, 1)),
        ("Who called in February 2024?", day(2024, 2, 1), day(2024, 3, 1)),
        ("Who called in 2023?", day(2023, 1, 1), day(2024, 1, 1)),
        ("Who called in May?", day(2024, 5, 1), day(2024, 6, 1)),
        ("Who called in September?", day(2023, 9, 1), day(2023, 10, 1)),
        ("Who called yesterday?", day(2024, 6, 11), day(2024, 6, 12)),
        ("Who called last week?", day(2024, 6, 3), day(2024, 6, 10)),
        ("Who called this weekend?", day(2024, 6, 15), day(2024, 6, 17)),
        ("Who called last month?", day(2024, 5, 1), day(2024, 6, 1)),
        ("Who called last year?", day(2023, 1, 1), day(2024, 1, 1)),
        ("Who called last Friday?", day(2024, 6, 7), day(2024, 6, 8)),
        ("Who called on Wednesday?", day(2024, 6, 5), day(2024, 6, 6)),
        ("Who calls next Friday?", day(2024, 6, 14), day(2024, 6, 15)),
        ("Who called two days ago?", day(2024, 6, 10), day(2024, 6, 11)),
        ("Who called 12 days ago?", day(2024, 5, 30), day(2024, 6, 2)),
        ("Who called earlier this morning?", day(2024, 6, 12), day(2024, 6, 13)),
        ("Who called this last week?", day(2024, 6, 5), NOW),
        ("Who called over the past month?", day(2024, 5, 12), NOW),
        ("Who called in the past 3 days?", day(2024, 6, 9), NOW),
        ("Who called before May 2023?", None, day(2023, 5, 1)),
        ("Who called after May 2023?", day(2023, 6, 1), None),
        ("Who called since 2023?", day(2023, 1, 1), None),
        ("Who called between May and July 2023?", day(2023, 5, 1), day(2023, 8, 1)),
        ("Who called from 3 May 2023 to 5 May 2023?", day(2023, 5, 3), day(2023, 5, 6)),
    ],
)
def test_times_become_spans(question: str, start: datetime | None, end: datetime | None) -> None:
    assert understand(question, now=NOW).span == Span(start=start, end=end)


@pytest.mark.parametrize(
    "question",
    [
        "May I ask who May is?",
        "Who will march?",
        "Who weighs 2023 grams?",
        "Who called on 31 February 2023?",
        "Who lived 9000 years ago?",
        "Who called?",
    ],
)
def test_what_is_no_time_makes_no_span(question: str) -> None:
    assert understand(question, now=NOW).span is None


def test_months_ago_are_cut_at_the_end_of_a_month() -> None:
    span, _ = find_span("three months ago", datetime(2024, 5, 31, tzinfo=UTC))

    assert span is not None
    assert span.holds(day(2024, 2, 29))


@pytest.mark.parametrize(
    ("question", "tense"),
    [
        ("Where does Ada live?", "present"),
        ("Where does Ada live now?", "present"),
        ("Where did she live before?", "past"),
        ("Where did Ada use to live?", "past"),
        ("What was her former job?", "past"),
        ("What is the name of the town she used to live in?", "past"),
        ("Does she still live where she was born?", "present"),
        ("Ada boat", "unspecified"),
    ],
)
def test_tense_examples(question: str, tense: str) -> None:
    assert understand(question, now=NOW).tense == tense


def test_only_the_past_asks_for_what_has_ended() -> None:
    assert understand("Where did she live before?", now=NOW).asks_ended
    assert understand("Where does she live in 2019?", now=NOW).asks_ended
    assert not understand("Where does she live?", now=NOW).asks_ended
    assert not understand("Ada's job", now=NOW).asks_ended


@pytest.mark.parametrize(
    ("question", "only"),
    [
        ("What did we talk about last week?", True),
        ("What happened in May 2023?", True),
        ("What did Ada say last week?", False),
        ("Which boat did we discuss in May 2023?", False),
        ("What did we talk about?", False),
    ],
)
def test_questions_about_nothing_but_a_time(question: str, only: bool) -> None:
    assert understand(question, now=NOW).only_time is only


def test_capitalised_names_come_first() -> None:
    names = understand("Where does Ada Lovelace keep her boat?", now=NOW).names

    assert names[:3] == ("ada lovelace", "ada", "lovelace")
    assert "boat" in names


def test_long_question_is_bounded() -> None:
    query = understand("in May 2023 " + " ".join(f"word{n}" for n in range(9000)), now=NOW)

    assert len(query.terms) == MAX_TERMS
    assert query.span == Span(start=day(2023, 5, 1), end=day(2023, 6, 1))


def test_first_word_is_a_name_unless_it_opens_a_question() -> None:
    assert understand("Ines's engine?", now=NOW).names[0] == "ines"
    assert "where" not in understand("Where is Ines?", now=NOW).names


def test_quoted_and_known_names_are_found() -> None:
    query = understand('who wrote "the red door" for karl?', now=NOW, known=["Karl"])

    assert query.names[:2] == ("karl", "the red door")


def test_months_and_weekdays_are_no_names() -> None:
    assert understand("Who met Karl on Monday in May?", now=NOW).names[0] == "karl"


@pytest.mark.parametrize(
    ("question", "several", "when"),
    [
        ("How many boats has Ada?", True, False),
        ("Which instruments does he play?", True, False),
        ("When did Ada move?", False, True),
        ("How long has she lived there?", False, True),
        ("Who repaired the engine?", False, False),
    ],
)
def test_what_kind_of_answer_is_wanted(question: str, several: bool, when: bool) -> None:
    query = understand(question, now=NOW)

    assert (query.several, query.asks_when) == (several, when)


def test_who_asks_and_who_is_asked() -> None:
    assert understand("What did I plant?", now=NOW).first_person
    assert not understand("What did Ada plant?", now=NOW).first_person
    assert understand("What did you recommend?", now=NOW).second_person
    assert not understand("Can you tell me who called?", now=NOW).second_person


def test_span_is_half_open() -> None:
    span = Span(start=day(2023, 5, 1), end=day(2023, 6, 1))

    assert span.holds(day(2023, 5, 1))
    assert not span.holds(day(2023, 6, 1))
    assert not span.overlaps(day(2023, 6, 1), None)
    assert not span.overlaps(None, day(2023, 5, 1))
    assert span.overlaps(day(2023, 5, 31), None)
    assert Span().overlaps(None, None)
    assert Span(start=NOW).holds(NOW + timedelta(days=9000))

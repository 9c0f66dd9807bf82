"""Times that are given by what happened then."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.retrieval.anchors import anchored, moment_of
from graphmem.retrieval.query import understand
from tests.retrieval.pools import NOW, episode, fact


@pytest.mark.parametrize(
    ("question", "side", "terms"),
    [
        ("What did we plan before the wedding?", "before", ("wed",)),
        ("Who called after my trip to Oslo?", "after", ("trip", "oslo")),
        ("What has Ada bought since the move?", "after", ("move",)),
        ("Until Ada's birthday, who kept the dog?", "before", ("ada", "birthday")),
    ],
)
def test_what_happened_gives_the_time(question: str, side: str, terms: tuple[str, ...]) -> None:
    found = anchored(question)

    assert found is not None
    assert found[:2] == (side, terms)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "Where did I live before?",
        "What did I do before I moved to Oslo?",
        "Who looks after the dog and the cat and the birds of my aunt?",
        "What happened before May 2023?",
    ],
)
def test_other_words_give_none(question: str) -> None:
    assert understand(question, now=NOW).anchor is None


def test_a_question_for_that_time_alone() -> None:
    alone = understand("What did we talk about before the wedding?", now=NOW)
    more = understand("Which cake did we choose before the wedding?", now=NOW)

    assert alone.only_time
    assert not more.only_time
    assert alone.anchor == more.anchor == ("before", ("wed",))


def test_the_time_is_that_of_who_tells_it_best() -> None:
    long = episode(1, "the wedding of somebody else and engine and garden and boat and bread")
    short = episode(2, "the wedding was lovely")
    asks = episode(0, "the wedding?")
    told = fact("f", "the wedding", read_from=(2,))

    assert moment_of(("wed",), [long, asks, short, told]) == short.occurred_at
    assert moment_of(("wed", "oslo"), [long, short]) is None
    assert moment_of(("wed",), []) is None


def test_of_like_ones_the_earliest() -> None:
    first, later = episode(1, "the wedding"), episode(9, "the wedding")

    assert moment_of(("wed",), [later, first]) == first.occurred_at
    assert later.occurred_at - first.occurred_at == timedelta(minutes=8)


@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["before", "after", "the", "wedding", "since", "my", "Ada's", "?", ",", "oslo"]
), max_size=8).map(" ".join))  # fmt: skip
def test_any_text_is_anchored_or_not(question: str) -> None:
    found = anchored(question)

    if found is not None:
        assert found[1]
        assert len(found[2]) <= len(question) + 1

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.models import Candidate, CandidatePool
from graphmem.retrieval.bm25 import bm25
from graphmem.retrieval.query import Query
from graphmem.retrieval.rank import Ranked, newest_first, rank
from graphmem.retrieval.recipes import ABLATIONS, DEFAULT, Recipe
from graphmem.retrieval.scoring import MOST_BOOST, boost, recency, score
from tests.retrieval.pools import NOW, WORDS, asked, candidates, episode, fact, some, texts

questions = st.sampled_from(
    [
        "Where is the boat of Ada?",
        "When did Karl repair the engine?",
        "What did I plant in the garden before May 2024?",
        "What did we talk about last week?",
        "violin",
        "",
    ]
).map(asked)
plain = replace(
    DEFAULT, near=0.0, far=0.0, reply=0.0, session=0.0, asking=0.0, length=0.0, recency=0.0
)


def ranked(
    pool: list[Candidate],
    query: Query,
    *,
    recipe: Recipe = DEFAULT,
    limit: int | None = None,
    as_of: datetime = NOW,
) -> tuple[Ranked, ...]:
    return rank(
        CandidatePool(candidates=tuple(pool)),
        query,
        recipe=recipe,
        now=NOW,
        as_of=as_of,
        limit=limit,
    )


def ids_of(hits: tuple[Ranked, ...]) -> list[str]:
    return [hit.candidate.id for hit in hits]


# properties ---------------------------------------------------------------------------------


@some
@given(candidates(), questions, st.integers(0, 1 << 16))
def test_order_of_arrival_does_not_matter(pool: list[Candidate], query: Query, seed: int) -> None:
    shuffled = pool.copy()
    Random(seed).shuffle(shuffled)

    assert ranked(shuffled, query) == ranked(pool, query)


@some
@given(candidates(), questions)
def test_lower_score_never_outranks(pool: list[Candidate], query: Query) -> None:
    scores = [hit.score for hit in ranked(pool, query)]

    assert scores == sorted(scores, reverse=True)
    assert all(np.isfinite(s) and s >= 0 for s in scores)


@some
@given(candidates(), questions, st.sampled_from(sorted(ABLATIONS)))
def test_arms_add_up_to_the_score(pool: list[Candidate], query: Query, name: str) -> None:
    for hit in ranked(pool, query, recipe=ABLATIONS[name]):
        assert sum(hit.arms.values()) == pytest.approx(hit.score, abs=1e-9)


@some
@given(candidates(), questions, st.integers(1, 8))
def test_limit_cuts_and_changes_nothing_else(
    pool: list[Candidate], query: Query, limit: int
) -> None:
    assert ids_of(ranked(pool, query, limit=limit)) == ids_of(ranked(pool, query))[:limit]


@some
@given(candidates(), questions)
def test_each_event_stands_in_one_hit(pool: list[Candidate], query: Query) -> None:
    hits = ranked(pool, query)
    alone = [hit for hit in hits if hit.candidate.kind == "episode"]

    for hit in hits:
        assert len(set(hit.event_ids)) == len(hit.event_ids)
    for hit in alone:
        own = hit.candidate.event_ids[0]
        assert [h for h in hits if own in h.event_ids] == [hit]
    members = [member for hit in hits for member in hit.members]
    assert len(set(members)) == len(members)


@some
@given(candidates(), questions)
def test_no_event_of_an_episode_is_lost(pool: list[Candidate], query: Query) -> None:
    carried = {event for hit in ranked(pool, query) for event in hit.event_ids}

    assert carried >= {e for c in pool if c.kind == "episode" for e in c.event_ids}


@some
@given(candidates(), questions)
def test_quarantined_and_supposed_are_no_hits(pool: list[Candidate], query: Query) -> None:
    bad = {c.id for c in pool if c.status in ("quarantined", "supposed")}

    assert not bad & {member for hit in ranked(pool, query) for member in hit.members}


@some
@given(candidates(), questions)
def test_ended_facts_answer_only_the_past(pool: list[Candidate], query: Query) -> None:
    hits = ranked(pool, query)
    ended = [h for h in hits if h.candidate.kind == "fact" and h.candidate.valid_to is not None]

    assert query.asks_ended or not ended
    assert all(hit.ended for hit in ended)


@some
@given(texts, texts, st.floats(0, 4000), st.floats(0, 4000))
def test_newer_never_scores_less(text: str, query: str, one: float, other: float) -> None:
    newer, older = sorted((one, other))
    recipe = replace(DEFAULT, recency=0.1)

    def at(days: float) -> float:
        happened = NOW - timedelta(days=days)
        only = episode(1, occurred_at=happened, terms=text)
        return score([only], asked(query), recipe=recipe, now=NOW).total[0]

    assert at(newer) >= at(older)


@some
@given(texts, texts, st.floats(0, 1), st.floats(0, 1))
def test_more_important_never_scores_less(text: str, query: str, one: float, other: float) -> None:
    less, more = sorted((one, other))
    recipe = replace(DEFAULT, importance=0.1)

    def worth(importance: float) -> float:
        only = fact("f", text, importance=importance)
        return score([only], asked(query), recipe=recipe, now=NOW).total[0]

    assert worth(more) >= worth(less)


@some
@given(st.floats(-5, 5, allow_nan=False), st.lists(st.floats(-3, 3, allow_nan=False), max_size=9))
def test_boosts_are_bounded(weight: float, shares: list[float]) -> None:
    factors = boost(weight, np.array(shares))

    assert ((factors >= 1 - MOST_BOOST) & (factors <= 1 + MOST_BOOST)).all()


@some
@given(candidates(), questions)
def test_recency_and_importance_stay_within_their_weights(
    pool: list[Candidate], query: Query
) -> None:
    scores = score(pool, query, recipe=DEFAULT, now=NOW)
    before = scores.total - scores.arms["importance"] - scores.arms["recency"]
    most = (1 + DEFAULT.recency) * (1 + DEFAULT.importance) - 1

    assert (np.abs(scores.total - before) <= most * before + 1e-9).all()


@some
@given(st.lists(texts, max_size=8), st.lists(st.sampled_from(WORDS), max_size=4))
def test_bm25_is_zero_exactly_without_a_match(documents: list[str], terms: list[str]) -> None:
    found = bm25(terms, documents)

    assert found.shape == (len(documents),)
    for document, value in zip(documents, found, strict=True):
        assert (value > 0) == bool(set(terms) & set(document.split()))


@some
@given(st.floats(0, 1e4), st.floats(0, 1e4), st.sampled_from([30.0, 365.0]))
def test_recency_falls_with_age(one: float, other: float, half_life: float) -> None:
    young, old = recency(np.array(sorted((one, other))), np.array([half_life, half_life]))

    assert 1 >= young >= old >= 0


# examples -----------------------------------------------------------------------------------


def test_empty_pool_has_no_hits() -> None:
    assert ranked([], asked("boat")) == ()


def test_bm25_counts_whole_words_next_to_each_other() -> None:
    once, twice, part = bm25(["boat"], ["boat x x", "boat boat x", "boats x x"])

    assert twice > once > part == 0


def test_bm25_rare_word_weighs_more() -> None:
    rare, common = bm25(["oslo", "boat"], ["oslo", "boat", "boat", "boat"])[:2]

    assert rare > common


def test_recency_is_half_at_the_half_life() -> None:
    assert recency(np.array([-3.0, 0.0, 90.0]), np.array([90.0] * 3)).tolist() == [1.0, 1.0, 0.5]


def test_reply_to_a_matching_question_beats_other_neighbours() -> None:
    pool = [
        episode(1, "bread"),
        episode(2, "garden violin", author="Karl"),
        episode(3, "And where is the boat engine?", author="Ada"),
        episode(4, "garden violin", author="Karl"),
    ]

    hits = ranked(pool, asked("boat engine"))

    assert ids_of(hits).index("e4") < ids_of(hits).index("e2")


def test_neighbours_of_other_sessions_gain_nothing() -> None:
    pool = [episode(1, "boat"), episode(2, "bread", session_id="s2")]

    scores = score(pool, asked("boat"), recipe=DEFAULT, now=NOW)

    assert scores.arms["neighbours"].tolist() == [0, 0]


def test_far_neighbour_gains_less_and_no_farther_one_gains() -> None:
    pool = [episode(1, "boat"), episode(2), episode(3), episode(4)]

    near, far, none = score(pool, asked("boat"), recipe=DEFAULT, now=NOW).arms["neighbours"][1:]

    assert near > far > none == 0


def test_named_speaker_goes_first() -> None:
    pool = [episode(1, "the boat", author="Karl"), episode(9, "the boat", author="Ada")]

    assert ids_of(ranked(pool, asked("What did Karl say of the boat?"), recipe=plain))[0] == "e1"
    assert ids_of(ranked(pool, asked("What did Ada say of the boat?"), recipe=plain))[0] == "e9"


def test_i_is_the_user_and_you_the_assistant() -> None:
    pool = [
        episode(1, "boat", author=None, role="user"),
        episode(9, "boat", author=None, role="assistant"),
    ]

    assert ids_of(ranked(pool, asked("Which boat did I buy?"), recipe=plain))[0] == "e1"
    assert ids_of(ranked(pool, asked("Which boat did you like?"), recipe=plain))[0] == "e9"


def test_time_asked_for_goes_first() -> None:
    may = datetime(2024, 5, 4, tzinfo=NOW.tzinfo)
    pool = [episode(1, "boat", terms="boat", occurred_at=may), episode(9, "boat", terms="boat")]

    assert ids_of(ranked(pool, asked("Which boat in May 2024?"), recipe=plain))[0] == "e1"


def test_fact_is_in_the_time_in_which_it_held() -> None:
    then, now = datetime(2020, 1, 1, tzinfo=NOW.tzinfo), NOW - timedelta(days=1)
    old = fact("old", "boat", read_from=(1,), valid_from=then, valid_to=now, slot="a")
    new = fact("new", "boat", read_from=(2,), valid_from=now, slot="a")

    assert ids_of(ranked([old, new], asked("Which boat in 2021?"), recipe=plain)) == ["old", "new"]


def test_fact_and_its_episodes_are_one_hit() -> None:
    pool = [
        episode(1, "some garden and a long story about bread"),
        episode(2, "garden"),
        fact("f", "boat engine", read_from=(1, 2), cosine=0.9),
    ]

    (hit,) = ranked(pool, asked("boat engine"))

    assert (hit.candidate.id, hit.event_ids, set(hit.members)) == (
        "f",
        ("v1", "v2"),
        {"f", "e1", "e2"},
    )


def test_episode_that_beats_its_fact_stands_for_it() -> None:
    pool = [
        episode(1, "the boat engine that Karl repaired in Oslo", cosine=0.9),
        fact("f", "boat", read_from=(1, 7)),
    ]

    (hit,) = ranked(pool, asked("Who repaired the boat engine in Oslo?"))

    assert (hit.candidate.id, hit.event_ids, hit.members) == ("e1", ("v1", "v7"), ("e1", "f"))


def test_two_facts_of_one_event_are_two_hits() -> None:
    pool = [
        episode(1, "garden"),
        fact("f", "boat", read_from=(1,), cosine=0.9),
        fact("g", "boat engine", read_from=(1,), cosine=0.9),
    ]

    hits = ranked(pool, asked("boat engine"))

    assert {hit.candidate.id for hit in hits} == {"f", "g"}


def test_events_of_one_name_in_two_sessions_stay_apart() -> None:
    pool = [
        episode(1, "boat", event_ids=("1",)),
        episode(2, "boat", event_ids=("1",), session_id="s2"),
    ]

    assert len(ranked(pool, asked("boat"))) == 2


def test_ended_episode_ranks_below_the_current_fact() -> None:
    old = episode(1, "boat engine Oslo", cosine=0.9, ended=True, slot="home")
    new = fact("new", "boat", read_from=(2,), slot="home")

    hits = ranked([old, new], asked("Where is the boat engine, in Oslo?"))
    asked_for_past = ranked([old, new], asked("Where was the boat engine, in Oslo?"))

    assert ids_of(hits) == ["new", "e1"]
    assert hits[1].ended
    assert ids_of(asked_for_past) == ["e1", "new"]


def test_ended_episode_is_found_through_its_ended_fact() -> None:
    old = episode(1, "boat engine Oslo", cosine=0.9, ended=True)
    gone = fact("gone", "boat", read_from=(1,), slot="home", valid_to=NOW - timedelta(days=3))
    new = fact("new", "boat", read_from=(2,), slot="home")

    hits = ranked([old, gone, new], asked("Where is the boat engine, in Oslo?"))

    assert ids_of(hits) == ["new", "e1"]


def test_ended_episode_without_successor_keeps_its_place() -> None:
    pool = [episode(1, "boat engine", ended=True), episode(9, "boat")]

    assert ids_of(ranked(pool, asked("boat engine"), recipe=plain)) == ["e1", "e9"]


def test_fact_ends_with_as_of() -> None:
    over = fact("f", "boat", valid_to=NOW - timedelta(days=3))

    assert ranked([over], asked("Where is the boat?")) == ()
    (hit,) = ranked([over], asked("Where is the boat?"), as_of=NOW - timedelta(days=4))
    assert not hit.ended


def test_ties_go_to_the_newer_then_to_the_smaller_id() -> None:
    pool = [
        fact("b", "boat", read_from=(2,), seq=1),
        fact("a", "boat", read_from=(3,), seq=1),
    ]
    newer = fact("z", "boat", read_from=(1,), occurred_at=NOW)

    assert ids_of(ranked([*pool, newer], asked("boat"), recipe=plain)) == ["z", "a", "b"]


@pytest.mark.parametrize("name", sorted(ABLATIONS))
def test_ablation_switches_one_arm_off(name: str) -> None:
    arms = {"text", "vector", "neighbours", "session", "speaker", "time", "answer", "form"}
    arms |= {"recency", "importance"}
    pool = [
        episode(1, "Where is the boat?", cosine=0.5, author="Karl"),
        episode(2, "last week in the garden", cosine=0.4, importance=0.9, author="Karl"),
        fact("f", "boat", read_from=(8,), cosine=0.3, importance=0.9),
    ]
    query = replace(
        asked("When did Karl see the boat in May 2024?"), answers=frozenset({("f", 1.0)})
    )

    def active(recipe: Recipe) -> set[str]:
        found = score(pool, query, recipe=recipe, now=NOW)
        return {arm for arm, part in found.arms.items() if part.any()}

    assert active(DEFAULT) == arms
    assert active(ABLATIONS[name]) == arms - {name.removeprefix("without ")}


def test_facts_that_the_question_states_or_does_not_ask_for_are_worth_less() -> None:
    pool = [fact("a", "boat"), fact("b", "boat"), fact("c", "boat"), episode(1, "boat")]
    known = replace(
        asked("boat"), answers=frozenset({("a", 1.0)}), given=frozenset({"b"}), asks_fact=True
    )

    hits = ids_of(ranked(pool, known, recipe=plain))
    alone = score(pool, known, recipe=plain, now=NOW)
    lost = dict(zip(alone.rows.id, alone.arms["asked"], strict=True))

    assert hits[0] == "a"
    assert lost["b"] < lost["c"] < 0 == lost["a"] == lost["e1"]


# related words


def test_related_word_counts_for_a_part_of_the_term() -> None:
    pool = [
        episode(1, "the violin is in its case"),
        episode(9, "the kettle is in its box"),
        episode(17, "an instrument of my own"),
    ]

    hits = {
        h.candidate.id: h.arms.get("text", 0.0) for h in ranked(pool, asked("Which instrument?"))
    }

    assert hits["e17"] > hits["e1"] > hits["e9"]


def test_who_takes_part_is_related_to_nobody() -> None:
    pool = [episode(1, "the blossom is purple", author="Bo"), episode(9, "mine", author="Violet")]

    hits = {h.candidate.id: h.arms.get("text", 0.0) for h in ranked(pool, asked("What of Violet?"))}

    assert hits["e1"] == 0


# restatements

OLD = "my garden shed holds twelve old wooden garden chairs and two tables"
NEW = "the garden shed now holds nine old wooden chairs and two long tables"


def restating(question: str, **changes: object) -> list[str]:
    pool = [
        episode(1, OLD, author=None, cosine=0.6),
        episode(90, NEW, author=None, cosine=0.4, **changes),
    ]
    return ids_of(ranked(pool, asked(question)))


def test_later_of_two_like_statements_is_first_for_how_it_stands() -> None:
    assert restating("How many chairs are in my garden shed?") == ["e90", "e1"]


@pytest.mark.parametrize(
    "question",
    [
        "How many chairs were in my garden shed?",
        "How many chairs are in the garden shed of Karl?",
        "Tell me about the old wooden chairs in my garden shed",
    ],
    ids=["past", "not one's own", "no value"],
)
def test_other_questions_leave_the_order(question: str) -> None:
    assert restating(question) == ["e1", "e90"]


def test_another_role_restates_nothing() -> None:
    question = "How many chairs are in my garden shed?"

    assert restating(question, role="assistant") == ["e1", "e90"]


def test_what_moves_up_scores_as_what_it_passed_and_says_so() -> None:
    pool = [episode(1, OLD, author=None, cosine=0.6), episode(90, NEW, author=None, cosine=0.4)]

    first, second = ranked(pool, asked("How many chairs are in my garden shed?"))

    assert first.score == second.score
    assert first.arms["restated"] > 0
    assert "restated" not in second.arms


@pytest.mark.parametrize(
    ("odds", "order"),
    [
        ({}, ["e90", "e1"]),
        ({"e1": 2.0}, ["e90", "e1"]),
        ({"e1": 2.0, "e90": -2.0}, ["e90", "e1"]),
        ({"e1": 2.0, "e90": -4.0}, ["e1", "e90"]),
    ],
    ids=["nothing known", "one known", "little less", "far less"],
)
def test_what_is_far_less_plausible_restates_nothing(
    odds: Mapping[str, float], order: list[str]
) -> None:
    query = asked("How many chairs are in my garden shed?")
    pool = [episode(1, OLD, author=None, cosine=0.6), episode(90, NEW, author=None, cosine=0.4)]
    hits = sorted(ranked(pool, query), key=lambda h: h.candidate.id)

    assert ids_of(newest_first(hits, query, DEFAULT.restated, odds)) == order


def test_form_counts_between_people_only() -> None:
    def forms(author: str | None) -> set[bool]:
        pool = [
            episode(1, "is the boat in the harbour?", author=author),
            episode(9, "the boat is in the old harbour by the mill", author=author),
        ]
        return {"form" in h.arms for h in ranked(pool, asked("boat"))}

    assert forms("Ada") == {True}
    assert forms(None) == {False}


def test_question_about_a_time_alone_is_told_only_what_was_said_then() -> None:
    told = [episode(1, "Bo came"), fact("f1", "Bo is a friend of Ida", read_from=(7, 1, 8))]
    question = "What did we talk about on June 14th?"

    (hit,) = rank(
        CandidatePool(candidates=told), asked(question), recipe=DEFAULT, now=NOW, as_of=NOW
    )
    (friend,) = rank(
        CandidatePool(candidates=told), asked("Who is Bo?"), recipe=DEFAULT, now=NOW, as_of=NOW
    )
    elsewhere = rank(
        CandidatePool(candidates=[episode(1, "Bo came"), fact("f1", "Bo sails", read_from=(7, 8))]),
        asked(question),
        recipe=DEFAULT,
        now=NOW,
        as_of=NOW,
    )

    assert asked(question).only_time
    assert hit.event_ids == ("v1",)
    assert set(friend.event_ids) == {"v1", "v7", "v8"}
    assert ("v7", "v8") in [found.event_ids for found in elsewhere]


@pytest.mark.parametrize(
    ("fields", "untimely"),
    [
        ({}, False),  # nobody knows when
        ({"valid_from": datetime(2010, 1, 1, tzinfo=UTC)}, False),
        ({"valid_from": datetime(2013, 1, 1, tzinfo=UTC)}, True),
        ({"valid_to": datetime(2012, 1, 1, tzinfo=UTC)}, True),
        ({"valid_to": datetime(2012, 1, 2, tzinfo=UTC)}, False),
        # Told at that time: "Which trips did Bo mention in 2012?"
        (
            {
                "valid_to": datetime(2011, 1, 1, tzinfo=UTC),
                "occurred_at": datetime(2012, 5, 1, tzinfo=UTC),
            },
            False,
        ),
    ],
)
def test_fact_that_did_not_hold_then_is_untimely(fields: dict[str, Any], untimely: bool) -> None:
    pool = [fact("f", "boat", **fields)]

    (hit,) = ranked(pool, asked("Where was the boat in 2012?"))
    (plainly,) = ranked(pool, asked("Where was the boat?"))

    assert hit.untimely == untimely
    assert not plainly.untimely


def test_episode_that_stands_for_an_ended_fact_has_not_ended_itself() -> None:
    said = episode(1, "talk", partly_ended=True)
    over = fact("f", "boat engine", read_from=(1,), valid_to=NOW - timedelta(days=3))

    (hit,) = ranked([said, over], asked("Where was the boat engine?"))

    assert (hit.candidate.id, hit.ended) == ("f", True)
    assert hit.source is not None
    assert (hit.source.candidate.id, hit.source.ended) == ("e1", False)

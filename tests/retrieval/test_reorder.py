"""Another order of the first hits: what moves, what stays, and what the arms say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.errors import InvalidInput
from graphmem.models import Vector
from graphmem.retrieval.rank import Ranked
from graphmem.retrieval.reorder import ARM, MOST_JUDGED, reorder
from tests.retrieval.pools import episode, some


def hit(
    place: int, *, score: float | None = None, ended: bool = False, untimely: bool = False
) -> Ranked:
    value = 100.0 - place if score is None else score
    return Ranked(
        candidate=replace(episode(place), ended=ended),
        score=value,
        arms={"text": value},
        event_ids=(f"v{place}",),
        members=(f"e{place}",),
        ended=ended,
        untimely=untimely,
    )


def hits(count: int) -> tuple[Ranked, ...]:
    return tuple(hit(place) for place in range(count))


def scores(*values: float) -> Vector:
    return np.array(values, dtype=np.float32)


def places(found: tuple[Ranked, ...]) -> list[int]:
    return [item.candidate.seq for item in found]


def test_best_score_comes_first() -> None:
    assert places(reorder(hits(3), scores(0.1, -3.0, 9.0))) == [2, 0, 1]


def test_ties_keep_the_fused_order() -> None:
    assert places(reorder(hits(4), scores(1, 2, 1, 2))) == [1, 3, 0, 2]


def test_equal_scores_change_nothing() -> None:
    found = hits(5)

    assert reorder(found, scores(*[7.0] * 5)) == found


def test_what_follows_the_judged_stays() -> None:
    found = reorder(hits(MOST_JUDGED + 3), np.arange(MOST_JUDGED, dtype=np.float32))

    assert places(found) == [*range(MOST_JUDGED - 1, -1, -1), 40, 41, 42]


def test_moved_hit_has_the_score_of_its_place() -> None:
    found = reorder(hits(3), scores(1, 3, 2))

    assert [item.score for item in found] == [100.0, 99.0, 98.0]
    assert dict(found[0].arms) == {"text": 99.0, ARM: 1.0}
    assert dict(found[2].arms) == {"text": 100.0, ARM: -2.0}


def test_hit_in_its_place_has_no_arm() -> None:
    found = reorder(hits(3), scores(3, 1, 2))

    assert ARM not in found[0].arms
    assert ARM in found[1].arms


def test_ended_hit_does_not_pass_a_current_one() -> None:
    found = (hit(0), hit(1, ended=True), hit(2))

    assert places(reorder(found, scores(1, 9, 5))) == [2, 0, 1]
    assert places(reorder(found, scores(1, 9, 5), asks_ended=True)) == [1, 2, 0]


def test_ended_hit_may_be_passed() -> None:
    found = (hit(0, ended=True), hit(1), hit(2, ended=True))

    assert places(reorder(found, scores(1, 5, 3))) == [1, 2, 0]


@pytest.mark.parametrize(
    "wrong", [scores(), scores(1), scores(1, 2, 3), scores(1, np.nan), scores(1, np.inf)]
)
def test_other_than_a_finite_score_each_is_refused(wrong: Vector) -> None:
    with pytest.raises(InvalidInput, match="for 2 hits"):
        reorder(hits(2), wrong)


def test_no_hits_no_order() -> None:
    assert reorder((), scores()) == ()


@some
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.booleans()), max_size=60),
    st.booleans(),
)
def test_order_is_one_of_the_same_hits(drawn: list[tuple[int, bool]], asks_ended: bool) -> None:
    before = tuple(hit(place, ended=ended) for place, (_, ended) in enumerate(drawn))
    judged = scores(*(float(score) for score, _ in drawn[:MOST_JUDGED]))

    after = reorder(before, judged, asks_ended=asks_ended)

    assert sorted(places(after)) == places(before)
    assert [item.score for item in after] == [item.score for item in before]
    assert all(sum(item.arms.values()) == pytest.approx(item.score) for item in after)
    for behind, item in enumerate(after):
        for ahead in after[:behind]:
            passed = ahead.candidate.seq > item.candidate.seq
            if passed and item.candidate.seq < MOST_JUDGED:
                lower, higher = judged[item.candidate.seq], judged[ahead.candidate.seq]
                assert higher > lower or item.ended
                assert asks_ended or item.ended or not ahead.ended


def test_untimely_hit_passes_none_that_is_not() -> None:
    found = (hit(0), hit(1), hit(2, untimely=True))

    assert places(reorder(found, scores(1, 2, 9), asks_ended=True)) == [1, 0, 2]
    assert places(reorder((found[2], *found[:2]), scores(9, 1, 2))) == [2, 1, 0]

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.eval.metrics import Answer, group, judge, mean, paired_bootstrap


def hits(*events: str, words: int = 10) -> list[Answer]:
    return [Answer(event_ids=tuple(event.split("+")), words=words) for event in events]


def test_recall_counts_distinct_events_in_hit_order() -> None:
    ranking = hits("a", "b+c", "c", "d", "e", "f")

    assert judge(ranking, {"e"})["r@5"] == 1
    assert judge(ranking, {"f"})["r@5"] == 0
    assert judge(ranking, {"a", "f"})["r@5"] == 0.5
    assert judge(ranking, {"a", "f"})["r@10"] == 1


def test_reciprocal_rank_and_gain_of_known_places() -> None:
    found = judge(hits("x", "a", "y", "b"), {"a", "b"})

    assert found["mrr"] == 0.5
    ideal = 1 + 1 / math.log2(3)
    assert found["ndcg@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)


def test_words_are_spent_by_whole_hits() -> None:
    ranking = hits("a", "b", "c", words=200)

    found = judge(ranking, {"a", "b", "c"})

    assert (found["r@250w"], found["r@500w"], found["r@1000w"]) == (
        pytest.approx(1 / 3),
        pytest.approx(2 / 3),
        1,
    )


def test_nothing_found_is_worth_nothing() -> None:
    assert set(judge([], {"a"}).values()) == {0.0}


events = st.lists(st.sampled_from("abcdefgh"), max_size=8, unique=True)


@given(events, st.sets(st.sampled_from("abcdefgh"), min_size=1))
def test_metrics_stay_between_zero_and_one(order: list[str], gold: set[str]) -> None:
    found = judge(hits(*order), gold)

    assert all(0 <= value <= 1 for value in found.values())
    assert found["r@5"] <= found["r@10"] <= found["r@20"]


@given(st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=5))
def test_gold_first_is_perfect(gold: set[str]) -> None:
    found = judge(hits(*sorted(gold), words=1), gold)

    assert set(found.values()) == {1.0} or found["ndcg@10"] == pytest.approx(1)
    assert found["r@5"] == found["mrr"] == 1


def test_means_per_group() -> None:
    rows = [{"r": 1.0}, {"r": 0.0}, {"r": 0.5}]

    assert mean(rows) == {"n": 3, "r": 0.5}
    assert mean([]) == {"n": 0}
    assert group(rows, lambda i: "odd" if i % 2 else "even") == {
        "even": {"n": 2, "r": 0.75},
        "odd": {"n": 1, "r": 0.0},
    }


def test_bootstrap_of_equals_is_zero_and_of_better_is_above() -> None:
    worse = [0.0, 1.0] * 40
    better = [1.0, 1.0] * 40

    assert paired_bootstrap(worse, worse, seed=1) == {"mean": 0, "low": 0, "high": 0}
    gain = paired_bootstrap(better, worse, seed=1)
    assert gain["mean"] == 0.5
    assert 0.3 < gain["low"] < 0.5 < gain["high"] < 0.7
    assert gain == paired_bootstrap(better, worse, seed=1)
    assert gain != paired_bootstrap(better, worse, seed=2)


def test_bootstrap_refuses_what_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="2 and 1 questions"):
        paired_bootstrap([1.0, 1.0], [1.0], seed=1)
    assert paired_bootstrap([], [], seed=1)["mean"] == 0

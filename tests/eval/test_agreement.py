import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.eval.agreement import b_cubed, best_floor, harmonic, precision_recall, roc_auc

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20)
scores = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12)


def test_precision_recall_of_known_counts() -> None:
    found = precision_recall(right=3, claimed=4, gold=6)

    assert (found["precision"], found["recall"], found["f1"]) == (0.75, 0.5, 0.6)


def test_shares_of_nothing_are_zero() -> None:
    assert precision_recall(right=0, claimed=0, gold=0)["f1"] == 0
    assert harmonic(0, 0) == 0
    assert b_cubed([], [])["f1"] == 0


def test_b_cubed_of_a_known_clustering() -> None:
    """The gold pair and triple, of which one of the triple went to the pair."""
    found = b_cubed(["a", "a", "a", "b", "b"], ["x", "x", "y", "y", "y"])

    assert found["precision"] == pytest.approx((2 * 2 / 3 + 1 / 3 + 2 * 1) / 5)
    assert found["recall"] == pytest.approx((2 * 1 + 1 / 3 + 2 * 2 / 3) / 5)
    assert (found["n"], found["clusters"], found["gold_clusters"]) == (5, 2, 2)


@given(labels)
def test_same_clusters_by_other_names_are_perfect(pairs: list[tuple[int, int]]) -> None:
    gold = [g for _, g in pairs]

    found = b_cubed([f"cluster {g}" for g in gold], gold)

    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx((1, 1, 1))


@given(labels)
def test_b_cubed_is_bounded_and_mirrors(pairs: list[tuple[int, int]]) -> None:
    ours, gold = zip(*pairs, strict=True)

    found, mirrored = b_cubed(ours, gold), b_cubed(gold, ours)

    assert 0 < found["precision"] <= 1 + 1e-9
    assert found["precision"] == pytest.approx(mirrored["recall"])
    assert b_cubed(list(range(len(gold))), gold)["precision"] == pytest.approx(1)


def test_unequal_mentions_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="2 and 1 mentions"):
        b_cubed(["a", "a"], ["x"])


def test_area_under_the_curve_of_known_scores() -> None:
    assert roc_auc([2, 3], [0, 1]) == 1
    assert roc_auc([0, 1], [2, 3]) == 0
    assert roc_auc([1, 2], [1, 0]) == pytest.approx(3.5 / 4)
    assert roc_auc([], [1]) == 0.5


@given(scores, scores)
def test_area_counts_pairs(higher: list[float], lower: list[float]) -> None:
    wins = sum((h > x) + 0.5 * (h == x) for h in higher for x in lower)

    assert roc_auc(higher, lower) == pytest.approx(wins / (len(higher) * len(lower)))


def test_best_floor_parts_what_can_be_parted() -> None:
    assert best_floor([5, 6, 7], [1, 2, 3]) == 5
    assert best_floor([1, 2, 3], [5, 6, 7]) == float("-inf")
    assert best_floor([], []) == float("-inf")


@given(scores, scores)
def test_no_floor_is_better(kept: list[float], refused: list[float]) -> None:
    def gain(floor: float) -> float:
        rightly = sum(x < floor for x in refused) / len(refused)
        return rightly - sum(x < floor for x in kept) / len(kept)

    best = gain(best_floor(kept, refused))

    assert all(best >= gain(floor) - 1e-9 for floor in (*kept, *refused, 99.0, -99.0))

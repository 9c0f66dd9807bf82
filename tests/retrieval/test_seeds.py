"""Which of the arms' finds are widened: the best of both together."""

from hypothesis import given
from hypothesis import strategies as st

from graphmem.retrieval.seeds import seeds

arms = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=3)


def test_what_both_arms_find_comes_first() -> None:
    assert seeds(["abcd", "dx"], 2, tie=str) == ["d", "a"]


def test_ranks_and_nothing_else_count() -> None:
    assert seeds(["ab", "cab"], 3, tie=str) == ["a", "b", "c"]


def test_equal_ones_by_their_tie() -> None:
    assert seeds(["b", "a"], 2, tie=str) == ["a", "b"]
    assert seeds(["b", "a"], 1, tie=lambda item: {"a": "2", "b": "1"}[item]) == ["b"]


@given(arms=arms, limit=st.integers(0, 9))
def test_each_once_and_no_more_than_asked(arms: list[list[str]], limit: int) -> None:
    best = seeds(arms, limit, tie=str)

    found = {item for arm in arms for item in arm}
    assert len(best) == len(set(best)) == min(limit, len(found))
    assert set(best) <= found
    assert best == seeds(arms, 9, tie=str)[:limit]


@given(arms=arms)
def test_who_is_ahead_in_every_arm_is_ahead(arms: list[list[str]]) -> None:
    best = seeds(arms, 9, tie=str)

    for one in best:
        for other in best:
            held = [arm for arm in arms if other in arm]
            if one != other and all(one in a and a.index(one) < a.index(other) for a in held):
                assert best.index(one) < best.index(other)

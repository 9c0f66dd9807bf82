"""Several wordings' scores as one: the best counts, and the question's own counts whole."""

from typing import Any

import pytest
from hypothesis import given

from graphmem.models import Candidate
from graphmem.retrieval.fuse import fuse
from graphmem.retrieval.recipes import DEFAULT
from graphmem.retrieval.scoring import Scores, score
from tests.retrieval.pools import NOW, asked, candidates, episode, some

SHARE = 0.8


def scored(question: str, *found: Candidate) -> Scores:
    return score(found, asked(question), recipe=DEFAULT, now=NOW)


def totals(scores: Scores) -> dict[str, float]:
    return dict(zip(scores.rows.id, scores.total.tolist(), strict=True))


def order(scores: Scores) -> list[str]:
    return [scores.rows.id[row] for row in scores.order]


def far(seq: int, text: str, **changes: Any) -> Candidate:
    """Return an episode in a session of its own."""
    return episode(seq, text, session_id=f"s{seq}", **changes)


def test_one_question_is_itself() -> None:
    only = scored("boat", far(1, "the boat"))

    assert fuse([only], share=SHARE) is only


def test_other_wording_counts_a_share() -> None:
    own = scored("boat", far(1, "the boat"))
    other = scored("garden", far(2, "the garden"))

    both = fuse([own, other], share=SHARE)

    assert totals(both) == pytest.approx(
        {"e1": totals(own)["e1"], "e2": SHARE * totals(other)["e2"]}
    )
    assert order(both) == ["e1", "e2"]


def test_best_score_counts() -> None:
    boat, garden = far(1, "the boat"), far(2, "the garden")
    own = scored("boat", boat, garden)
    other = scored("garden", boat, garden)

    both = totals(fuse([own, other], share=SHARE))

    assert both["e1"] == totals(own)["e1"]
    assert both["e2"] == SHARE * totals(other)["e2"] > totals(own)["e2"]


def test_row_comes_with_the_score() -> None:
    own = scored("boat", far(1, "the garden", cosine=0.2))
    other = scored("garden", far(1, "the garden", cosine=0.7))

    both = fuse([own, other], share=SHARE)

    assert both.rows.cosine == [0.7]


def test_wording_that_finds_nothing_changes_nothing() -> None:
    own = scored("boat", far(1, "the boat"), far(2, "a red boat"))

    both = fuse([own, scored("garden")], share=SHARE)

    assert (totals(both), order(both)) == (totals(own), order(own))
    assert fuse([scored("boat"), own], share=1.0).arms.keys() == own.arms.keys()
    assert order(fuse([scored("boat"), scored("garden")], share=SHARE)) == []


@some
@given(candidates(), candidates())
def test_arms_add_up_and_order_follows(one: list[Candidate], other: list[Candidate]) -> None:
    own, second = scored("Which boat has Karl?", *one), scored("repair the engine", *other)

    both = fuse([own, second], share=SHARE)

    assert set(both.rows.id) == {c.id for c in one} | {c.id for c in other}
    parts = sum(both.arms.values())
    assert parts == pytest.approx(both.total)
    ordered = [float(both.total[row]) for row in both.order]
    assert ordered == sorted(ordered, reverse=True)
    assert all(totals(both)[name] >= total for name, total in totals(own).items())


@some
@given(candidates())
def test_same_wording_twice_changes_nothing(found: list[Candidate]) -> None:
    own = scored("Which boat has Karl?", *found)

    both = fuse([own, own], share=SHARE)

    assert order(both) == order(own)
    assert totals(both) == totals(own)

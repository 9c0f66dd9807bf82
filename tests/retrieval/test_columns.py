from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphmem.models import Candidate, CandidatePool
from graphmem.retrieval.columns import FIXED, Columns, Words, words_of
from graphmem.retrieval.recipes import DEFAULT
from graphmem.retrieval.scoring import score
from tests.retrieval.pools import NOW, asked, candidates, episode, fact, some, texts


@some
@given(candidates())
def test_columns_are_the_candidates(pool: list[Candidate]) -> None:
    columns = Columns.of(pool)

    assert columns == pool
    assert list(columns) == pool
    assert columns[-1] == pool[-1]
    assert columns[1:] == pool[1:]
    for name in ("id", "kind", "terms", "cosine", "ended", "episode_ids", "slot"):
        assert list(getattr(columns, name)) == [getattr(c, name) for c in pool], name
    assert Columns.of(columns) is columns


@some
@given(candidates(), st.integers(0, 1 << 16))
def test_take_keeps_the_words_with_their_candidates(pool: list[Candidate], seed: int) -> None:
    terms = ("boat", "oslo")
    plain = Columns.of(pool)
    words = words_of(terms, plain.terms)
    endings = [(c.ended, c.partly_ended) for c in pool]
    columns = Columns(plain._fixed, cosine=plain.cosine, endings=endings, words=words)
    order = list(range(len(pool)))
    Random(seed).shuffle(order)

    taken = columns.take(order)

    assert list(taken) == [pool[place] for place in order]
    assert taken.words is not None
    again = words_of(terms, taken.terms)
    assert taken.words.counts.tolist() == again.counts.tolist()
    assert taken.words.lengths.tolist() == again.lengths.tolist()


@given(st.lists(texts, max_size=5), st.lists(st.sampled_from(["boat", "oslo", "x"]), max_size=4))
def test_words_are_counted_whole(documents: list[str], terms: list[str]) -> None:
    words = words_of(terms, documents)

    assert words.terms == tuple(dict.fromkeys(terms))
    expected = [[d.split().count(term) for d in documents] for term in words.terms]
    assert words.counts.tolist() == expected
    assert words.lengths.tolist() == [len(d.split()) for d in documents]


def test_a_pool_of_columns_equals_one_of_candidates() -> None:
    pool = [episode(1, "boat"), fact("f", "boat", valid_to=NOW)]

    assert CandidatePool(candidates=Columns.of(pool)) == CandidatePool(candidates=tuple(pool))
    assert Columns.of([]) == ()
    assert Columns.of(pool) != tuple(reversed(pool))
    assert Columns.of(pool) != "two"
    assert repr(Columns.of(pool)).startswith("Columns([Candidate(id='e1'")


def test_words_of_another_question_are_not_used() -> None:
    plain = Columns.of([episode(1, "boat"), episode(2, "oslo")])
    wrong = Words(("oslo",), np.ones((1, 2)), np.ones(2))
    nothing = [(False, False)] * 2
    columns = Columns(plain._fixed, cosine=plain.cosine, endings=nothing, words=wrong)

    query = asked("boat")
    expected = score(plain, query, recipe=DEFAULT, now=NOW)

    assert score(columns, query, recipe=DEFAULT, now=NOW).total.tolist() == expected.total.tolist()


def test_fixed_fields_are_all_but_the_question_s() -> None:
    assert set(Candidate.__dataclass_fields__) - set(FIXED) == {"cosine", "ended", "partly_ended"}

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.graph.postings import Match, Text, build, joined
from graphmem.retrieval.bm25 import bm25

words = st.sampled_from(["goat", "mill", "ferry", "rum"])
documents = st.lists(st.lists(words, max_size=6).map(" ".join), max_size=8)
questions = st.lists(st.sampled_from(["goat", "mill", "ferry", "rum", "absent"]), max_size=5)


@given(documents, questions)
def test_find_is_who_holds_a_term(texts: list[str], terms: list[str]) -> None:
    index = build(texts)

    for term in terms:
        rows, counts = index.find(term)

        expected = {n: t.split().count(term) for n, t in enumerate(texts) if term in t.split()}
        assert dict(zip(rows.tolist(), counts.tolist(), strict=True)) == expected
    assert index.lengths.tolist() == [len(t.split()) for t in texts]


@given(documents, questions)
def test_count_is_of_each_text(texts: list[str], terms: list[str]) -> None:
    asked = np.arange(0, len(texts), 2)

    counts = build(texts).count(terms, asked)

    assert counts.tolist() == [[texts[n].split().count(term) for n in asked] for term in terms]


@given(st.lists(documents, min_size=1, max_size=3), questions, st.integers(1, 9), st.data())
def test_scores_are_bm25_of_the_rows_alone(
    parts: list[list[str]], terms: list[str], limit: int, data: st.DataObject
) -> None:
    """Rows are numbered through, and what is left out moves no score."""
    texts = [text for part in parts for text in part]
    among = np.array([data.draw(st.booleans()) for _ in texts], dtype=np.bool_)
    match = Match([build(part) for part in parts], terms)

    rows = match.rows(among)
    found, scores = match.best(rows, limit)

    assert rows.tolist() == [
        n for n, t in enumerate(texts) if among[n] and set(terms) & set(t.split())
    ]
    every = bm25(terms, [texts[n] for n in rows])
    np.testing.assert_allclose(scores, every[np.isin(rows, found)], atol=1e-12)
    enough = min(sorted(every)[-limit:], default=0.0)
    assert set(rows[every >= enough].tolist()) <= set(found.tolist())


@pytest.mark.parametrize("taken", [1.0, 0.5])
@pytest.mark.parametrize("limit", [1, 10, 50])
def test_best_leaves_out_what_cannot_be(limit: int, taken: float) -> None:
    """Words as frequent as in talk: most texts hold the common ones, and few are looked at."""
    rng = np.random.default_rng(7)
    texts = [" ".join(f"w{n}" for n in rng.zipf(1.4, 12) % 900) for _ in range(6000)]
    terms = [f"w{n}" for n in (1, 2, 3, 17, 40, 333)]
    match = Match([build(texts[:1500]), build(texts[1500:])], terms)
    rows = match.rows(rng.random(len(texts)) < taken)

    found, scores = match.best(rows, limit)

    every = bm25(terms, [texts[n] for n in rows])
    enough = np.sort(every)[-limit]
    assert set(rows[every >= enough].tolist()) <= set(found.tolist())
    np.testing.assert_allclose(scores, every[np.isin(rows, found)], atol=1e-12)
    assert len(found) < len(rows) / 4


@given(documents, st.integers(0, 8), st.integers(0, 8), questions)
def test_grown_index_is_that_of_all_texts(
    texts: list[str], one: int, two: int, terms: list[str]
) -> None:
    first, second = sorted((one, two))

    grown = build(texts[:first]).grown(texts[:second]).grown(texts)

    whole = build(texts)
    assert grown.lengths.tolist() == whole.lengths.tolist()
    for term in terms:
        assert [a.tolist() for a in grown.find(term)] == [a.tolist() for a in whole.find(term)]


def test_long_tail_becomes_part_of_the_index() -> None:
    texts = [f"goat mill{n}" for n in range(1000)]

    short, long = build(texts[:100]).grown(texts[:200]), build(texts[:100]).grown(texts)

    assert short.tail is not None
    assert long.tail is None
    assert len(long.find("goat")[0]) == 1000


def test_grown_text_is_indexed_if_it_was() -> None:
    text = Text(["goat", "mill"])
    assert not text.grown(["rum"]).indexed
    text.wanted()
    assert text.grown(["rum"]).wanted(), "questions are counted on"
    assert text.postings.find("rum")[0].tolist() == []

    more = text.grown(["rum"])

    assert more.indexed
    assert more.postings.find("rum")[0].tolist() == [2]
    assert more.bytes == Text(["goat", "mill", "rum"]).bytes


def test_joined_copies_no_single_part() -> None:
    only = np.arange(3)

    assert joined([only]) is only
    assert joined([only, only]).tolist() == [0, 1, 2, 0, 1, 2]


def test_a_longer_index_takes_more_memory() -> None:
    assert build(["goat mill rum"] * 100).bytes > build(["goat"]).bytes > 0

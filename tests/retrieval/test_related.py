from hypothesis import given
from hypothesis import strategies as st

from graphmem.retrieval.related import related_counts, related_terms
from graphmem.retrieval.text import analyse

TABLE = related_terms()
TERMS = st.sampled_from(TABLE.terms[:500])


def near(term: str) -> set[str]:
    return {other for other, _ in TABLE.of(term)}


def test_what_is_about_the_same_is_related() -> None:
    assert "violin" in near("instrument")
    assert "puppi" in near("pet")
    assert "cake" in near("dessert")
    assert "violin" not in near("pet")


def test_unknown_terms_relate_to_nothing() -> None:
    assert TABLE.of("zzyzx") == ()
    assert TABLE.of("") == ()


@given(TERMS)
def test_relations_are_close_first_and_of_others(term: str) -> None:
    found = TABLE.of(term)
    closeness = [close for _, close in found]

    assert closeness == sorted(closeness, reverse=True)
    assert all(0 < close <= 1 for close in closeness)
    assert term not in near(term)
    assert len(near(term)) == len(found) <= 40


@given(TERMS)
def test_terms_are_as_the_analyser_writes_them(term: str) -> None:
    assert analyse(term) == (term,)


def test_counts_are_those_of_the_closest() -> None:
    close = dict(TABLE.of("instrument"))
    documents = ["violin flute", "violin", "sing", "", "instrument"]

    counts = related_counts(("instrument", "boat"), documents, TABLE)

    assert counts.shape == (2, 5)
    assert counts[0, 0] == max(close["violin"], close["flute"])
    assert counts[0, 1] == close["violin"]
    assert counts[0, 3] == 0
    assert counts[1].max() == 0, "nothing here is about boats"


def test_names_relate_to_nothing() -> None:
    assert related_counts(("violet",), ["purpl blue"], TABLE).max() > 0
    assert related_counts(("violet",), ["purpl blue"], TABLE, without={"violet"}).max() == 0


@given(st.lists(TERMS, max_size=4), st.lists(TERMS, max_size=6))
def test_counts_do_not_depend_on_the_order_of_documents(terms: list[str], words: list[str]) -> None:
    forward = related_counts(terms, words, TABLE)
    backward = related_counts(terms, words[::-1], TABLE)

    assert (forward == backward[:, ::-1]).all()

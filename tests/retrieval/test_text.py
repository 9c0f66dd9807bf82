from datetime import UTC, datetime
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphmem.ids import name_key
from graphmem.retrieval.text import (
    ASKS,
    MAX_TERM,
    analyse,
    analyse_query,
    asks,
    embedded_text,
    indexed_text,
)

WHEN = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
any_text = st.text() | st.text(alphabet="aeilnrst'’s AÅéÉ東京ไทยञ한국-_\"*:()^~?", max_size=60)


@settings(deadline=None)
@given(any_text)
def test_analyse_twice_equals_once(text: str) -> None:
    once = analyse(text)

    assert analyse(" ".join(once)) == once


@settings(deadline=None)
@given(any_text)
def test_terms_hold_no_syntax(text: str) -> None:
    for term in analyse(text):
        assert 1 <= len(term) <= MAX_TERM
        assert not any(char in " \"*:()^-+~_.,'\t\n\\" for char in term)
        assert any(char.isalnum() for char in term) or not term.isascii()


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["boats", "Running", "ate", "children's", "wolves", "skis", "generously"])
    )
)
def test_analyse_works_word_by_word(words: list[str]) -> None:
    assert analyse(" ".join(words)) == tuple(term for word in words for term in analyse(word))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Ada's boat wasn't in the garden", ("ada", "boat", "garden")),
        ("the CAFÉ, 1,200 kg", ("cafe", "1200", "kg")),
        ("she went, I go, they've gone", ("go", "go", "go")),
        ("won won't", ("win",)),
        ("AI", ("ai",)),
        ('"boat" AND NOT col:engine*', ("boat", "col", "engin")),
        ("東京に行", ("東京", "京に", "に行")),
        ("犬", ("犬",)),
        ("iPhone東京", ("iphon", "東京")),
        ("x" * 200, ("x" * MAX_TERM,)),
        ("the of and", ()),
        ("", ()),
    ],
)
def test_analyse_examples(text: str, terms: tuple[str, ...]) -> None:
    assert analyse(text) == terms


def test_forms_of_a_word_share_a_term() -> None:
    assert len({analyse(word) for word in ("bring", "brings", "bringing", "brought")}) == 1
    assert analyse("child") == analyse("children")


def test_question_words_are_dropped_from_questions_only() -> None:
    assert analyse_query("Where would Ada go before May?") == ("ada", "go", "may")
    assert "where" in analyse("where the river ends")


def test_question_of_question_words_keeps_them() -> None:
    assert analyse_query("Where, and when?") == ("where", "when")


def test_query_terms_are_unique() -> None:
    assert analyse_query("boat boats boat engine") == ("boat", "engin")


def test_indexed_text_carries_date_speaker_and_question() -> None:
    terms = analyse(indexed_text("Ada", WHEN, "Is the boat ready?"))

    assert terms == ("monday", "8", "may", "2023", "ada", "boat", "readi", ASKS)


def test_statement_carries_no_question_mark() -> None:
    assert ASKS not in analyse(indexed_text("Ada", WHEN, "Ready? Yes."))


@pytest.mark.parametrize(
    ("text", "asking"),
    [
        ("Ready?", True),
        ("Ready? Yes.", False),
        ("I left early. And you?\n[image: a boat]", True),
        ('"Really?"', True),
        ("本当？", True),
        ("[image: why?]", False),
        ("", False),
    ],
)
def test_asks_looks_at_the_end(text: str, asking: bool) -> None:
    assert asks(text) is asking


def test_embedded_text_names_the_speaker() -> None:
    assert embedded_text("Ada", WHEN, "hello") == "Ada: hello"
    assert embedded_text(None, WHEN, "hello") == "hello"


@settings(deadline=None)
@given(st.text())
def test_name_key_is_idempotent(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@pytest.mark.parametrize("name", ["Ada", "ADA", " ada ", "Ada's", "Ada’s", "ａｄａ"])
def test_spellings_share_a_name_key(name: str) -> None:
    assert name_key(name) == "ada"


@pytest.mark.parametrize(
    ("name", "key"), [("James'", "james"), ("Ada's's", "ada"), ("'s", "'s"), ("s", "s"), ("", "")]
)
def test_name_key_drops_the_possessive_only(name: str, key: str) -> None:
    assert name_key(name) == key


def test_name_key_keeps_accents_and_inner_blanks() -> None:
    assert name_key("José  Luis") == "josé luis"
    assert name_key("Jose") != name_key("José")


def test_threads_agree_on_stems() -> None:
    words = [
        f"{stem}{ending}" for stem in ("navigat", "hesitat") for ending in ("ing", "ion", "ed")
    ]
    expected = [analyse(word) for word in words]
    seen: list[list[tuple[str, ...]]] = []

    def work() -> None:
        seen.append([analyse(word) for word in words * 50][: len(words)])

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [expected] * 4

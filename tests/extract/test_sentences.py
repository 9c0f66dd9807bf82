"""Cutting texts: offsets, what is blanked, and that no text is expensive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.extract.sentences import (
    MAX_CHARS,
    MAX_SENTENCES,
    MAX_TOKENS,
    own_words,
    sentences,
)


def lows(text: str) -> list[str]:
    return [" ".join(s.lows) for s in sentences(text)]


@given(st.text(max_size=400))
def test_offsets_point_into_the_text(text: str) -> None:
    for s in sentences(text):
        for word, start, end in zip(s.words, s.starts, s.ends, strict=True):
            assert text[start:end] == word


@given(st.text(alphabet="`\"'<>*_#~> \n\tab.!?“”‘’[]:/@", max_size=300))
def test_blanking_keeps_every_offset(text: str) -> None:
    kept = own_words(text)

    assert len(kept) == len(text)
    assert all(a in (" ", b) for a, b in zip(kept, text, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't. I’m Ada!", ["i do n't .", "i 'm ada !"]),
        ("im here, dont go", ["i 'm here , do n't go"]),
        ("Dr. Alves lives at St. Mary's.", ["dr alves lives at st mary 's ."]),
        ("one\ntwo", ["one", "two"]),
        ("a; b", ["a ;", "b"]),
        ('He said "I live in Porto" twice.', ['he said " " twice .']),
        ('A cat called "Miso".', ["a cat called miso ."]),
        ("see https://example.org/a.b?c and go", ["see and go"]),
        ("**bold** _it_ `code`", ["bold it"]),
        ("> quoted\nmine", ["mine"]),
        ("```\ncode\n```\nafter", ["after"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_text_is_cut_into_words(text: str, expected: list[str]) -> None:
    assert lows(text) == expected


def test_question_is_marked() -> None:
    assert [s.question for s in sentences("Who? Me. Really?!")] == [True, False, True]


@pytest.mark.parametrize(
    ("text", "caseless"),
    [("I live in Porto", False), ("i live in porto", True), ("I LIVE IN PORTO", True)],
)
def test_capitals_that_say_nothing_are_known(text: str, caseless: bool) -> None:
    assert sentences(text)[0].caseless is caseless


def test_long_texts_are_read_up_to_the_bounds() -> None:
    found = sentences("Word. " * 50_000)
    (long,) = sentences("word " * 10_000)

    assert len(found) == MAX_SENTENCES
    assert max(s.ends[-1] for s in found) <= MAX_CHARS
    assert MAX_TOKENS <= len(long) <= MAX_TOKENS + 1

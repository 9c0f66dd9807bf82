"""Windows: pieces of the original text, which together cover it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.embed.windows import cut
from graphmem.errors import InvalidInput

LETTERS = "abcdefghij"
EVERY = list(range(len(LETTERS)))


@pytest.mark.parametrize("text", ["", " ", "one two"])
def test_short_text_is_its_own_window(text: str) -> None:
    assert cut(text, list(range(len(text.split()))), size=2, overlap=1) == (text,)


def test_windows_step_by_size_less_overlap() -> None:
    assert cut(LETTERS, EVERY, size=4, overlap=1) == ("abcd", "defg", "ghij")


def test_last_window_may_be_short() -> None:
    assert cut(LETTERS, EVERY, size=6, overlap=2) == ("abcdef", "efghij")
    assert cut(LETTERS, EVERY, size=5, overlap=1) == ("abcde", "efghi", "ij")


def test_no_window_is_only_overlap() -> None:
    assert cut(LETTERS[:7], EVERY[:7], size=4, overlap=1) == ("abcd", "defg")


def test_text_around_tokens_is_kept() -> None:
    windows = cut("  ab cd  ef ", [2, 5, 9], size=2, overlap=1)

    assert windows == ("  ab cd  ", "cd  ef ")


def test_tokens_sharing_a_character() -> None:
    """Three tokens of one character: whichever window it falls in, it is there whole."""
    assert cut("aXb", [0, 1, 1, 1, 2], size=2, overlap=1) == ("a", "X", "Xb")


def test_default_is_200_over_40() -> None:
    text = "x" * 361

    assert [len(window) for window in cut(text, range(361))] == [200, 200, 41]


@pytest.mark.parametrize(("size", "overlap"), [(4, 4), (4, 5), (0, 0), (4, -1)])
def test_overlap_must_fit(size: int, overlap: int) -> None:
    with pytest.raises(InvalidInput, match="overlap"):
        cut(LETTERS, EVERY, size=size, overlap=overlap)


@given(st.data())
def test_windows_cover_every_character(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 60))
    starts = sorted(data.draw(st.lists(st.integers(0, length - 1), max_size=80)))
    size = data.draw(st.integers(1, 12))
    overlap = data.draw(st.integers(0, size - 1))
    text = "".join(chr(0x4E00 + index) for index in range(length))

    windows = cut(text, starts, size=size, overlap=overlap)

    assert set("".join(windows)) == set(text)
    assert all(window in text for window in windows)
    assert windows[0][0] == text[0]
    assert windows[-1][-1] == text[-1]


@given(st.integers(1, 300), st.integers(1, 20), st.data())
def test_windows_hold_size_and_overlap(tokens: int, size: int, data: st.DataObject) -> None:
    """With a token for each character, sizes and overlaps can be read off."""
    overlap = data.draw(st.integers(0, size - 1))
    text = "".join(chr(0x4E00 + index) for index in range(tokens))

    windows = cut(text, range(tokens), size=size, overlap=overlap)

    assert all(len(window) <= size for window in windows)
    for before, after in pairwise(windows):
        assert len(after) > overlap
        assert before[len(before) - overlap :] == after[:overlap]

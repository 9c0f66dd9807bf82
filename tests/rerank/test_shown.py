import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.rerank.shown import quoted, shown
from graphmem.testing.rerank import HOSTILE, ODD


@given(st.text() | st.sampled_from((*ODD, *HOSTILE)), st.integers(1, 50))
def test_shown_is_one_short_line(text: str, limit: int) -> None:
    line = shown(text, limit)

    assert 1 <= len(line) <= limit
    assert line.splitlines() == [line]
    assert line.strip() == line


@given(st.text() | st.sampled_from((*ODD, *HOSTILE)))
def test_quoted_text_ends_where_it_ends(text: str) -> None:
    string = quoted(text, 400)

    assert len(string.splitlines()) == 1
    assert json.JSONDecoder().raw_decode(string) == (shown(text, 400), len(string))


@pytest.mark.parametrize("text", ["", " ", "\n\u2028\t"])
def test_nothing_is_shown_as_a_dash(text: str) -> None:
    assert shown(text) == "-"

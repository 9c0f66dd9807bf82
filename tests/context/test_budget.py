"""Shares, prefixes and cuts: the arithmetic of a token budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.context.budget import (
    CUT,
    SHARES,
    granted,
    how_many,
    how_many_short,
    left_for_memories,
    longest_line,
    shorten,
)
from graphmem.context.tokens import counter
from graphmem.models import Band

ROOM = st.integers(min_value=0, max_value=5000)
PRICES = st.lists(st.integers(min_value=0, max_value=900), max_size=40)
OTHERS: list[Band] = ["knowledge", "history", "state", "tools"]
NEEDS = st.fixed_dictionaries({}, optional={b: st.integers(0, 9000) for b in OTHERS})
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300)


def test_shares_are_the_whole() -> None:
    assert sum(SHARES.values()) == 100
    assert "system" not in SHARES


@given(room=ROOM, needs=NEEDS)
def test_grants_and_memories_fit_together(room: int, needs: dict[Band, int]) -> None:
    others = sum(granted(band, room, need) for band, need in needs.items())

    assert left_for_memories(room, needs) + others <= room


@given(room=ROOM, more=st.integers(0, 50), needs=NEEDS)
def test_memories_never_lose_by_more_room(room: int, more: int, needs: dict[Band, int]) -> None:
    assert left_for_memories(room + more, needs) >= left_for_memories(room, needs)


def test_memories_get_what_nobody_needs() -> None:
    assert left_for_memories(1000, {}) == 1000
    assert left_for_memories(1000, {"history": 100, "tools": 5000}) == 1000 - 100 - 100


def test_how_many_stops_at_the_first_that_does_not_fit() -> None:
    assert how_many([3, 3, 9, 1], 8) == 2
    assert how_many([3, 3], 6) == 2
    assert how_many([], 0) == 0
    assert how_many([1], 0) == 0


@given(prices=PRICES, room=ROOM, more=st.integers(0, 50))
def test_short_lines_never_get_fewer(prices: list[int], room: int, more: int) -> None:
    assert how_many_short(prices, room + more) >= how_many_short(prices, room)


@given(prices=PRICES, room=st.integers(48, 5000))
def test_short_lines_fit_when_cut(prices: list[int], room: int) -> None:
    fitting = how_many_short(prices, room)

    assert sum(min(price, longest_line(room)) for price in prices[:fitting]) <= room
    assert fitting >= how_many(prices, room)


@given(text=TEXT, room=st.integers(0, 60), least=st.integers(0, 10))
def test_shorten_fits_and_is_a_beginning(text: str, room: int, least: int) -> None:
    count = counter()

    short = shorten(text, room, count, least=least)

    if count(text) <= room:
        assert short == text
    elif short:
        assert count(short) <= room
        kept = short.removesuffix(CUT)
        assert text.startswith(kept)
        assert len(kept) > least


@given(text=TEXT, room=st.integers(0, 60), factor=st.integers(1, 7))
def test_shorten_fits_for_any_counter(text: str, room: int, factor: int) -> None:
    def odd(part: str) -> int:
        return sum(map(ord, part)) * factor % 97

    short = shorten(text, room, odd)

    assert short in ("", text) or (short.endswith(CUT) and text.startswith(short[: -len(CUT)]))
    assert not short or odd(short) <= room


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (30, "the harbour is closed until the storm has passed"),
        (26, "the harbour is closed" + CUT),
        (21, "the harbour is" + CUT),
        (8, ""),
    ],
)
def test_shorten_cuts_between_words(room: int, expected: str) -> None:
    def letters(text: str) -> int:
        return len(text.replace(" ", "").replace(CUT.strip().replace(" ", ""), "12345678"))

    text = "the harbour is closed until the storm has passed"
    assert shorten(text, letters(text) if room == 30 else room, letters) == expected


def test_shorten_cuts_a_word_when_there_is_no_blank() -> None:
    text = "海辺の町に住んでいる友だちの家には大きな犬がいて毎朝浜辺を走っている" * 9

    short = shorten(text, 40, counter())

    assert 30 <= counter()(short) <= 40
    assert text.startswith(short.removesuffix(CUT))


def test_shorten_counts_no_more_than_it_needs() -> None:
    counted: list[int] = []

    def watched(text: str) -> int:
        counted.append(len(text))
        return len(text.split())

    short = shorten("wave " * 100_000, 50, watched)

    assert len(short.split()) == 50
    assert sum(counted) < 20_000

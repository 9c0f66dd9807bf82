"""Who gets how many tokens of a context, and where a text is cut that is too long for its room.

Knows neither memories nor rendering: bands have a need and a share, texts have a price that a
function names.

Each band but the system text is granted what it needs, at most its share of the room. What bands
do not need flows on: to the memories first, then to the history, then to tools, state and
knowledge, and what these could not use to the history again. The memories are computed against
what the others are *granted*, used or not; so a larger room never leaves them with less:
the room minus the sum of min(need, share x room) does not fall, as the shares add up to one.

Where not all memories fit, long ones are cut before others are dropped: to a sixth of the band, or
48 tokens. How many then fit, from the best on, never falls when the band grows: of those that fit,
at most six stand at the limit, so together they grow no faster than the band.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from graphmem.models import Band

Counter = Callable[[str], int]

# In hundredths of the room that the system text leaves; together one hundred.
SHARES: Final[Mapping[Band, int]] = {
    "memories": 35,
    "knowledge": 10,
    "history": 40,
    "state": 5,
    "tools": 10,
}
CUT: Final = " … [cut]"
_LINES: Final = 6
_SHORTEST_LINE: Final = 48


def granted(band: Band, room: int, need: int) -> int:
    """Return what a band may count on: its need, at most its share of the room."""
    return max(0, min(need, room * SHARES[band] // 100))


def left_for_memories(room: int, needs: Mapping[Band, int]) -> int:
    """Return what the memories may take: the room without what the other bands are granted."""
    others = sum(min(100 * need, room * SHARES[b]) for b, need in needs.items() if b != "memories")
    return max(0, (100 * room - others) // 100)


def longest_line(room: int) -> int:
    """Return how many tokens one line may have in a band of this size."""
    return max(_SHORTEST_LINE, room // _LINES)


def how_many(prices: Sequence[int], room: int) -> int:
    """Return how many, from the first on, fit into the room together."""
    spent = 0
    for place, price in enumerate(prices):
        spent += price
        if spent > room:
            return place
    return len(prices)


def how_many_short(prices: Sequence[int], room: int) -> int:
    """Return how many, from the first on, fit when each is cut to the longest line.

    In sixths of a token, since with a rounded limit a larger room could hold fewer lines.
    """
    limit = max(_SHORTEST_LINE * _LINES, room)
    return how_many([min(price * _LINES, limit) for price in prices], room * _LINES)


def shorten(text: str, room: int, count: Counter, *, least: int = 0) -> str:
    """Return the text, or its longest beginning that fits with the mark of a cut; "" if none.

    No cut leaves ``least`` characters or fewer. A cut is made at a blank, where a token ends in
    every encoding that ships; in a text without blanks near enough, between two characters.
    O(log room) counts of a text not much longer than the room; exact for a counter that grows
    with the text, and for any other the answer fits nonetheless.
    """
    low, high = 0, max(64, 4 * room)
    while high < len(text) and count(text[:high] + CUT) <= room:
        low, high = high, 2 * high
    if high >= len(text):
        if count(text) <= room:
            return text
        high = len(text) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if count(text[:middle] + CUT) <= room:
            low = middle
        else:
            high = middle - 1
    for end in (_word_end(text, low), low):
        kept = text[:end].rstrip()
        if len(kept) > least and count(kept + CUT) <= room:
            return kept + CUT
    return ""


def _word_end(text: str, end: int) -> int:
    """Return the last end of a word in the second half of what may be kept, or ``end``."""
    if text[end : end + 1].isspace():
        return end
    return next((p for p in range(end, end // 2, -1) if text[p : p + 1].isspace()), end)

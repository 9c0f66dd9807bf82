"""When an episode has ended: what is told of the past, taken back, replaced, or yet to come."""

import pytest

from graphmem.graph.rows import ending

SAID, NOW, NEVER = 100, 200, 1000
HOLDS = (SAID, NEVER, NEVER)
ENDED = (SAID, NEVER, 150)
NEITHER, PARTLY, WHOLLY = (False, False), (False, True), (True, False)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        (None, NEITHER),  # it states nothing
        ((), WHOLLY),  # what it stated was denied, and no fact came of it
        ((HOLDS,), NEITHER),
        ((ENDED,), WHOLLY),
        ((HOLDS, ENDED), PARTLY),
        (((SAID, NEVER, NOW),), WHOLLY),  # it ends now
        (((SAID, NEVER, NOW + 1),), NEITHER),
        (((SAID, NEVER, SAID - 1),), NEITHER),  # told as past
        (((SAID, NEVER, SAID - 1), HOLDS), NEITHER),
        (((SAID, NEVER, SAID - 1), ENDED), WHOLLY),
        (((SAID, 150, NEVER), (150, NEVER, NEVER)), NEITHER),  # another version took its place
        (((SAID, 150, NEVER), (150, NEVER, 140)), WHOLLY),
        (((SAID, 150, NEVER),), WHOLLY),  # taken back
        (((SAID, 150, NEVER), HOLDS), PARTLY),
        (((SAID, NOW, NEVER), (NOW, NEVER, 120)), WHOLLY),  # learnt this moment
        (((SAID, NOW + 1, NEVER), (NOW + 1, NEVER, 120)), NEITHER),  # not yet known
        (((NOW + 1, NEVER, NEVER),), NEITHER),  # of what it states nothing is known yet
    ],
)
def test_ending(
    spans: tuple[tuple[int, int, int], ...] | None, expected: tuple[bool, bool]
) -> None:
    assert ending(spans, as_of=NOW, known_at=NOW, said_at=SAID) == expected


def test_ending_goes_by_both_clocks() -> None:
    spans = ((SAID, 180, NEVER), (180, NEVER, 150))

    assert ending(spans, as_of=NOW, known_at=170, said_at=SAID) == NEITHER
    assert ending(spans, as_of=140, known_at=NOW, said_at=SAID) == NEITHER
    assert ending(spans, as_of=NOW, known_at=NOW, said_at=SAID) == WHOLLY

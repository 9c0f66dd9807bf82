"""Cut a text into overlapping windows, given where its tokens begin.

Knows no tokenizer and no model: the embedders bring the token offsets. A window is a piece of the
original text, so what is embedded can be shown, and the windows together cover every character.
"""

from collections.abc import Sequence
from typing import Final

from graphmem.errors import InvalidInput

WINDOW_TOKENS: Final = 200
OVERLAP_TOKENS: Final = 40


def cut(
    text: str,
    starts: Sequence[int],
    *,
    size: int = WINDOW_TOKENS,
    overlap: int = OVERLAP_TOKENS,
) -> tuple[str, ...]:
    """Return windows of at most ``size`` tokens, each beginning ``overlap`` before the last ended.

    ``starts`` are the character offsets at which the tokens begin, ascending; tokens that share a
    character share an offset. A window ends where the next token begins, so white space stays with
    the token before it; the first begins at 0 and the last ends with the text. A text of at most
    ``size`` tokens, an empty one too, is its own single window.
    """
    if not 0 <= overlap < size:
        raise InvalidInput(
            f"an overlap of {overlap} tokens does not fit in a window of {size}; "
            "it must be at least 0 and smaller than the window"
        )
    if len(starts) <= size:
        return (text,)
    windows: list[str] = []
    for first in range(0, len(starts) - overlap, size - overlap):
        begin = starts[first] if first else 0
        end = starts[first + size] if first + size < len(starts) else len(text)
        # Empty when one character takes more tokens than a window holds; it is then in the next.
        if begin < end:
            windows.append(text[begin:end])
    return tuple(windows)

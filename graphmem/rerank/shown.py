"""What a model is shown of a text: one line, no control characters, no longer than it is worth.

Knows no model.
"""

import json
from typing import Final

from graphmem.guard.text import visible

PASSAGE_CHARS: Final = 4000
"""As much as the common rerankers read, of 512 tokens, in any language, with room to spare."""


def shown(text: str, limit: int = PASSAGE_CHARS) -> str:
    """Return the text on one line, at most ``limit`` characters; a dash where nothing is left.

    Providers refuse a whole request for one empty text in it.
    """
    # Before the blanks go too: a text is up to 64 KiB, and a line needs none of the rest.
    return " ".join(visible(text[: 4 * limit]).split())[:limit].rstrip() or "-"


def quoted(text: str, limit: int) -> str:
    """Return ``shown`` as a JSON string: no text can end it, or begin a line."""
    return json.dumps(shown(text, limit), ensure_ascii=False)

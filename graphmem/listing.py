"""Walks a listing to its end, whoever lists: page by page, by the cursor of the one before."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from graphmem.models import Page

PAGE: Final = 500
"""How many memories to ask for at once."""


async def pages(read: Callable[[str | None], Awaitable[Page]]) -> AsyncIterator[Page]:
    """Yield every page; ``read`` is given the cursor of the page before, None for the first."""
    cursor: str | None = None
    while True:
        page = await read(cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return

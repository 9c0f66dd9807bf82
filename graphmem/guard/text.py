"""Is this text, this event, fit to be kept for ever? Clear errors, never a silent repair.

NUL and lone surrogates are refused (no store keeps both); other control characters are kept as
they came, since the log is verbatim, and made harmless where text is shown. Does not know stores.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast, get_args

from graphmem.errors import InvalidInput, TooLarge
from graphmem.models import (
    Event,
    EventType,
    FilePart,
    ImagePart,
    JsonPart,
    Origin,
    Part,
    Role,
    TextPart,
)

MAX_TEXT_BYTES: Final = 64 * 1024
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(days=1)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_DEEP: Final = 32


def check_text(text: object, what: str, *, limit: int = MAX_TEXT_BYTES) -> str:
    """Return the text as it is, or raise: no text, NUL, lone surrogate, or over ``limit`` bytes."""
    if not isinstance(text, str):
        raise InvalidInput(f"{what}: expected text, found {type(text).__name__}")
    if "\0" in text:
        raise InvalidInput(f"{what}: holds a NUL character at {text.index(chr(0))}")
    lone = _SURROGATE.search(text)
    if lone is not None:
        raise InvalidInput(f"{what}: holds a lone surrogate at {lone.start()}, so it is not text")
    size = len(text.encode())
    if size > limit:
        raise TooLarge(what, size, limit)
    return text


def visible(text: str) -> str:
    """Return the text for showing: control and direction-changing characters replaced."""
    return _UNSEEN.sub("\ufffd", text)


def check_id(value: object, what: str) -> str:
    """Return an id, or raise: 1 to 256 printable characters without blanks at the ends."""
    text = check_text(value, what, limit=1024)
    if not text or len(text) > 256 or not text.isprintable() or text != text.strip():
        raise InvalidInput(
            f"{what} {text[:40]!r}: expected 1 to 256 printable characters "
            "without blanks at the ends"
        )
    return text


def check_moment(moment: object, what: str, *, now: datetime) -> datetime:
    """Return an aware moment in UTC between 1900 and a day from now, or raise."""
    if not isinstance(moment, datetime):
        raise InvalidInput(f"{what}: expected a date and time, found {moment!r}")
    if moment.tzinfo is None:
        raise InvalidInput(f"{what}: {moment.isoformat()} has no time zone; write +00:00 or Z")
    if not EARLIEST <= moment <= now + AHEAD:
        raise InvalidInput(
            f"{what}: {moment.isoformat()} is out of range; expected from 1900 up to now"
        )
    return moment.astimezone(UTC)


def check_json(value: object, what: str, *, depth: int = 0) -> None:
    """Raise unless the value is JSON: finite numbers, text keys, no more than 32 levels."""
    if depth > _DEEP:
        raise InvalidInput(f"{what}: is nested more than {_DEEP} levels deep")
    match value:
        case None | bool() | int():
            return
        case float():
            if value != value or value in (float("inf"), float("-inf")):
                raise InvalidInput(f"{what}: holds {value!r}, which is no JSON number")
        case str():
            check_text(value, what)
        case list():
            for item in cast("list[Any]", value):
                check_json(item, what, depth=depth + 1)
        case dict():
            for key, item in cast("dict[Any, Any]", value).items():
                check_text(key, f"{what}: a key")
                check_json(item, what, depth=depth + 1)
        case _:
            raise InvalidInput(f"{what}: holds a {type(value).__name__}, which is not JSON")


def check_event(event: Event, *, now: datetime, limit: int = MAX_TEXT_BYTES) -> None:
    """Raise unless the event can be kept as it is."""
    check_id(event.id, "event id")
    check_id(event.session_id, "session id")
    what = f"event {event.id!r}"
    for name, allowed in (("type", EventType), ("role", Role), ("origin", Origin)):
        value: str = getattr(event, name)
        if value not in get_args(allowed):
            raise InvalidInput(
                f"{what}: unknown {name} {value!r}; expected one of {get_args(allowed)}"
            )
    for name in ("author", "agent"):
        named: str | None = getattr(event, name)
        if named is not None:
            check_id(named, f"{what}: {name}")
    check_moment(event.occurred_at, f"{what}: occurred_at", now=now)
    check_json(dict(event.metadata), f"{what}: metadata")
    if not event.parts:
        raise InvalidInput(f"{what} is empty: it has no parts")
    size = sum(_part(part, what) for part in event.parts)
    if size > limit:
        raise TooLarge(what, size, limit)
    if not event.text.strip() and all(isinstance(p, TextPart) for p in event.parts):
        raise InvalidInput(f"{what} is empty: its text is blank")


def _part(part: Part, what: str) -> int:
    match part:
        case TextPart():
            texts = [part.text]
        case JsonPart():
            check_json(part.value, f"{what}: a JSON part")
            return len(repr(part.value).encode())
        case ImagePart():
            texts = [part.uri, part.media_type or "", part.caption or ""]
        case FilePart():
            texts = [part.uri, part.media_type or "", part.name or ""]
    return sum(len(check_text(t, what).encode()) for t in texts)

"""Times as stores keep them: integers, microseconds since 1970 in UTC.

Open ends are sentinels inside the store, so that "valid then, as known then" is one range
predicate for an index. Does not know tables.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
FOREVER: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _TICK
BEGINNING: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _TICK


def to_us(moment: datetime) -> int:
    """Return microseconds since 1970; the moment must be aware."""
    return (moment - _EPOCH) // _TICK


def from_us(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def opt_us(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment)


def opt_from(value: int | None) -> datetime | None:
    return None if value is None else from_us(value)


def start_us(moment: datetime | None) -> int:
    """Encode the start of an interval; ``None`` is the beginning of time."""
    return BEGINNING if moment is None else to_us(moment)


def end_us(moment: datetime | None) -> int:
    """Encode the end of an interval; ``None`` is the end of time."""
    return FOREVER if moment is None else to_us(moment)


def bound(value: int) -> datetime | None:
    """Decode either end of an interval."""
    return None if value in (BEGINNING, FOREVER) else from_us(value)

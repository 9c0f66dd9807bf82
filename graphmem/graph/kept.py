"""What was made of a scope, kept while the scope's version stands.

The version is read in the same snapshot as the rest of an answer, so that what another process has
just written is seen. Does not know what it keeps.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    @property
    def bytes(self) -> int: ...


T = TypeVar("T", bound=Sized)


class Kept(Generic[T]):
    """The values used last, within a bound of memory; safe across threads.

    A value larger than the bound is kept alone. Two threads may make the same value at once.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._used = 0
        self._kept: OrderedDict[Hashable, tuple[int, int, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: int, make: Callable[[tuple[int, T] | None], T]) -> T:
        """Return the value as of ``version``; where it is not kept, what ``make`` makes.

        ``make`` is given what is kept of another version, and that version, if there is one.
        """
        with self._lock:
            found = self._kept.get(key)
            if found is not None and found[0] == version:
                self._kept.move_to_end(key)
                return found[2]
        value = make(found and (found[0], found[2]))
        with self._lock:
            before = self._kept.pop(key, None)
            size = value.bytes
            self._kept[key] = (version, size, value)
            self._used += size - (0 if before is None else before[1])
            while self._used > self._most and len(self._kept) > 1:
                _, (_, freed, _) = self._kept.popitem(last=False)
                self._used -= freed
        return value

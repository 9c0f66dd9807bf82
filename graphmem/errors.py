"""Every error that graphmem raises on purpose.

GraphmemError                      status  retryable
├─ InvalidInput                     400       no
│   ├─ BudgetTooSmall               400       no
│   └─ TooLarge                     413       no
├─ NotFound                         404       no
├─ Conflict                         409       no
│   ├─ EmbeddingMismatch            409       no
│   └─ StreamParked                 409       no
├─ LeaseLost                        409       no
├─ StoreError                       500       no
│   ├─ StoreUnavailable             503       yes
│   ├─ ReadOnlyStore                503       no
│   ├─ SchemaOutdated               500       no
│   └─ Unsupported                  501       no
├─ ExtractionError                  502       no
│   ├─ ModelUnavailable             503       yes
│   └─ MalformedAnswer              502       yes
└─ MissingExtra                     500       no

The HTTP statuses are a table in ``graphmem/api/errors.py``; this module does not know HTTP,
drivers or models. ``retryable`` and ``outage`` are the only questions that the worker asks: whether
trying again may help, and whether what failed is away, so that no work of ours is at fault.
"""

from typing import ClassVar


class GraphmemError(Exception):
    """Something went wrong in graphmem."""

    retryable: ClassVar[bool] = False
    outage: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class InvalidInput(GraphmemError):
    """The input is well formed but wrong."""


class BudgetTooSmall(InvalidInput):
    """The token budget cannot hold what must be in the context."""

    def __init__(self, budget: int, needed: int) -> None:
        super().__init__(
            f"a budget of {budget} tokens is too small: the system text and its frame "
            f"alone need {needed}; give at least that many"
        )
        self.budget = budget
        self.needed = needed


class TooLarge(InvalidInput):
    """The input is larger than the limit."""

    def __init__(self, what: str, size: int, limit: int, unit: str = "bytes") -> None:
        super().__init__(f"{what} has {size} {unit}; the limit is {limit} {unit}")
        self.limit = limit


class NotFound(GraphmemError):
    """There is nothing of that name in this scope."""


class Conflict(GraphmemError):
    """The store already holds something else under that id."""


class EmbeddingMismatch(Conflict):
    """The store's vectors were made by another embedding model."""

    def __init__(self, stored: str, given: str) -> None:
        super().__init__(
            f"this store's vectors were made by {stored!r}, but the embedder in use is {given!r}; "
            "use the same embedder, or change the store with `graphmem reembed`"
        )
        self.stored = stored
        self.given = given


class StreamParked(Conflict):
    """The stream is parked at an event that cannot be consolidated."""


class LeaseLost(GraphmemError):
    """Another worker, or a deletion, has taken this stream; stop writing to it."""


class StoreError(GraphmemError):
    """The store failed; the driver's own error is kept as the cause."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or is busy; try again."""

    retryable: ClassVar[bool] = True
    outage: ClassVar[bool] = True


class ReadOnlyStore(StoreError):
    """The store cannot be written to."""


class SchemaOutdated(StoreError):
    """The store's schema and this version of graphmem do not fit."""


class Unsupported(StoreError):
    """This backend cannot do that."""


class ExtractionError(GraphmemError):
    """The extractor failed on this input."""


class ModelUnavailable(ExtractionError):
    """The model cannot be reached, is overloaded, or refused for now; try again."""

    retryable: ClassVar[bool] = True
    outage: ClassVar[bool] = True


class MalformedAnswer(ExtractionError):
    """The model's answer cannot be read; the raw answer is attached."""

    retryable: ClassVar[bool] = True

    def __init__(self, message: str | None = None, *, raw: str = "") -> None:
        super().__init__(message)
        self.raw = raw


class MissingExtra(GraphmemError):
    """An optional dependency is not installed."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(
            f"{package!r} is not installed; install it with the extra {extra!r}: "
            f"pip install 'graphmem[{extra}]'"
        )
        self.extra = extra

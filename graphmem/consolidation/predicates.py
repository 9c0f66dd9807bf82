"""The predicate vocabulary: which predicates there are, and how they behave.

The table itself is data, ``predicates.toml``; a user's own file of the same form is laid over it,
row by row. Does not know assertions or facts.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal, cast, get_args

from graphmem import ids
from graphmem.errors import InvalidInput
from graphmem.models import EMPTY, EntityKind, MemoryType


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """One row of the table; the head of ``predicates.toml`` says what the fields mean."""

    name: str
    text: str
    past: str
    functional: bool = False
    by_kind: bool = False
    symmetric: bool = False
    inverse: str | None = None
    subject: tuple[str, ...] = ()
    object: tuple[str, ...] = ("value",)
    topic: str = "other"
    type: MemoryType = "semantic"
    importance: float = 0.5
    authority: Literal["user", "operator"] = "user"
    closes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    final: tuple[str, ...] = ()

    def lasts(self, value: str | None) -> bool:
        """Return whether this value is one that no later one follows."""
        return ids.name_key(value) in self.final if value else False

    def closed_by(self, value: str | None) -> tuple[str, ...]:
        """Return which other states of the subject end where this one begins, with this value."""
        named = self.closes.get(ids.name_key(value), ()) if value else ()
        return (*self.closes.get("", ()), *named)

    @property
    def closing(self) -> frozenset[str]:
        """All that some value of this one closes, as the table says it."""
        return frozenset(name for names in self.closes.values() for name in names)


def closed_whole(table: Mapping[str, Predicate]) -> frozenset[str]:
    """Return the predicates with a slot for each object that something ends whatever the object."""
    closed = {name for row in table.values() for name in row.closing if "=" not in name}
    return frozenset(n for n in closed if not (get(table, n).functional or get(table, n).symmetric))


_Check = tuple[Callable[[object], bool], str]


def _one_of(*words: str) -> _Check:
    return lambda given: given in words, "one of " + ", ".join(words)


def _some_of(*words: str) -> _Check:
    def right(given: object) -> bool:
        return isinstance(given, list) and all(x in words for x in cast("list[object]", given))

    return right, "a list of some of " + ", ".join(words)


_FLAG: Final[_Check] = (lambda given: isinstance(given, bool), "true or false")
_TEXT: Final[_Check] = (lambda given: isinstance(given, str), "a text")
_EXPECTED: Final[Mapping[str, _Check]] = {
    "functional": _FLAG,
    "by_kind": _FLAG,
    "symmetric": _FLAG,
    "past": (lambda given: isinstance(given, str) and "{o}" in given, "a text that holds {o}"),
    "inverse": _TEXT,
    "topic": _TEXT,
    "subject": _some_of(*get_args(EntityKind)),
    "object": _some_of(*get_args(EntityKind), "value"),
    "type": _one_of(*get_args(MemoryType)),
    "importance": (
        lambda given: type(given) in (int, float) and 0 <= cast("float", given) <= 1,
        "a number from 0 to 1",
    ),
    "authority": _one_of("user", "operator"),
    "final": (
        lambda given: (
            isinstance(given, list) and all(isinstance(x, str) for x in cast("list[object]", given))
        ),
        "a list of texts",
    ),
}
"""What a field must be, and how to say so. ``text`` and ``closes`` are looked at more closely."""

_FIELDS = frozenset(Predicate.__dataclass_fields__) - {"name"}


def parse(text: str, *, origin: str) -> dict[str, Predicate]:
    """Read a table; InvalidInput names the row and field that is wrong."""
    try:
        rows = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{origin}: not TOML: {error}") from error
    return {name: _row(name, row, origin) for name, row in rows.items()}


def _row(name: str, row: object, origin: str) -> Predicate:
    if not isinstance(row, dict):
        raise InvalidInput(f"{origin}: {name!r} is no table")
    fields = cast("dict[str, Any]", row)
    unknown = sorted(set(fields) - _FIELDS)
    if unknown:
        raise InvalidInput(f"{origin}: [{name}] has unknown fields {unknown}")
    text = fields.get("text")
    if not isinstance(text, str) or "{o}" not in text:
        raise InvalidInput(f"{origin}: [{name}] needs a text that holds {{o}}")
    for key, (right, expected) in _EXPECTED.items():
        if key in fields and not right(fields[key]):
            raise InvalidInput(f"{origin}: [{name}] {key} must be {expected}, not {fields[key]!r}")
    known: dict[str, Any] = {
        key: tuple(cast("list[Any]", v)) if isinstance(v, list) else v for key, v in fields.items()
    }
    known.setdefault("past", text)
    known["final"] = tuple(ids.name_key(value) for value in known.get("final", ()))
    if "closes" in fields:
        known["closes"] = _closes(fields["closes"], f"{origin}: [{name}]")
    return Predicate(name=name, **known)


def _closes(given: object, where: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(given, dict):
        raise InvalidInput(f"{where} closes must be a table of values and predicates")
    found: dict[str, tuple[str, ...]] = {}
    for value, names in cast("dict[str, Any]", given).items():
        if not isinstance(names, list) or not all(
            isinstance(name, str) for name in cast("list[Any]", names)
        ):
            raise InvalidInput(f"{where} closes.{value!r} must be a list of predicates")
        found[ids.name_key(value)] = tuple(cast("list[str]", names))
    return MappingProxyType(found)


@cache
def load() -> Mapping[str, Predicate]:
    """Return the table that ships with graphmem."""
    text = files("graphmem.consolidation").joinpath("predicates.toml").read_text("utf-8")
    return MappingProxyType(parse(text, origin="predicates.toml"))


def with_own(text: str, *, origin: str) -> Mapping[str, Predicate]:
    """Return the shipped table with a user's rows in place of its own or beside them.

    InvalidInput as in ``parse``, and where a row closes what cannot be.
    """
    rows = parse(text, origin=origin)
    table = {**load(), **rows}
    for row in rows.values():
        for name in sorted({closed.partition("=")[0] for closed in row.closing}):
            many = name in table and table[name].symmetric and not table[name].functional
            if many or name not in table:
                why = "mutual and many, so nothing ends all of them" if many else "no predicate"
                raise InvalidInput(f"{origin}: [{row.name}] closes {name!r}, which is {why}")
    return MappingProxyType(table)


def get(table: Mapping[str, Predicate], name: str) -> Predicate:
    """Return a predicate; one that is not in the table is multi-valued and reads as it is named."""
    found = table.get(name)
    if found is None:
        words = name.replace("_", " ")
        found = Predicate(name=name, text=f"{{s}} {words} {{o}}", past=f"{{s}} {words} {{o}}")
    return found

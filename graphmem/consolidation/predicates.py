"""The predicate vocabulary: which predicates there are, and how they behave.

The table itself is data, ``predicates.toml``; a user's own file of the same form is merged over
it. Does not know assertions or facts.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from graphmem import ids
from graphmem.errors import InvalidInput
from graphmem.models import EMPTY, MemoryType


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

    def closed_by(self, value: str | None) -> tuple[str, ...]:
        """Return which other states of the subject end where this one begins, with this value."""
        named = self.closes.get(ids.name_key(value), ()) if value else ()
        return (*self.closes.get("", ()), *named)


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
    if fields.get("type", "semantic") not in get_args(MemoryType):
        raise InvalidInput(f"{origin}: [{name}] type must be one of {get_args(MemoryType)}")
    if not 0 <= float(fields.get("importance", 0.5)) <= 1:
        raise InvalidInput(f"{origin}: [{name}] importance must be from 0 to 1")
    known: dict[str, Any] = {
        key: tuple(cast("list[Any]", v)) if isinstance(v, list) else v for key, v in fields.items()
    }
    known.setdefault("past", text)
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


def get(table: Mapping[str, Predicate], name: str) -> Predicate:
    """Return a predicate; one that is not in the table is multi-valued and reads as it is named."""
    found = table.get(name)
    if found is None:
        words = name.replace("_", " ")
        found = Predicate(name=name, text=f"{{s}} {words} {{o}}", past=f"{{s}} {words} {{o}}")
    return found

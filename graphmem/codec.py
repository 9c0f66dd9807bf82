"""Parts, statements and extractions as JSON text, and back; exact both ways.

One place for what the log, the graph and a transfer write. Does not know tables. Keys that hold
their default are left out, so that old rows stay readable when a field is added.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from graphmem.errors import StoreError
from graphmem.models import (
    Extraction,
    FilePart,
    ImagePart,
    Json,
    JsonPart,
    Mention,
    Part,
    Quote,
    Statement,
    TextPart,
)

_canonical: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
).encode
_AS_THEY_ARE: Final = frozenset((str, float, int, bool))
_PARTS: Final = {"text": TextPart, "json": JsonPart, "image": ImagePart, "file": FilePart}


def dumps(value: object) -> str:
    """Return canonical JSON: sorted keys, no blanks, no NaN."""
    return _canonical(value)


def loads_object(text: str) -> dict[str, Json]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise StoreError(f"expected a JSON object, found {text[:40]!r}")
    return cast("dict[str, Json]", found)


def dump_parts(parts: Sequence[Part]) -> str:
    return dumps(
        [
            {
                name: value
                for name in p.__slots__
                if (value := getattr(p, name)) is not None or name == "value"
            }
            for p in parts
        ]
    )


def load_parts(text: str) -> tuple[Part, ...]:
    return tuple(_PARTS[row["type"]](**row) for row in json.loads(text))


def _plain(value: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in value.__slots__:
        field = getattr(value, name)
        if name in defaults and field == defaults[name]:
            continue
        found[name] = _encode(field)
    return found


def _encode(value: Any) -> Any:
    if value is None or type(value) in _AS_THEY_ARE:
        return value
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case Mention():
            return _plain(value, _MENTION)
        case Quote():
            return [value.text, value.start, value.end]
        case Statement():
            return _plain(value, _STATEMENT)
        case tuple():
            return [_encode(v) for v in cast("tuple[Any, ...]", value)]
        case _:
            return value


def _defaults(sample: Any, required: frozenset[str]) -> dict[str, Any]:
    return {name: getattr(sample, name) for name in sample.__slots__ if name not in required}


_MENTION: Final = _defaults(Mention(name="", kind="thing"), frozenset({"name", "kind"}))
_STATEMENT: Final = _defaults(
    Statement(
        subject=Mention(name="", kind="thing"),
        predicate="",
        quote=Quote(text="", start=0, end=0),
    ),
    frozenset({"subject", "predicate", "quote"}),
)


def dump_statement(statement: Statement) -> str:
    return dumps(_encode(statement))


def load_statement(text: str) -> Statement:
    return _statement(json.loads(text))


def _statement(row: dict[str, Any]) -> Statement:
    quote = row["quote"]
    times = {
        name: datetime.fromisoformat(row[name])
        for name in ("valid_from", "valid_to")
        if row.get(name)
    }
    known: dict[str, Any] = {**row, **times, "subject": Mention(**row["subject"])}
    if row.get("object") is not None:
        known["object"] = Mention(**row["object"])
    known["quote"] = Quote(text=quote[0], start=quote[1], end=quote[2])
    return Statement(**known)


def dump_extraction(extraction: Extraction) -> str:
    return dumps(
        {
            "event_id": extraction.event_id,
            "extractor": extraction.extractor,
            "statements": [_encode(s) for s in extraction.statements],
            "mentions": [_encode(m) for m in extraction.mentions],
        }
    )


def load_extraction(text: str) -> Extraction:
    row = json.loads(text)
    return Extraction(
        event_id=row["event_id"],
        extractor=row["extractor"],
        statements=tuple(_statement(s) for s in row["statements"]),
        mentions=tuple(Mention(**m) for m in row["mentions"]),
    )

"""A whole memory as lines of JSON: the format of ``graphmem export``.

A line is ``{"kind": …, "record": {…}}``. The first, the ``header``, says what the file is; the
last, the ``end``, how many records of each kind there are and the SHA-256 of every byte before it.
A field that has its default is left out. Times are ISO 8601 in UTC with microseconds, bytes are
base64, and a vector is the base64 of its little-endian float32, one text per window.

How a field is written follows from its type, read once from the records themselves: a field that
is added to one is in the format, too, and what is not of its type is refused. Does not know stores,
nor where the lines come from.
"""

# The values that a codec writes are of a type that only it knows.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

import hashlib
import json
import types
import typing
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, BinaryIO, Final, Literal, NamedTuple, NoReturn, TypeAlias, cast

import numpy as np

from graphmem import codec
from graphmem.errors import InvalidInput
from graphmem.models import Embedding, Part
from graphmem.records import GRAPH_KINDS, LOG_KINDS, GraphRecord, LogRecord

Record: TypeAlias = LogRecord | GraphRecord

FORMAT: Final = "graphmem-memory"
VERSION: Final = 1
MAX_LINE: Final = 64 << 20
"""The longest line that is read, in bytes: an event with thousands of windows is far below it."""

KINDS: Final[Mapping[str, type[Record]]] = {**LOG_KINDS, **GRAPH_KINDS}
_NAMES: Final = {made: name for name, made in KINDS.items()}


class Codec(NamedTuple):
    """How the values of one type are written, and read again."""

    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]


# --------------------------------------------------------------------------- records and lines


def kind_of(record: Record) -> str:
    return _NAMES[type(record)]


def dump(record: Record) -> str:
    """Return a record as one line, without its end."""
    return _line(kind_of(record), _codec_of(type(record)).dump(record))


def load(line: str) -> Record:
    """Return the record of a line; InvalidInput says what is wrong with it."""
    kind, row = _parsed(line)
    made = KINDS.get(kind)
    if made is None:
        raise InvalidInput(f"unknown kind {kind!r}; expected one of {', '.join(KINDS)}")
    try:
        return _codec_of(made).load(row)
    except InvalidInput as error:
        raise InvalidInput(f"{kind}: {error}") from error


def _line(kind: str, row: dict[str, Any]) -> str:
    return codec.dumps({"kind": kind, "record": row})


def _parsed(line: str) -> tuple[str, dict[str, Any]]:
    try:
        found = json.loads(line, parse_constant=_no_number)
        if "\\u" in line:
            # JSON can spell half of a pair of surrogates, which no store could keep.
            codec.dumps(found).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"not JSON that can be read: {error}") from error
    match found:
        case {"kind": str(kind), "record": dict(row)} if len(found) == 2:
            return kind, cast("dict[str, Any]", row)
        case _:
            raise InvalidInput("expected an object with a kind and a record, and nothing else")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


class Tally:
    """How many records there are of each kind, and which, whatever their order; in little room.

    Two tallies are equal when they were told the same records: sums of SHA-256 are compared, which
    nobody hits by accident.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._sums: Counter[str] = Counter()

    def add(self, record: Record) -> str:
        """Count a record; return its line."""
        line, kind = dump(record), kind_of(record)
        self.counts[kind] += 1
        self._sums[kind] += int.from_bytes(hashlib.sha256(line.encode()).digest())
        return line

    def unlike(self, other: "Tally") -> list[str]:
        """Return the kinds that the two were not told the same of."""
        kinds = [kind for kind in KINDS if self.counts[kind] or other.counts[kind]]
        return [kind for kind in kinds if self._sums[kind] != other._sums[kind]]


# --------------------------------------------------------------------------- files


class Writer:
    """Writes the lines of a file one by one; the file is whole once ``close`` has returned."""

    def __init__(self, file: BinaryIO, *, at: datetime) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        self.tally = Tally()
        self._put(_line("header", {"format": FORMAT, "version": VERSION, "at": _iso(at)}))

    def add(self, record: Record) -> None:
        self._put(self.tally.add(record))

    def close(self) -> None:
        counts = dict(self.tally.counts)
        self._put(_line("end", {"counts": counts, "sha256": self._sum.hexdigest()}))

    def _put(self, text: str) -> None:
        line = text.encode() + b"\n"
        self._sum.update(line)
        self._file.write(line)


def read(file: BinaryIO) -> Iterator[Record]:
    """Yield the records of a file; InvalidInput names the line that is wrong.

    Only when the iteration ends by itself is the file known to be whole and unaltered.
    """
    lines = _lines(file)
    number, first = next(lines, (1, b""))
    _check_header(first)
    total, counts = hashlib.sha256(first), Counter[str]()
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    last = next(iter(KINDS))
    for number, line in lines:
        try:
            text = _whole_line(line)
            if text.startswith(_END):
                _check_end(_parsed(text)[1], counts, total.hexdigest())
                break
            record = load(text)
            kind = kind_of(record)
            if ranks[kind] < ranks[last]:
                raise InvalidInput(f"{kind} comes before {last} in an export, not after it")
        except (InvalidInput, UnicodeDecodeError) as error:
            raise InvalidInput(f"line {number}: {error}") from error
        total.update(line)
        counts[kind] += 1
        last = kind
        yield record
    else:
        raise InvalidInput(f"the file is cut short: it ends with line {number}, without its end")
    for number, _ in lines:
        raise InvalidInput(f"line {number}: there is more after the end")


_END: Final = '{"kind":"end"'  # as we write it, keys sorted


def _whole_line(line: bytes) -> str:
    if not line.endswith(b"\n"):
        raise InvalidInput("the file is cut short inside this line")
    return line.decode()


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while True:
        number += 1
        try:
            line = file.readline(MAX_LINE + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInput(f"line {number}: cannot be read: {error}") from error
        if not line:
            return
        if len(line) > MAX_LINE:
            raise InvalidInput(f"line {number} is longer than {MAX_LINE} bytes")
        yield number, line


def _check_header(line: bytes) -> None:
    try:
        kind, head = _parsed(line.decode())
    except (InvalidInput, UnicodeDecodeError):
        kind, head = "", {}
    if kind != "header" or head.get("format") != FORMAT:
        raise InvalidInput("line 1: this is no export of graphmem")
    version = head.get("version")
    if type(version) is not int or version < 1:
        raise InvalidInput(f"line 1: {version!r} is no version of the format")
    if version > VERSION:
        raise InvalidInput(
            f"line 1: the file has format {version}, this graphmem knows {VERSION}: "
            "it was written by a newer version; upgrade graphmem"
        )


def _check_end(end: dict[str, Any], counts: Mapping[str, int], digest: str) -> None:
    if end.get("counts") != dict(counts) or end.get("sha256") != digest:
        raise InvalidInput("the file was altered: its lines are not those that were counted")


# --------------------------------------------------------------------------- types


@cache
def _codec_of(made: type) -> Codec:
    """Return the codec of a frozen dataclass."""
    if made is Embedding:
        return _embedding()
    hints = typing.get_type_hints(made)
    known: dict[str, tuple[Codec, Any]] = {}
    for field in fields(made):
        default = field.default
        if field.default_factory is not MISSING:
            default = field.default_factory()
        # It tells the parts of an event from each other.
        tag = field.name == "type" and made in typing.get_args(Part)
        known[field.name] = (_codec(hints[field.name]), MISSING if tag else default)
    required = [name for name, (_, default) in known.items() if default is MISSING]

    def dump(value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, (field, default) in known.items():
            inner = getattr(value, name)
            if default is MISSING or inner != default:
                found[name] = field.dump(inner)
        return found

    def load(row: Any) -> Any:
        given = _mapping(row)
        absent = [name for name in required if name not in given]
        if absent:
            raise InvalidInput(f"{absent[0]!r} is missing")
        loaded: dict[str, Any] = {}
        for name, inner in given.items():
            if name not in known:
                raise InvalidInput(f"unknown field {name!r}")
            try:
                loaded[name] = known[name][0].load(inner)
            except InvalidInput as error:
                raise InvalidInput(f"{name}: {error}") from error
        return made(**loaded)

    return Codec(dump, load)


def _codec(hint: Any) -> Codec:
    """Return the codec of a field's type."""
    origin, of = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(of)
    if origin is Literal:
        return Codec(_same, lambda value: _one_of(value, of))
    if origin is tuple:
        item = _codec(of[0])
        return Codec(
            lambda value: [item.dump(v) for v in value],
            lambda value: tuple(item.load(v) for v in _list(value)),
        )
    if origin is not None and issubclass(origin, Mapping):
        return Codec(dict, _mapping)
    if is_dataclass(hint):
        return _codec_of(cast("type", hint))
    if issubclass(hint, StrEnum):
        return Codec(lambda value: value.value, lambda value: hint(_one_of(value, tuple(hint))))
    return _PLAIN[hint]


def _union(of: tuple[Any, ...]) -> Codec:
    rest = tuple(t for t in of if t is not type(None))
    if len(rest) == 1:
        inner = _codec(rest[0])
        return Codec(
            lambda value: None if value is None else inner.dump(value),
            lambda value: None if value is None else inner.load(value),
        )
    if all(map(is_dataclass, rest)):
        by_tag = {_tag(t): _codec_of(t) for t in rest}
        return Codec(
            lambda value: by_tag[value.type].dump(value),
            lambda value: by_tag[_one_of(_mapping(value).get("type"), tuple(by_tag))].load(value),
        )
    return Codec(_same, _same)  # any JSON


def _tag(made: Any) -> str:
    """Return what ``type`` says in a part of an event."""
    return next(str(field.default) for field in fields(made) if field.name == "type")


def _embedding() -> Codec:
    def dump(value: Embedding) -> dict[str, Any]:
        windows = [b64encode(row.tobytes()).decode() for row in np.asarray(value.vectors, "<f4")]
        return {"item_id": value.item_id, "kind": value.kind, "vectors": windows}

    def load(row: Any) -> Embedding:
        given = _mapping(row)
        if set(given) != {"item_id", "kind", "vectors"}:
            raise InvalidInput("expected item_id, kind and vectors")
        windows = [_bytes(window) for window in _list(given["vectors"])]
        if len({len(window) for window in windows}) != 1 or len(windows[0]) % 4:
            raise InvalidInput("vectors: expected one or more float32 vectors of one length")
        vectors = np.frombuffer(b"".join(windows), "<f4").reshape(len(windows), -1)
        if not np.isfinite(vectors).all():
            raise InvalidInput("vectors: expected finite numbers")
        kind = _one_of(given["kind"], ("episode", "fact", "entity"))
        return Embedding(item_id=_text(given["item_id"]), kind=kind, vectors=vectors)

    return Codec(dump, load)


def _same(value: Any) -> Any:
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput(f"expected an object, found {_shown(value)}")
    return cast("dict[str, Any]", value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidInput(f"expected a list, found {_shown(value)}")
    return cast("list[Any]", value)


def _one_of(value: Any, allowed: Sequence[Any]) -> Any:
    if not isinstance(value, str) or value not in allowed:
        expected = ", ".join(map(str, allowed))
        raise InvalidInput(f"expected one of {expected}, found {_shown(value)}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"expected text, found {_shown(value)}")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
        raise InvalidInput(f"expected a whole number, found {_shown(value)}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise InvalidInput(f"expected a number, found {_shown(value)}")
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"expected true or false, found {_shown(value)}")
    return value


def _bytes(value: Any) -> bytes:
    try:
        return b64decode(_text(value), validate=True)
    except ValueError as error:
        raise InvalidInput(f"expected base64, found {_shown(value)}") from error


def _moment(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError as error:
        raise InvalidInput(f"expected a time in ISO 8601, found {_shown(value)}") from error
    if found.tzinfo is None:
        raise InvalidInput(f"expected a time with its zone, found {_shown(value)}")
    return found.astimezone(UTC)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


_PLAIN: Final[Mapping[Any, Codec]] = {
    str: Codec(_same, _text),
    int: Codec(_same, _whole),
    float: Codec(float, _number),
    bool: Codec(_same, _flag),
    bytes: Codec(lambda value: b64encode(value).decode(), _bytes),
    datetime: Codec(_iso, _moment),
}

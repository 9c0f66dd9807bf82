"""Events and answers as plain JSON values: the one translation behind the API and the CLI.

Reads an event in the form of an OpenAI chat message or in our own; writes hits, facts, contexts,
sessions and events. Knows no transport, store or clock. Times are ISO 8601 in UTC with a ``Z``;
an open end is ``null``.

What a line does not say is derived so that reading a file a second time changes nothing:

- **id**: a digest of the line's position and content, times left out. The position counts every
  line, the bad ones too, so that mending one gives no other line a new id; and the same words said
  twice are two events.
- **time**: a millisecond after the event before, or for the first a minute before ``now``; never
  after ``now``, since a question asked right afterwards does not see what is still to come, and
  never the same twice within sixty thousand lines, since facts are folded in the order of time.
  Such an event is ``stamped``: its time is no part of its content, hence the log takes the second
  reading as the same event and keeps the time of the first. A fixed date instead would be the same
  on every run too, and wrong: all in the file would be years old, and its "yesterday" with it.

Who stands behind an event follows from its role; no line can say it. The fields that only the log
sets are therefore passed over when an event that was written here is read again.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, TypeAlias, cast

from graphmem import ids
from graphmem.errors import InvalidInput
from graphmem.guard.text import MAX_TEXT_BYTES, check_event, check_text
from graphmem.models import (
    AppendReceipt,
    Block,
    Context,
    Dropped,
    Event,
    EventType,
    Fact,
    FilePart,
    Hit,
    ImagePart,
    Json,
    JsonPart,
    Part,
    Role,
    Session,
    SourceClass,
    TextPart,
)

Row: TypeAlias = Mapping[str, Json]
JsonObject: TypeAlias = dict[str, Json]

STEP: Final = timedelta(milliseconds=1)
_BACK: Final = timedelta(minutes=1)
_ROLES: Final[Mapping[str, Role]] = {
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "system": "system",
    "developer": "system",
    "function": "tool",
}
_TYPES: Final[Mapping[Role, EventType]] = {
    "user": "user_message",
    "assistant": "model_message",
    "tool": "tool_result",
    "system": "system_event",
}
_SOURCES: Final[Mapping[Role, SourceClass]] = {
    "user": SourceClass.USER_DIRECT,
    "assistant": SourceClass.ASSISTANT,
    "tool": SourceClass.TOOL,
    "system": SourceClass.OPERATOR,
}
# By what they say, the names in either form.
_ID: Final = ("id",)
_TIME: Final = ("occurred_at", "created_at")
_AUTHOR: Final = ("author", "name")
_CONTENT: Final = ("parts", "content")
_OTHER: Final = ("role", "type", "session", "agent", "metadata", "stamped")
_CALLS: Final = ("tool_calls", "tool_call_id")
_SET_BY_THE_LOG: Final = ("seq", "recorded_at", "source_class", "origin", "private_to")
_KNOWN: Final = (*_ID, *_OTHER, *_AUTHOR, *_CONTENT, *_TIME, *_CALLS)


# --------------------------------------------------------------------------- reading


def parse(line: str) -> JsonObject:
    """Return the JSON object of one line; InvalidInput says where it is none."""
    check_text(line, "the line", limit=64 * MAX_TEXT_BYTES)
    try:
        found = json.loads(line, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"not JSON that can be read: {error}") from error
    return _object(found, "the line")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def event_of(
    row: object,
    *,
    session_id: str,
    now: datetime,
    position: int,
    previous: datetime | None = None,
    limit: int = MAX_TEXT_BYTES,
) -> Event:
    """Return the event of an OpenAI chat message or of our own form, fit for the log.

    A ``session`` of the row's own wins over ``session_id``. ``previous`` is the time of the event
    before, ``position`` the row's place among its file's lines. InvalidInput says what is wrong.
    """
    known = _object(row, "an event")
    _only_known(known)
    role = _role(known.get("role", "user"))
    stated = _first(known, _TIME)
    event = Event(
        id=_text(known, "id") or derived_id(known, position),
        type=cast("EventType", _text(known, "type") or _type(known, role)),
        role=role,
        parts=_parts(known),
        occurred_at=_derived(now, previous) if stated is None else _moment(stated),
        stamped=stated is None or known.get("stamped") is True,
        session_id=_text(known, "session") or session_id,
        author=_blank_is_none(_first(known, _AUTHOR), "author"),
        agent=_text(known, "agent"),
        source_class=_SOURCES[role],
        metadata=_metadata(known),
    )
    check_event(event, now=now, limit=limit)
    return event


def derived_id(row: Row, position: int) -> str:
    """Return the id of an event that has none, from its place and what it says."""
    said = {k: row[k] for k in (*_OTHER, *_AUTHOR, *_CONTENT, *_CALLS) if row.get(k) is not None}
    said.pop("stamped", None)
    try:
        body = json.dumps(said, ensure_ascii=True, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"an event holds what is not JSON: {error}") from error
    return "line-" + ids.digest(position, body)[:24]


def _derived(now: datetime, previous: datetime | None) -> datetime:
    if previous is None:
        return now - _BACK
    return min(previous + STEP, max(previous, now))


def _only_known(row: Row) -> None:
    for name, value in row.items():
        if name in _KNOWN or name in _SET_BY_THE_LOG or value is None or value == []:
            continue  # null and [] say nothing: exports are full of them
        raise InvalidInput(f"unknown field {name!r}; expected some of {', '.join(_KNOWN)}")
    for names in (_TIME, _AUTHOR, _CONTENT):
        if sum(row.get(name) is not None for name in names) > 1:
            raise InvalidInput(f"give {' or '.join(map(repr, names))}, not both")


def _role(value: Json) -> Role:
    if not isinstance(value, str) or value not in _ROLES:
        raise InvalidInput(f"unknown role {value!r}; expected one of {', '.join(_ROLES)}")
    return _ROLES[value]


def _type(row: Row, role: Role) -> EventType:
    return "tool_call" if role == "assistant" and row.get("tool_calls") else _TYPES[role]


def _parts(row: Row) -> tuple[Part, ...]:
    content = _first(row, _CONTENT)
    found: list[Part] = []
    if isinstance(content, str):
        found += [TextPart(text=content)] if content else []
    elif isinstance(content, list):
        found += [_part(_object(part, "a part of the content")) for part in content]
    elif content is not None:
        kind = type(content).__name__
        raise InvalidInput(f"content: expected text or a list of parts, found {kind}")
    calls = row.get("tool_calls")
    if calls:
        found.append(JsonPart(value={"tool_calls": calls}))
    if not found:
        raise InvalidInput("the event is empty: it has no content")
    return tuple(found)


def _part(part: JsonObject) -> Part:
    match part:
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return TextPart(text=text)
        case {"type": "refusal", "refusal": str(text)}:
            return TextPart(text=text)
        case {"type": "json", "value": value}:
            return JsonPart(value=value)
        case {"type": "image", "uri": str(uri)}:
            media_type, caption = _text(part, "media_type"), _text(part, "caption")
            return ImagePart(uri=uri, media_type=media_type, caption=caption)
        case {"type": "image_url", "image_url": str(uri) | {"url": str(uri)}}:
            return ImagePart(uri=uri)
        case {"type": "file", "uri": str(uri)}:
            media_type, name = _text(part, "media_type"), _text(part, "name")
            return FilePart(uri=uri, media_type=media_type, name=name)
        case {"type": "file", "file": {"file_id": str(uri), **rest}}:
            return FilePart(uri=uri, name=_text(rest, "filename"))
        case {"type": str(kind)}:
            raise InvalidInput(
                f"a part of type {kind!r} that cannot be read; expected a text with its 'text', "
                "a json with its 'value', an image or a file with its 'uri', or an image_url"
            )
        case _:
            raise InvalidInput("a part of the content has no 'type'")


def _metadata(row: Row) -> JsonObject:
    found = _object(row.get("metadata") or {}, "metadata")
    call = _text(row, "tool_call_id")
    return {**found, "tool_call_id": call} if call else found


def _moment(value: Json) -> datetime:
    """Return the moment of ISO 8601 text with a zone, or of a number of seconds since 1970."""
    try:
        match value:
            case str():
                return _aware(datetime.fromisoformat(value), value)
            case int() | float() if not isinstance(value, bool):
                return datetime.fromtimestamp(value, UTC)
            case _:
                raise ValueError("neither text nor a number")
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(
            f"time {value!r}: expected ISO 8601 such as 2024-05-01T12:00:00Z, or seconds since 1970"
        ) from error


def _aware(moment: datetime, text: str) -> datetime:
    if moment.tzinfo is None:
        raise InvalidInput(f"time {text!r} has no time zone; write +00:00 or Z")
    return moment.astimezone(UTC)


def _object(value: object, what: str) -> JsonObject:
    if not isinstance(value, dict):
        raise InvalidInput(f"{what}: expected a JSON object, found {type(value).__name__}")
    return cast("JsonObject", value)


def _first(row: Row, names: Sequence[str]) -> Json:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _text(row: Mapping[str, Any], name: str) -> str | None:
    return _blank_is_none(row.get(name), name)


def _blank_is_none(value: Json, what: str) -> str | None:
    if value is None or value == "":
        return None
    return check_text(value, what)


# --------------------------------------------------------------------------- writing


def hit_json(hit: Hit, *, full: bool = False) -> JsonObject:
    """Return a hit; ``full`` adds what tells it from others: whose word, when, in what state."""
    found: JsonObject = {
        "id": hit.id,
        "kind": hit.kind,
        "text": hit.text,
        "score": hit.score,
        "confidence": hit.confidence,
        "valid_from": _time(hit.valid_from),
        "valid_to": _time(hit.valid_to),
        "ended": hit.ended,
        "partly_ended": hit.partly_ended,
        "event_ids": list(hit.event_ids),
        "arms": dict(hit.arms),
    }
    if full:
        found |= {
            "occurred_at": _time(hit.occurred_at),
            "recorded_at": _time(hit.recorded_at),
            "session_id": hit.session_id,
            "author": hit.author,
            "source_class": hit.source_class.value,
            "type": hit.type,
            "status": hit.status,
            "reason": hit.reason,
        }
    return found


def fact_json(fact: Fact, names: Mapping[str, str], *, now: datetime) -> JsonObject:
    """Return a fact with names for its ends; ``names`` maps entity ids to them.

    An id without a name stays the id. The object of a fact with a literal value is the value.
    """
    ends = fact.object_id
    return {
        "id": fact.id,
        "text": fact.text,
        "subject": names.get(fact.subject_id, fact.subject_id),
        "predicate": fact.predicate,
        "object": fact.value if ends is None else names.get(ends, ends),
        "valid_from": _time(fact.valid_from),
        "valid_to": _time(fact.valid_to),
        "recorded_at": _time(fact.recorded_at),
        "retired_at": _time(fact.retired_at),
        "status": fact.standing(now),
        "confidence": fact.confidence,
        "source_class": fact.source_class.value,
        "event_ids": list(fact.event_ids),
    }


def context_json(context: Context, *, full: bool = False) -> JsonObject:
    """Return a context; ``full`` adds its blocks with their provenance."""
    found: JsonObject = {
        "parts": {str(band): text for band, text in context.parts.items()},
        "tokens": context.tokens,
        "budget": context.budget,
        "dropped": [_dropped(d) for d in context.dropped],
    }
    if full:
        found["blocks"] = [_block(b) for b in context.blocks]
    return found


def _dropped(dropped: Dropped) -> JsonObject:
    return {
        "band": dropped.band,
        "id": dropped.id,
        "tokens": dropped.tokens,
        "why": dropped.why,
    }


def _block(block: Block) -> JsonObject:
    return {
        "band": block.band,
        "text": block.text,
        "tokens": block.tokens,
        "id": block.id,
        "event_ids": list(block.event_ids),
        "score": block.score,
        "arms": dict(block.arms),
    }


def session_json(session: Session) -> JsonObject:
    return {
        "id": session.id,
        "app": session.scope.app,
        "user": session.scope.user,
        "state": dict(session.state),
        "metadata": dict(session.metadata),
        "created_at": _time(session.created_at),
        "updated_at": _time(session.updated_at),
        "expires_at": _time(session.expires_at),
        "private_to": session.private_to,
        "events": session.events,
    }


def event_json(event: Event) -> JsonObject:
    """Return an event in our own form; ``event_of`` reads it again as the same content."""
    return {
        "id": event.id,
        "session": event.session_id,
        "seq": event.seq,
        "type": event.type,
        "role": event.role,
        "author": event.author,
        "agent": event.agent,
        "parts": [_part_json(part) for part in event.parts],
        "occurred_at": _time(event.occurred_at),
        "stamped": event.stamped,
        "recorded_at": _time(event.recorded_at),
        "source_class": event.source_class.value,
        "origin": event.origin,
        "private_to": event.private_to,
        "metadata": dict(event.metadata),
    }


def receipt_json(receipt: AppendReceipt) -> JsonObject:
    """Return what an append did; an event that the user had erased has no ``seq``."""
    gone = set(receipt.forgotten)
    return {
        "events": [{"id": e.id, "seq": None if e.id in gone else e.seq} for e in receipt.events],
        "stored": receipt.stored,
        "known": list(receipt.known),
        "forgotten": list(receipt.forgotten),
    }


def _part_json(part: Part) -> JsonObject:
    found: JsonObject = {"type": part.type}
    match part:
        case TextPart():
            return found | {"text": part.text}
        case JsonPart():
            return found | {"value": part.value}
        case ImagePart():
            rest = {"uri": part.uri, "media_type": part.media_type, "caption": part.caption}
        case FilePart():
            rest = {"uri": part.uri, "media_type": part.media_type, "name": part.name}
    return found | {name: text for name, text in rest.items() if text is not None}


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

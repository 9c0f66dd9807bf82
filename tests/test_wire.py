"""Events and answers as JSON: what comes in means one thing, what goes out is as documented."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem import wire
from graphmem.errors import InvalidInput, TooLarge
from graphmem.models import (
    AppendReceipt,
    Block,
    Context,
    Dropped,
    Event,
    Fact,
    FilePart,
    Hit,
    ImagePart,
    Json,
    JsonPart,
    Scope,
    Session,
    SourceClass,
    Support,
    TextPart,
)

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
DAY = datetime(2024, 5, 1, 12, tzinfo=UTC)


def read(row: object, *, position: int = 0, previous: datetime | None = None) -> Event:
    return wire.event_of(row, session_id="s1", now=NOW, position=position, previous=previous)


# --------------------------------------------------------------------------- lines


def test_line_is_a_json_object() -> None:
    assert wire.parse('{"role": "user", "content": "Ahoy"}') == {"role": "user", "content": "Ahoy"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON: .* at character"),
        ("[1]", "expected a JSON object, found list"),
        ("null", "found NoneType"),
        ('{"x": NaN}', "NaN is no JSON number"),
        ('{"x": -Infinity}', "no JSON number"),
        ("[" * 100_000, "not JSON"),
        ('{"x": ' + "9" * 9000 + "}", "not JSON"),
        ('{"x": "\0"}', "NUL"),
        ('{"x": "\ud800"}', "lone surrogate"),
    ],
)
def test_line_that_is_none_says_why(line: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        wire.parse(line)


# --------------------------------------------------------------------------- events in


def test_chat_message_becomes_an_event() -> None:
    row: dict[str, Json] = {
        "id": "m1",
        "role": "user",
        "name": "Runa",
        "content": "I sold the boat.",
        "created_at": "2024-05-01T14:00:00+02:00",
    }

    assert read(row) == Event(
        id="m1",
        type="user_message",
        role="user",
        parts=(TextPart(text="I sold the boat."),),
        occurred_at=DAY,
        session_id="s1",
        author="Runa",
    )


@pytest.mark.parametrize(
    ("role", "ours", "type", "source"),
    [
        ("user", "user", "user_message", SourceClass.USER_DIRECT),
        ("assistant", "assistant", "model_message", SourceClass.ASSISTANT),
        ("tool", "tool", "tool_result", SourceClass.TOOL),
        ("function", "tool", "tool_result", SourceClass.TOOL),
        ("system", "system", "system_event", SourceClass.OPERATOR),
        ("developer", "system", "system_event", SourceClass.OPERATOR),
    ],
)
def test_role_says_who_stands_behind(role: str, ours: str, type: str, source: SourceClass) -> None:
    event = read({"role": role, "content": "Ahoy", "source_class": "user_direct"})

    assert (event.role, event.type, event.source_class) == (ours, type, source)
    assert event.origin == "implicit"


def test_tool_call_of_a_chat_message_is_kept() -> None:
    calls: list[Json] = [{"id": "c1", "function": {"name": "tides", "arguments": "{}"}}]

    call = read({"role": "assistant", "content": None, "tool_calls": calls, "refusal": None})
    answer = read({"role": "tool", "content": "high at 6", "tool_call_id": "c1"})

    assert call.type == "tool_call"
    assert call.parts == (JsonPart(value={"tool_calls": calls}),)
    assert answer.metadata == {"tool_call_id": "c1"}


def test_parts_of_either_form_are_read() -> None:
    content: list[Json] = [
        {"type": "text", "text": "Look:"},
        {"type": "output_text", "text": "here"},
        {"type": "refusal", "refusal": "No."},
        {"type": "image_url", "image_url": {"url": "https://x.test/boat.png", "detail": "low"}},
        {"type": "image_url", "image_url": "https://x.test/2.png"},
        {"type": "file", "file": {"file_id": "f-9", "filename": "deed.pdf"}},
        {"type": "json", "value": [1, None]},
        {"type": "image", "uri": "u", "media_type": "image/png", "caption": "a boat"},
        {"type": "file", "uri": "u", "name": "log.txt"},
    ]

    assert read({"content": content}).parts == (
        TextPart(text="Look:"),
        TextPart(text="here"),
        TextPart(text="No."),
        ImagePart(uri="https://x.test/boat.png"),
        ImagePart(uri="https://x.test/2.png"),
        FilePart(uri="f-9", name="deed.pdf"),
        JsonPart(value=[1, None]),
        ImagePart(uri="u", media_type="image/png", caption="a boat"),
        FilePart(uri="u", name="log.txt"),
    )


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([], "expected a JSON object"),
        ({"content": "x", "rôle": "user"}, "unknown field 'rôle'; expected some of id, role"),
        ({"role": "captain", "content": "x"}, "unknown role 'captain'; expected one of user"),
        ({"role": 7, "content": "x"}, "unknown role 7"),
        ({"role": "user"}, "is empty"),
        ({"content": ""}, "is empty"),
        ({"content": " \n"}, "is empty"),
        ({"content": []}, "is empty"),
        ({"content": 5}, "content: expected text or a list of parts, found int"),
        ({"content": ["x"]}, "a part of the content: expected a JSON object"),
        ({"content": [{"text": "x"}]}, "has no 'type'"),
        ({"content": [{"type": "input_audio"}]}, "type 'input_audio' that cannot be read"),
        ({"content": [{"type": "text", "text": 3}]}, "type 'text' that cannot be read"),
        ({"content": "x", "parts": []}, "give 'parts' or 'content', not both"),
        ({"content": "x", "parts": [{"type": "text", "text": "y"}]}, "not both"),
        ({"content": "x", "author": "A", "name": "B"}, "not both"),
        ({"content": "x", "created_at": "2024-05-01T12:00:00"}, "no time zone"),
        ({"content": "x", "created_at": "soon"}, "expected ISO 8601"),
        ({"content": "x", "created_at": True}, "expected ISO 8601"),
        ({"content": "x", "created_at": 1e30}, "expected ISO 8601"),
        ({"content": "x", "created_at": "1811-01-01T00:00:00Z"}, "out of range"),
        ({"content": "x", "occurred_at": "2031-01-01T00:00:00Z"}, "out of range"),
        ({"content": "x", "type": "shout"}, "unknown type 'shout'"),
        ({"content": "x", "id": 7}, "id: expected text"),
        ({"content": "x", "id": " m"}, "event id"),
        ({"content": "x\0"}, "NUL"),
        ({"content": "\udcff"}, "surrogate"),
        ({"content": "x", "metadata": [1]}, "metadata: expected a JSON object"),
        ({"content": "x", "metadata": {"a": float("inf")}}, "no"),
    ],
)
def test_event_that_is_wrong_says_why(row: Any, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read(row)


def test_event_over_the_limit_names_it() -> None:
    with pytest.raises(TooLarge, match="the limit is 65536 bytes"):
        read({"content": "x" * 65537, "id": "m1"})
    with pytest.raises(TooLarge, match="the limit is 10 bytes"):
        wire.event_of(
            {"content": "x" * 11, "id": "m1"}, session_id="s1", now=NOW, position=0, limit=10
        )


def test_number_of_seconds_is_a_time() -> None:
    assert read({"content": "x", "created_at": 1714564800}).occurred_at == DAY
    assert not read({"content": "x", "created_at": 1714564800}).stamped


def test_session_of_the_line_wins() -> None:
    assert read({"content": "x", "session": "lisbon"}).session_id == "lisbon"
    assert read({"content": "x"}).session_id == "s1"


# --------------------------------------------------------------------------- what is derived


def test_id_is_derived_from_place_and_content() -> None:
    row: dict[str, Json] = {"role": "user", "content": "Ahoy"}

    assert read(row, position=3).id == read({"content": "Ahoy", "role": "user"}, position=3).id
    assert read(row, position=3).id != read(row, position=4).id
    assert read(row, position=3).id != read({**row, "content": "Ahoy!"}, position=3).id


def test_id_does_not_hang_on_the_time() -> None:
    row: dict[str, Json] = {"content": "Ahoy"}

    assert read(row).id == read({**row, "created_at": "2024-05-01T12:00:00Z"}).id


def test_time_is_derived_from_the_event_before() -> None:
    event = read({"content": "x"}, previous=DAY)

    assert event.occurred_at == DAY + timedelta(milliseconds=1)
    assert event.stamped


def test_first_time_is_just_before_now() -> None:
    event = read({"content": "x"})

    assert event.occurred_at == NOW - timedelta(minutes=1)
    assert event.stamped


def test_time_derived_is_never_after_now() -> None:
    previous = NOW - timedelta(milliseconds=3)
    times: list[datetime] = []
    for position in range(5):
        previous = read({"content": "x"}, position=position, previous=previous).occurred_at
        times.append(previous)

    assert times == sorted(times)
    assert times[1] < times[2] == NOW == times[-1]


def test_time_after_one_ahead_of_now_is_that_one() -> None:
    later = NOW + timedelta(hours=2)

    assert read({"content": "x"}, previous=later).occurred_at == later


# --------------------------------------------------------------------------- there and back

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
WORD = st.text("abcdefgh-é", min_size=1, max_size=12)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
    max_leaves=6,
)
PARTS = st.one_of(
    st.builds(TextPart, text=TEXT),
    st.builds(JsonPart, value=JSON),
    st.builds(ImagePart, uri=WORD, media_type=st.none() | WORD, caption=st.none() | WORD),
    st.builds(FilePart, uri=WORD, media_type=st.none() | WORD, name=st.none() | WORD),
)
EVENTS = st.builds(
    Event,
    id=WORD,
    type=st.sampled_from(["user_message", "model_message", "tool_call", "system_event"]),
    role=st.just("user"),
    parts=st.lists(PARTS, min_size=1, max_size=4)
    .map(tuple)
    .filter(lambda p: any(isinstance(x, ImagePart) for x in p) or "a" in repr(p)),
    occurred_at=st.datetimes(datetime(1950, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # the strategy adds the zone
    stamped=st.booleans(),
    session_id=WORD,
    author=st.none() | WORD,
    agent=st.none() | WORD,
    metadata=st.dictionaries(WORD, JSON, max_size=2),
)


@given(event=EVENTS)
def test_event_survives_the_way_out_and_in(event: Event) -> None:
    if not event.text.strip() and all(isinstance(p, TextPart) for p in event.parts):
        return  # blank: refused on the way in

    line = json.dumps(wire.event_json(event))

    assert read(wire.parse(line)) == event


def test_event_out_names_all_it_has() -> None:
    event = Event(
        id="m1",
        parts=(TextPart(text="Ahoy"), ImagePart(uri="u", caption="a boat")),
        occurred_at=DAY,
        session_id="s1",
        seq=4,
        recorded_at=NOW,
        metadata={"k": 1},
    )

    assert wire.event_json(event) == {
        "id": "m1",
        "session": "s1",
        "seq": 4,
        "type": "user_message",
        "role": "user",
        "author": None,
        "agent": None,
        "parts": [
            {"type": "text", "text": "Ahoy"},
            {"type": "image", "uri": "u", "caption": "a boat"},
        ],
        "occurred_at": "2024-05-01T12:00:00Z",
        "stamped": False,
        "recorded_at": "2026-05-20T12:00:00Z",
        "source_class": "user_direct",
        "origin": "implicit",
        "private_to": None,
        "metadata": {"k": 1},
    }


# --------------------------------------------------------------------------- answers out


def make_fact(**given: Any) -> Fact:
    standard: dict[str, Any] = {
        "id": "f1",
        "scope": Scope(),
        "slot": "slot",
        "subject_id": "E1",
        "predicate": "lives_in",
        "object_id": "E2",
        "value": None,
        "text": "Runa lives in Bergen.",
        "terms": "",
        "confidence": 0.8,
        "importance": 0.5,
        "source_class": SourceClass.USER_DIRECT,
        "origin": "implicit",
        "valid_from": DAY,
        "valid_to": None,
        "recorded_at": NOW,
        "support": (
            Support(assertion_id="a", event_id="m1", episode_id="x", quote="q", polarity="affirm"),
        ),
    }
    return Fact(**{**standard, **given})


def test_fact_is_told_with_names() -> None:
    assert wire.fact_json(make_fact(), {"E1": "Runa", "E2": "Bergen"}, now=NOW) == {
        "id": "f1",
        "text": "Runa lives in Bergen.",
        "subject": "Runa",
        "predicate": "lives_in",
        "object": "Bergen",
        "valid_from": "2024-05-01T12:00:00Z",
        "valid_to": None,
        "recorded_at": "2026-05-20T12:00:00Z",
        "retired_at": None,
        "status": "current",
        "confidence": 0.8,
        "source_class": "user_direct",
        "event_ids": ["m1"],
    }


@pytest.mark.parametrize(
    ("given_", "names", "object_"),
    [
        ({"object_id": None, "value": "blue"}, {}, "blue"),
        ({}, {}, "E2"),
        ({}, {"E2": "Bergen"}, "Bergen"),
    ],
)
def test_object_is_a_name_or_a_value(
    given_: Mapping[str, Any], names: Mapping[str, str], object_: str
) -> None:
    assert wire.fact_json(make_fact(**given_), names, now=NOW)["object"] == object_


def test_hit_has_the_documented_fields() -> None:
    hit = Hit(
        id="f1",
        kind="fact",
        text="Runa lives in Bergen.",
        score=1.5,
        confidence=0.8,
        valid_from=None,
        valid_to=DAY,
        occurred_at=DAY,
        recorded_at=NOW,
        event_ids=("m1", "m2"),
        session_id="s1",
        author=None,
        source_class=SourceClass.TOOL,
        ended=True,
        status="conflict",
        arms={"text": 0.5},
        reason="because",
    )
    short: dict[str, Json] = {
        "id": "f1",
        "kind": "fact",
        "text": "Runa lives in Bergen.",
        "score": 1.5,
        "confidence": 0.8,
        "valid_from": None,
        "valid_to": "2024-05-01T12:00:00Z",
        "ended": True,
        "partly_ended": False,
        "event_ids": ["m1", "m2"],
        "arms": {"text": 0.5},
    }

    assert wire.hit_json(hit) == short
    assert wire.hit_json(hit, full=True) == {
        **short,
        "occurred_at": "2024-05-01T12:00:00Z",
        "recorded_at": "2026-05-20T12:00:00Z",
        "session_id": "s1",
        "author": None,
        "source_class": "tool",
        "type": "semantic",
        "status": "conflict",
        "reason": "because",
    }


def test_context_has_the_documented_fields() -> None:
    context = Context(
        parts={"system": "Be kind.", "history": ""},
        blocks=(Block(band="system", text="Be kind.", tokens=3),),
        tokens=3,
        budget=10,
        dropped=(Dropped(band="memories", id="f1", tokens=9, why="over budget"),),
    )
    short: dict[str, Json] = {
        "parts": {"system": "Be kind.", "history": ""},
        "tokens": 3,
        "budget": 10,
        "dropped": [{"band": "memories", "id": "f1", "tokens": 9, "why": "over budget"}],
    }

    assert wire.context_json(context) == short
    assert wire.context_json(context, full=True)["blocks"] == [
        {
            "band": "system",
            "text": "Be kind.",
            "tokens": 3,
            "id": None,
            "event_ids": [],
            "score": None,
            "arms": {},
        }
    ]


def test_session_is_told_with_its_scope() -> None:
    session = Session(
        id="s1",
        scope=Scope(app="a", user="u", session="s1"),
        state={"step": 2},
        created_at=DAY,
        updated_at=NOW,
        events=4,
    )

    assert wire.session_json(session) == {
        "id": "s1",
        "app": "a",
        "user": "u",
        "state": {"step": 2},
        "metadata": {},
        "created_at": "2024-05-01T12:00:00Z",
        "updated_at": "2026-05-20T12:00:00Z",
        "expires_at": None,
        "private_to": None,
        "events": 4,
    }


def test_receipt_tells_what_is_new() -> None:
    new, old, gone = (read({"id": i, "content": "x"}) for i in ("new", "old", "gone"))

    receipt = AppendReceipt(events=(new, old, gone), known=("old",), forgotten=("gone",))

    assert wire.receipt_json(receipt) == {
        "events": [{"id": i, "seq": None} for i in ("new", "old", "gone")],
        "stored": 1,
        "known": ["old"],
        "forgotten": ["gone"],
    }

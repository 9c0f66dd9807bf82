import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphmem import archive
from graphmem.archive import Record, Tally, Writer, dump, load, read
from graphmem.errors import InvalidInput
from graphmem.models import Embedding, Event, JsonPart, TextPart
from graphmem.records import EmbeddingModel, ErasureKey, LoggedEvent, StoredEmbedding
from graphmem.testing.whole import ADA, NOW, graph_records, log_records, make_said

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
TIMES = st.datetimes(timezones=st.just(UTC))


async def records() -> list[Record]:
    return [*log_records(), *await graph_records()]


def written(given: Sequence[Record]) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, at=NOW)
    for record in given:
        writer.add(record)
    writer.close()
    return file.getvalue()


def read_all(text: bytes) -> list[str]:
    return [dump(record) for record in read(io.BytesIO(text))]


SMALL = written(log_records())


# records


async def test_every_record_comes_back() -> None:
    for record in await records():
        again = load(dump(record))

        assert type(again) is type(record)
        assert dump(again) == dump(record)
        if not isinstance(record, StoredEmbedding):
            assert again == record


async def test_every_kind_is_tried() -> None:
    assert {archive.kind_of(record) for record in await records()} == set(archive.KINDS)


def test_line_is_of_one_record() -> None:
    assert json.loads(dump(make_said(ADA, 1, "a\nb"))) == {
        "kind": "event",
        "record": {
            "scope": {"app": "moving", "user": "ada"},
            "event": {
                "id": "e1",
                "seq": 1,
                "session_id": "s1",
                "parts": [{"type": "text", "text": "a\nb"}],
                "occurred_at": "2026-02-28T12:00:00.123456+00:00",
                "recorded_at": "2026-03-01T12:00:00.123456+00:00",
            },
        },
    }


@given(value=VALUES, text=TEXTS, at=TIMES, metadata=st.dictionaries(TEXTS, VALUES, max_size=3))
def test_any_event_comes_back(value: Any, text: str, at: datetime, metadata: Any) -> None:
    event = Event(
        id="e",
        session_id="s",
        parts=(TextPart(text=text), JsonPart(value=value)),
        occurred_at=at,
        author=text or None,
        metadata=metadata,
        seq=1,
        recorded_at=at,
    )
    record = LoggedEvent(scope=ADA, event=event)

    assert load(dump(record)) == record


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_vectors_come_back_to_the_bit(numbers: list[float]) -> None:
    vectors = np.array([numbers, numbers[::-1]], dtype=np.float32)
    embedding = Embedding(item_id="x", kind="fact", vectors=vectors)

    again = load(dump(StoredEmbedding(model_id="m", embedding=embedding)))

    assert isinstance(again, StoredEmbedding)
    assert again.embedding.vectors.tobytes() == vectors.tobytes()
    assert again.embedding.vectors.shape == vectors.shape


def spoilt(path: str, value: Any) -> str:
    """Return the line of an event in which one field says something else; ``…`` leaves it out."""
    row = json.loads(dump(make_said(ADA, 1)))
    *way, last = path.split(".")
    place = row["record"]
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(row)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("event", ..., "'event' is missing"),
        ("event.id", ..., "'id' is missing"),
        ("event.id", 7, "id: expected text, found 7"),
        ("event.seq", "1", "seq: expected a whole number, found '1'"),
        ("event.seq", True, "seq: expected a whole number"),
        ("event.seq", 1 << 63, "seq: expected a whole number"),
        ("event.role", "boss", "role: expected one of user, assistant, tool, system"),
        ("event.source_class", "god", "source_class: expected one of user_direct"),
        ("event.stamped", 1, "stamped: expected true or false"),
        ("event.occurred_at", "yesterday", "occurred_at: expected a time in ISO 8601"),
        ("event.occurred_at", "2024-01-01T00:00:00", "expected a time with its zone"),
        ("event.parts", {}, "parts: expected a list"),
        ("event.parts.0.type", "song", "expected one of text, json, image, file"),
        ("event.parts.0.loud", True, "unknown field 'loud'"),
        ("event.metadata", [], "metadata: expected an object"),
        ("event.mood", "good", "unknown field 'mood'"),
        ("scope", "ada", "scope: expected an object"),
        ("scope.user", "", "scope: scope user=''"),
    ],
)
def test_what_is_not_of_its_type_is_refused(path: str, value: Any, why: str) -> None:
    with pytest.raises(InvalidInput, match=r"^event: ") as caught:
        load(spoilt(path, value))

    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "not JSON"),
        ("[]", "expected an object with a kind"),
        ('{"kind":"event"}', "expected an object with a kind"),
        ('{"kind":"song","record":{}}', "unknown kind 'song'"),
        ('{"kind":1,"record":{}}', "expected an object with a kind"),
        ('{"kind":"erasure_key","record":{"key":"?"}}', "expected base64"),
        ('{"kind":"erasure_key","record":{"key":NaN}}', "NaN is no JSON number"),
        ('{"kind":"model","record":{"id":"\\ud800","dimension":3,"active":true}}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        (
            '{"kind":"embedding","record":{"model_id":"m","embedding":'
            '{"item_id":"x","kind":"fact","vectors":[]}}}',
            "one or more float32 vectors",
        ),
        (
            '{"kind":"embedding","record":{"model_id":"m","embedding":'
            '{"item_id":"x","kind":"fact","vectors":["AACAPw==","AACAPwAAgD8="]}}}',
            "of one length",
        ),
        (
            '{"kind":"embedding","record":{"model_id":"m","embedding":'
            '{"item_id":"x","kind":"fact","vectors":["AADAfw=="]}}}',
            "finite",
        ),
    ],
)
def test_what_is_no_record_is_refused(line: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        load(line)


# files


async def test_file_is_read_as_it_was_written() -> None:
    given = await records()

    assert read_all(written(given)) == [dump(record) for record in given]


def test_file_of_nothing() -> None:
    assert read_all(written([])) == []


@pytest.mark.parametrize("lines", range(1, SMALL.count(b"\n")))
def test_file_that_is_cut_short(lines: int) -> None:
    whole = SMALL.splitlines(keepends=True)

    with pytest.raises(InvalidInput, match=f"cut short: it ends with line {lines},"):
        read_all(b"".join(whole[:lines]))


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
@example(len(SMALL) - 1, ord("\n") ^ ord(" "))
def test_file_with_another_byte(place: int, change: int) -> None:
    altered = bytearray(SMALL)
    altered[place] ^= change

    with pytest.raises(InvalidInput):
        read_all(bytes(altered))


@given(st.integers(1, len(SMALL) - 1))
@example(len(SMALL) - 1)
def test_file_that_ends_anywhere(length: int) -> None:
    with pytest.raises(InvalidInput):
        read_all(SMALL[:length])


def test_file_without_one_line() -> None:
    whole = SMALL.splitlines(keepends=True)

    with pytest.raises(InvalidInput, match="line 22: the file was altered"):
        read_all(b"".join([*whole[:9], *whole[10:]]))


def test_error_names_its_line() -> None:
    whole = SMALL.splitlines(keepends=True)
    whole[4] = whole[4].replace(b'"kind":"session"', b'"kind":"song"')

    with pytest.raises(InvalidInput, match="line 5: unknown kind 'song'"):
        read_all(b"".join(whole))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "line 1: this is no export of graphmem"),
        (b"hello\n", "line 1: this is no export of graphmem"),
        (b'{"role": "user", "content": "hi"}\n', "line 1: this is no export of graphmem"),
        (b"\xff\xfe\n", "line 1: this is no export of graphmem"),
        (SMALL.replace(b'"version":1', b'"version":2', 1), "written by a newer version"),
        (SMALL.replace(b'"version":1', b'"version":0', 1), "no version of the format"),
        (SMALL + b"\n", "line 24: there is more after the end"),
        (SMALL + SMALL, "line 24: there is more after the end"),
    ],
)
def test_what_is_no_export_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read_all(text)


def test_records_in_disorder_are_refused() -> None:
    key, *others = log_records()

    with pytest.raises(InvalidInput, match="line 22: erasure_key comes before erased_id"):
        read_all(written([*others, key, key]))


def test_endless_line_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_LINE", 200)

    with pytest.raises(InvalidInput, match="line 3 is longer than 200 bytes"):
        read_all(SMALL)


# tallies


async def test_tally_does_not_see_order() -> None:
    one, other = Tally(), Tally()
    for record in await records():
        one.add(record)
    for record in reversed(await records()):
        other.add(record)

    assert one.unlike(other) == []
    assert one.counts == other.counts


async def test_tally_sees_every_difference() -> None:
    for place, record in enumerate(await records()):
        one, other, fewer = Tally(), Tally(), Tally()
        for number, same in enumerate(await records()):
            one.add(same)
            other.add(same if number != place else ErasureKey(key=b"other"))
            if number != place:
                fewer.add(same)

        kinds = [archive.kind_of(record)]
        assert fewer.unlike(one) == kinds
        assert one.unlike(other) == sorted({*kinds, "erasure_key"}, key=list(archive.KINDS).index)


def test_tally_sees_one_too_often() -> None:
    model = EmbeddingModel(id="m", dimension=3, active=True)
    one, other = Tally(), Tally()
    for tally, told in ((one, [model, model]), (other, [replace(model, active=False)] * 2)):
        for record in told:
            tally.add(record)

    assert one.unlike(other) == ["model"]

"""A file of lines becomes memory: the good lines are kept, the bad ones are named.

Running the same file again changes nothing. Does not know the forms of a line; ``wire`` does.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from graphmem import wire
from graphmem.consolidation.plan import Outcome
from graphmem.errors import Conflict, InvalidInput
from graphmem.manager import MemoryManager
from graphmem.models import AppendReceipt, Event, Scope

_CHUNK: Final = 200
_MAX_LINE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingestion:
    """What a file made: ``bad`` are (line number, why), 1-based."""

    stored: int
    known: int
    forgotten: int
    bad: tuple[tuple[int, str], ...]
    outcomes: tuple[Outcome, ...]


def read_lines(file: str) -> list[bytes]:
    """Return the lines of a file, or of standard input for ``-``; InvalidInput if unreadable."""
    if file == "-":
        return sys.stdin.buffer.read().splitlines()
    try:
        return Path(file).read_bytes().splitlines()
    except OSError as error:
        raise InvalidInput(f"{file!r} cannot be read: {error.strerror}") from error


async def ingest(
    memory: MemoryManager,
    scope: Scope,
    lines: Sequence[bytes],
    *,
    default_session: str,
    now: datetime,
    progress: Callable[[int, int], None],
) -> Ingestion:
    """Append every good line to its session, then consolidate; ``progress`` is (done, total)."""
    bad: list[tuple[int, str]] = []
    events: list[tuple[int, Event]] = []
    previous: datetime | None = None
    session = scope.session or default_session
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = _event(line, session=session, number=number, now=now, previous=previous)
        except InvalidInput as error:
            bad.append((number, str(error)))
            continue
        previous = event.occurred_at
        events.append((number, event))
    counts = [0, 0, 0]
    for start in range(0, len(events), _CHUNK):
        await _append(memory, scope, events[start : start + _CHUNK], bad, counts)
    total = 0
    outcomes: list[Outcome] = []
    if events:
        state = await memory.consolidator.sessions.stream(scope)
        total = state.pending if state else 0

        def tell(done: int) -> None:
            progress(done, total)

        report = await memory.generate_memories(scope, progress=tell)
        outcomes += report.outcomes
    return Ingestion(
        stored=counts[0],
        known=counts[1],
        forgotten=counts[2],
        bad=tuple(sorted(bad)),
        outcomes=tuple(outcomes),
    )


def _event(
    line: bytes, *, session: str, number: int, now: datetime, previous: datetime | None
) -> Event:
    if len(line) > _MAX_LINE:
        raise InvalidInput(f"the line has {len(line)} bytes; the limit is {_MAX_LINE}")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not UTF-8: {error.reason} at byte {error.start}") from error
    return wire.event_of(
        wire.parse(text), session_id=session, now=now, position=number, previous=previous
    )


async def _append(
    memory: MemoryManager,
    scope: Scope,
    chunk: Sequence[tuple[int, Event]],
    bad: list[tuple[int, str]],
    counts: list[int],
) -> None:
    """Append session by session; where one line conflicts, line by line."""
    start = 0
    while start < len(chunk):
        session = chunk[start][1].session_id
        stop = start
        while stop < len(chunk) and chunk[stop][1].session_id == session:
            stop += 1
        run, start = chunk[start:stop], stop
        here = replace(scope, session=session)
        try:
            receipts = [await memory.append(here, [e for _, e in run])]
        except Conflict:
            receipts = list[AppendReceipt]()
            for number, event in run:
                try:
                    receipts.append(await memory.append(here, [event]))
                except Conflict as error:
                    bad.append((number, str(error)))
        for receipt in receipts:
            counts[0] += receipt.stored
            counts[1] += len(receipt.known)
            counts[2] += len(receipt.forgotten)

"""What the kill tests kill: a process that appends and consolidates, and says what it does.

``go`` appends the events FIRST to LAST, a few at a time, beside its worker thread, then works on
until it is told to end; ``hold`` does so too, and stops inside its first batch. It says ``ack N``
when an event is durable, ``extract`` and ``embed`` when a batch is at these steps.
"""

import asyncio
import os
import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Literal

import graphmem
from graphmem.context import tokens
from graphmem.models import Event, Extraction, Scope, TextPart, Vector
from graphmem.testing.fakes import HashEmbedder, LineExtractor

USERS = ("ada", "bob", "cy")
PLACES = ("Oslo", "Rome", "Lima")


def scope_of(number: int) -> Scope:
    return Scope(user=USERS[number // 3 % len(USERS)], session=f"s{number // 9 % 2}")


def event_of(number: int) -> Event:
    """Return the event of a number: the same in every process."""
    draw = random.Random(number)
    who = draw.choice(("I", "Tom", "Anna(sister)", "Anna(colleague)", "Anna"))
    text = draw.choice(
        (
            f"{who}|lives_in|{draw.choice(PLACES)}",
            f"!{who}|lives_in|{draw.choice(PLACES)}",
            f"{who}|lives_in|{draw.choice(PLACES)}|not={draw.choice(PLACES)}",
            f"{who}|likes|'{draw.choice(('tea', 'rum'))}'\n{who}|friend_of|Eve",
            f"Nothing to learn from number {number}: käse \U0001f9c0",
        )
    )
    return Event(
        id=f"e{number}",
        parts=(TextPart(text=text),),
        occurred_at=datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=draw.randrange(1000)),
        session_id=scope_of(number).session or "",
        metadata={"number": number},
    )


class Voice:
    """The line to the parent; a message is one write, so two threads may speak."""

    def __init__(self, line: Connection) -> None:
        self._line = line

    def say(self, text: str) -> None:
        self._line.send_bytes(text.encode())

    def wait(self) -> None:
        """Wait until the parent speaks or hangs up."""
        with suppress(EOFError):
            self._line.recv_bytes()


class TellingExtractor(LineExtractor):
    def __init__(self, voice: Voice, *, hold: bool) -> None:
        super().__init__()
        self._voice = voice
        self._hold = hold

    async def extract(
        self, events: Sequence[Event], *, context: Sequence[Event] = ()
    ) -> Sequence[Extraction]:
        self._voice.say("extract")
        if self._hold:
            await asyncio.Event().wait()
        return await super().extract(events, context=context)


class TellingEmbedder(HashEmbedder):
    def __init__(self, voice: Voice) -> None:
        super().__init__(16)
        self._voice = voice

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "document"]) -> Vector:
        self._voice.say("embed")
        return await super().embed(texts, purpose=purpose)


async def work(voice: Voice, path: str, mode: str, first: int, last: int) -> None:
    async with graphmem.open(
        f"sqlite:///{path}",
        extractor=TellingExtractor(voice, hold=mode == "hold"),
        embedder=TellingEmbedder(voice),
        worker="thread",
    ) as memory:
        number = first
        while number < last:
            size = random.Random(-number).randint(1, 3)
            scope = scope_of(number)
            batch = range(number, min(last, number + size))
            batch = [n for n in batch if scope_of(n) == scope]
            await memory.append(scope, [event_of(n) for n in batch])
            for n in batch:
                voice.say(f"ack {n}")
            number = batch[-1] + 1
        voice.say("appended")
        await asyncio.to_thread(voice.wait)


def main(line: Connection, path: str, mode: str, first: int, last: int) -> None:
    """Be the child."""
    os.environ.update(GRAPHMEM_LEASE_S="0.5", GRAPHMEM_BATCH_EVENTS="4")
    asyncio.run(work(Voice(line), path, mode, first, last))


# Loaded here, once, in the process that the children are forked from.
tokens.counter()

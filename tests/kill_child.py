"""What the kill tests kill: a process that appends and consolidates, and says what it does.

It is ``ready`` when all is loaded, and begins when it is told ``MODE FIRST LAST``: ``go`` appends
these events, a few at a time, beside its worker thread, then works on until its input ends;
``hold`` does so too, and stops inside its first batch. It says ``ack N`` when an event is durable,
``extract`` and ``embed`` when a batch is at these steps.
"""

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import graphmem
from graphmem.bootstrap import read_settings
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


def say(line: str) -> None:
    # One write to a pipe is whole: two threads speak here, and death may come at any moment.
    os.write(1, f"{line}\n".encode())


class TellingExtractor(LineExtractor):
    hold = False

    async def extract(
        self, events: Sequence[Event], *, context: Sequence[Event] = ()
    ) -> Sequence[Extraction]:
        say("extract")
        if self.hold:
            sys.stdin.readline()
        return await super().extract(events, context=context)


class TellingEmbedder(HashEmbedder):
    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "document"]) -> Vector:
        say("embed")
        return await super().embed(texts, purpose=purpose)


async def main(path: str, mode: str, first: int, last: int) -> None:
    extractor = TellingExtractor()
    extractor.hold = mode == "hold"
    async with graphmem.open(
        f"sqlite:///{path}", extractor=extractor, embedder=TellingEmbedder(16), worker="thread"
    ) as memory:
        number = first
        while number < last:
            size = random.Random(-number).randint(1, 3)
            batch = range(number, min(last, number + size))
            scope = scope_of(number)
            batch = [n for n in batch if scope_of(n) == scope]
            await memory.append(scope, [event_of(n) for n in batch])
            say("\n".join(f"ack {n}" for n in batch))
            number = batch[-1] + 1
        say("appended")
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    tokens.counter(read_settings({}).tokenizer)
    say("ready")
    mode, *bounds = sys.stdin.readline().split()
    asyncio.run(main(sys.argv[1], mode, *map(int, bounds)))

"""What is asked and told of either store, and how long each takes."""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Literal, get_args

from graphmem import Event, Scope, TextPart
from graphmem.extract.rules import RulesExtractor
from graphmem.manager import MemoryManager
from graphmem.ports import Extractor
from graphmem.testing.fakes import LineExtractor
from tests.bench.load import START, WordEmbedder, sentence

QUESTIONS = 60
COUNTED = 10  # questions whose statements and bytes are counted
BATCHES = 10  # consolidated one after the other
COUNTED_BATCHES = 3
IN_BATCH = 50

Told = Literal["rules", "lines"]
TOLD: tuple[Told, ...] = get_args(Told)
_PEOPLE = 30


async def timed(n: int, work: Callable[[int], Awaitable[object]]) -> list[float]:
    """Do this n times, one after the other, and return the seconds of each."""
    found: list[float] = []
    for i in range(n):
        began = time.perf_counter()
        await work(i)
        found.append(time.perf_counter() - began)
    return found


async def ask(
    memory: MemoryManager, embedder: WordEmbedder, asked: Sequence[tuple[str, Scope]]
) -> list[float]:
    """Ask, each question embedded before its time is taken."""
    for text, _ in asked:
        await embedder.embed([text], purpose="query")
    return await timed(len(asked), lambda i: memory.retrieve_memories(*asked[i]))


def event(i: int, text: str, session: str | None = None) -> Event:
    return Event(
        id=f"x{i}",
        parts=(TextPart(text=text),),
        occurred_at=START + timedelta(days=400, minutes=i),
        session_id=session or f"x{i // IN_BATCH}",
    )


def talk(i: int) -> str:
    """Return some forty words as people say them, for the rules to read."""
    return (
        f"I met Tom in Lisbon on day {i} and we talked about {sentence(i)}, the weather, and how "
        "my sister is going to move into her new flat next month."
    )


def line(i: int) -> str:
    """Return a statement that needs no reading."""
    return f"Person{i % _PEOPLE}|likes|'{sentence(i)}'"


def extractor_of(told: Told) -> Extractor:
    return RulesExtractor() if told == "rules" else LineExtractor()


async def consolidate(
    memory: MemoryManager, told: Told, scopes: Sequence[Scope], batches: int
) -> list[float]:
    """Append so many batches, each to the next of these scopes, and return what each then takes.

    They are new each time: a folder may be asked again.
    """
    say = talk if told == "rules" else line
    new = time.time_ns()

    async def one(number: int) -> list[float]:
        scope = scopes[number % len(scopes)]
        session = f"{told}{new}-{number}"
        numbers = range(number * IN_BATCH, (number + 1) * IN_BATCH)
        await memory.append(
            Scope(user=scope.user, session=session), [event(i, say(i), session) for i in numbers]
        )
        return await timed(1, lambda _: memory.generate_memories(scope))

    return [seconds for number in range(batches) for seconds in await one(number)]


def consolidated(told: Told, where: str) -> str:
    """Return the name of a row."""
    return f"consolidation of {IN_BATCH} events into {where}, {told}, encoder stubbed"

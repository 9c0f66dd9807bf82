"""A memory that has been lived in: by several users, with all that can become of one."""

from collections.abc import Sequence
from datetime import timedelta

from graphmem.models import Event, Fact, Filter, Json, Scope, TextPart
from tests.consolidation.world import HERE
from tests.memory import Memory

BOB = Scope(user="bob", session="s1")
ALL = Scope(user=None, session="all")
AGENT = Scope(user="ada", session="plans", agent="planner")


async def live(memory: Memory) -> None:
    """Fill a memory with all that can become of one; two of Cy's events wait, Dan's is parked."""

    async def say(scope: Scope, name: str, text: str) -> None:
        memory.now += timedelta(minutes=7)
        event = Event(
            id=name,
            parts=(TextPart(text=text),),
            occurred_at=memory.now,
            session_id=scope.session or "",
            author="Ada" if scope.user == "ada" else None,
            metadata={"room": name},
        )
        await memory.manager.append(scope, [event])

    async def found(scope: Scope, filter: Filter | None = None) -> Sequence[Fact]:
        return (await memory.manager.list(scope, filter=filter, ended=True)).facts

    manager = memory.manager
    state: dict[str, Json] = {"step": 2, "list": [1, None, {"käse": 0.5}]}
    await manager.sessions.create(HERE, metadata={"topic": "moves"}, expires_in_s=1e9)
    await manager.sessions.set_state(HERE, state)
    await manager.sessions.create(AGENT)
    for number, text in enumerate(
        (
            "I|lives_in|Oslo",
            "I|lives_in|Rome",
            "Anna(sister)|likes|'tea'",
            "Annie|likes|'rum'\nAnnie|friend_of|Tom",
            "Tim|friend_of|Tom",
            "I|likes|'https://shop.example'",
            "I|likes|'https://other.example'",
            "~I|likes|'coffee'",
            "I|works_at|Acme|from=2020-01-01|to=2021-01-01",
            "we met on the fjord " * 300,
            "I|lives_in|Lima|not=Rome",
        )
    ):
        await say(HERE, f"a{number}", text)
        await manager.generate_memories(HERE)
    await say(AGENT, "p", "I|plans|'a trip'")
    await say(BOB, "b1", "I|lives_in|Oslo")
    await say(BOB, "b2", "Anna|likes|'cake'")
    await say(ALL, "all", "Harbour|located_in|Bergen")
    for scope in (AGENT, BOB, ALL):
        await manager.generate_memories(scope)
    named = {e.name: e.id for e in (await manager.list(HERE, "entity")).entities}
    await manager.review.merge(HERE, named["Anna"], named["Annie"])
    await manager.review.merge(HERE, named["Tom"], named["Tim"])
    await manager.review.split(HERE, named["Tim"])
    first, _ = await manager.review.quarantined(HERE)
    await manager.review.release(HERE, [first.id])
    (acme,) = await found(HERE, Filter(predicate="works_at"))
    await manager.delete_memories(HERE, memory_ids=[acme.id])
    (cake,) = await found(BOB, Filter(predicate="likes"))
    await manager.delete_memories(BOB, memory_ids=[cake.id])
    for scope in (HERE, BOB):
        await manager.generate_memories(scope)
    await memory.say("dan", "boom")
    await memory.step()
    await memory.say("cy", "c1|likes|'tea'", "c2|likes|'rum'")

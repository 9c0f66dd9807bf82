"""How often the server is asked: a batch and a recall cost the same few round trips, however large.

Counted where everything passes, at the connection.
"""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.graph.neo4j_connection import Address, Connection, Values, Work
from graphmem.models import Event, Scope, TextPart
from tests.memory import NOW, Memory, open_memory
from tests.neo4j_servers import Neo4j

pytestmark = pytest.mark.neo4j


class Counted(Connection):
    """A connection that counts its verbs."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.asked: Counter[str] = Counter()

    async def run(self, statement: str, keys: Values | None = None) -> Values:
        self.asked["run"] += 1
        return await super().run(statement, keys)

    async def read(self, work: Callable[[Work], Awaitable[Any]]) -> Any:
        self.asked["read"] += 1
        return await super().read(work)

    async def write(self, work: Callable[[Work], Awaitable[Any]]) -> Any:
        self.asked["write"] += 1
        return await super().write(work)


@pytest.fixture
def connection(neo4j_line: Neo4j) -> Counted:
    server = neo4j_line
    return Counted(Address.of(server.uri, user=server.user, password=server.password))


@pytest.fixture
async def memory(connection: Counted) -> AsyncIterator[Memory]:
    async with open_memory(batch=500, graph=Neo4jGraphStore(connection)) as memory:
        yield memory


@pytest.fixture
def ada(request: pytest.FixtureRequest) -> Scope:
    return Scope(app="statements", user=f"{request.node.name}-{secrets.token_hex(8)}", session="s1")


async def say(memory: Memory, scope: Scope, *texts: str) -> None:
    events = [
        Event(
            id=f"e{n}",
            parts=(TextPart(text=text),),
            occurred_at=NOW,
            session_id=scope.session or "",
        )
        for n, text in enumerate(texts)
    ]
    await memory.manager.append(scope, events)


@pytest.mark.parametrize("facts", [1, 10, 200])
async def test_batch_is_one_read_and_two_writes(
    memory: Memory, connection: Counted, ada: Scope, facts: int
) -> None:
    """One write for its episodes, then a read and a write for its facts."""
    await say(
        memory, ada, *(f"P{n}|likes|'tea'\nP{n}|lives_in|Oslo" for n in range(facts // 2 + 1))
    )
    connection.asked.clear()

    await memory.manager.generate_memories(ada)

    assert connection.asked == {"write": 2, "read": 1}


async def test_batch_without_a_statement_reads_nothing(
    memory: Memory, connection: Counted, ada: Scope
) -> None:
    await say(memory, ada, "nothing to see", "here")
    connection.asked.clear()

    await memory.manager.generate_memories(ada)

    assert connection.asked == {"write": 2}


async def test_recall_is_one_statement(memory: Memory, connection: Counted, ada: Scope) -> None:
    """However much there is to find: its texts come along."""
    await say(memory, ada, *(f"P{n}|likes|'tea'" for n in range(30)), "a goat behind the mill")
    await memory.manager.generate_memories(ada)
    await memory.manager.retrieve_memories("goats behind the mill", ada)
    connection.asked.clear()

    hits = await memory.manager.retrieve_memories("goats behind the mill", ada, top_k=20)

    assert hits
    assert connection.asked == {"run": 1}

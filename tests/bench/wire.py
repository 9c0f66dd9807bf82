"""What an answer costs beside its time: statements, round trips and bytes, counted outside it.

Neo4j is counted by a proxy on loopback that reads the Bolt messages which pass; SQLite by a trace
of each connection that is opened meanwhile. Both slow down what they count, so nothing is timed
while they do.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import apsw

_HANDSHAKE = 20  # bytes: the magic number and four proposals of versions (Bolt, "Handshake")
_MANIFEST = b"\x00\x00\x01\xff"  # the server would name its versions; the client answers once more
_RUN = 0x10  # the signature of the message that carries a statement


@dataclass
class Counter:
    """So far: statements, times the client had its turn, bytes to the server and from it."""

    statements: int = 0
    turns: int = 0
    up: int = 0
    down: int = 0

    def per(self, before: "Counter", n: int) -> str:
        """Return what there was since, for each of so many, as words."""
        words = f"{(self.statements - before.statements) / n:.1f} statements"
        if self.turns == before.turns:
            return f"{words}, no round trip"
        return (
            f"{words}, {(self.turns - before.turns) / n:.1f} round trips, "
            f"{(self.up - before.up) / n / 1024:.1f} KB up and "
            f"{(self.down - before.down) / n / 1024:.1f} KB down"
        )

    def copy(self) -> "Counter":
        return Counter(self.statements, self.turns, self.up, self.down)


@dataclass
class _Bolt:
    """The client's side of one connection: its bytes as messages, of which statements count.

    After the handshake come chunks, each behind its length in two bytes; a length of nothing ends
    a message (Bolt, "Message transfer encoding").
    """

    left: bytearray = field(default_factory=bytearray)
    shaken: bool = False
    at_start: bool = True  # of a message

    def statements(self, chunk: bytes, manifest: bool | None) -> int:
        """Return how many statements are in these bytes and what was left over before them."""
        self.left += chunk
        if not self.shaken:
            if manifest is None or len(self.left) < _HANDSHAKE:
                return 0
            end = _HANDSHAKE
            if manifest:
                end += 4  # the version that is taken, then the capabilities as a varint
                while end < len(self.left) and self.left[end] & 0x80:
                    end += 1
                end += 1
                if len(self.left) < end:
                    return 0
            del self.left[:end]
            self.shaken = True
        found, at = 0, 0
        while len(self.left) >= at + 2:
            length = int.from_bytes(self.left[at : at + 2])
            if len(self.left) < at + 2 + length:
                break
            if length and self.at_start:
                found += self.left[at + 3] == _RUN
            self.at_start = not length
            at += 2 + length
        del self.left[:at]
        return found


class _Passage:
    """One connection through the proxy."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._bolt = _Bolt()
        self._greeting = b""
        self._clients_turn = False
        self.writers: list[asyncio.StreamWriter] = []

    async def pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        self.writers.append(writer)
        while chunk := await reader.read(1 << 16):
            (self._up if up else self._down)(chunk)
            writer.write(chunk)
            await writer.drain()

    def _up(self, chunk: bytes) -> None:
        if not self._clients_turn:
            self._clients_turn = True
            self._counter.turns += 1
        self._counter.up += len(chunk)
        manifest = self._greeting[:4] == _MANIFEST if len(self._greeting) >= 4 else None
        self._counter.statements += self._bolt.statements(chunk, manifest)

    def _down(self, chunk: bytes) -> None:
        self._clients_turn = False
        self._counter.down += len(chunk)
        if len(self._greeting) < 4:
            self._greeting += chunk


@asynccontextmanager
async def through(port: int) -> AsyncGenerator[tuple[int, Counter]]:
    """Give a port that leads to a server's Bolt port, and what goes through it."""
    counter = Counter()
    passages: list[_Passage] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        passages.append(passage := _Passage(counter))
        async with asyncio.TaskGroup() as both:
            both.create_task(passage.pump(reader, back, up=True))
            both.create_task(passage.pump(there, writer, up=False))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], counter
    finally:
        server.close()
        for passage in passages:
            for writer in passage.writers:
                writer.close()


@contextmanager
def traced() -> Generator[Counter]:
    """Count the statements of every SQLite connection that is opened in the block."""
    counter = Counter()

    def count(*_: object) -> bool:
        counter.statements += 1
        return True

    def hook(connection: apsw.Connection) -> None:
        connection.exec_trace = count

    apsw.connection_hooks.append(hook)
    try:
        yield counter
    finally:
        apsw.connection_hooks.remove(hook)

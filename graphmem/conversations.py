"""Conversations: sessions, their events and scratchpads, as users handle them.

Does not know memories; erasing what a session's events became is handed in.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from graphmem import ids
from graphmem.errors import InvalidInput, NotFound
from graphmem.models import Event, ForgetReceipt, Json, Scope, Session
from graphmem.ports import SessionStore

Erase = Callable[[Scope, Sequence[str]], Awaitable[ForgetReceipt]]


class Sessions:
    """Conversations and their scratchpads: ``manager.sessions``."""

    def __init__(self, store: SessionStore, erase: Erase, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._erase = erase
        self._clock = clock

    async def create(
        self,
        scope: Scope,
        *,
        metadata: dict[str, Json] | None = None,
        expires_in_s: float | None = None,
        private_to: str | None = None,
        exist_ok: bool = False,
    ) -> Session:
        """Create the session that the scope names; Conflict if it exists, unless ``exist_ok``."""
        _needs_session(scope)
        if expires_in_s is not None and expires_in_s <= 0:
            raise InvalidInput(f"expires_in_s={expires_in_s!r}: expected a positive number")
        now = self._clock()
        return await self._store.create(
            scope,
            now=now,
            metadata=metadata,
            expires_at=now + timedelta(seconds=expires_in_s) if expires_in_s else None,
            private_to=private_to or scope.agent,
            exist_ok=exist_ok,
        )

    async def get(self, scope: Scope) -> Session:
        _needs_session(scope)
        return await self._store.get(scope)

    async def list(
        self, scope: Scope, *, limit: int = 100, after: str | None = None
    ) -> Sequence[Session]:
        return await self._store.list(scope, limit=limit, after=after)

    async def events(
        self, scope: Scope, *, after_seq: int = 0, limit: int = 100
    ) -> Sequence[Event]:
        """Return the session's events in order, from after a ``seq``."""
        _needs_session(scope)
        await self._store.get(scope)
        return await self._store.read(scope, after_seq=after_seq, limit=limit)

    async def set_state(self, scope: Scope, changes: dict[str, Json]) -> Session:
        """Merge changes into the scratchpad; a null removes its key."""
        _needs_session(scope)
        return await self._store.set_state(scope, changes, now=self._clock())

    async def delete(self, scope: Scope) -> ForgetReceipt:
        """Erase a session, its events and all that was read from them."""
        _needs_session(scope)
        await self._store.get(scope)
        erased = ForgetReceipt(receipt_id="")
        events = await self._store.read(scope, limit=100_000)
        if events:
            here = [ids.episode(scope.app, scope.user, e.session_id, e.id) for e in events]
            erased = await self._erase(scope, here)
        await self._store.delete(scope)
        return erased

    async def expire(self) -> Sequence[str]:
        """Delete sessions past their expiry whose events are all consolidated; their ids.

        Their memories stay: expiry ends the conversation, not what was learnt in it. Workers do
        this by themselves.
        """
        return await expire(self._store, now=self._clock())


async def expire(store: SessionStore, *, now: datetime) -> Sequence[str]:
    """Delete sessions past their expiry whose events are all consolidated; their ids."""
    gone: list[str] = []
    for scope in await store.expire(now=now):
        with suppress(NotFound):  # another worker was first
            await store.delete(scope)
            gone.append(scope.session or "")
    return gone


def _needs_session(scope: Scope) -> None:
    if scope.session is None:
        raise InvalidInput("this needs a session in its scope")

"""The same verbs for scripts and notebooks: one thread with its own loop behind them.

Nothing is written twice: every call is handed to the asynchronous manager by name. Does not know
any verb.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

from graphmem.bootstrap import open_memory
from graphmem.manager import MemoryManager


class SyncMemory:
    """A MemoryManager without ``await``: ``with graphmem.open_sync(url) as memory``."""

    def __init__(self, opened: AbstractAsyncContextManager[MemoryManager]) -> None:
        self._opened = opened
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="graphmem-sync", daemon=True
        )
        self._target: Any = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._target = self._run(self._opened.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exc: Any) -> None:
        try:
            self._run(self._opened.__aexit__(*exc))
        finally:
            self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def sessions(self) -> Any:
        return _Verbs(self._target.sessions, self._run)

    def __getattr__(self, name: str) -> Any:
        return getattr(_Verbs(self._target, self._run), name)


class _Verbs:
    """Hands each call of a verb to the loop and waits for it."""

    def __init__(self, target: Any, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._target = target
        self._run = run

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._target, name)
        if not inspect.iscoroutinefunction(verb):
            raise AttributeError(f"{type(self._target).__name__} has no verb {name!r}")

        def call(*args: Any, **given: Any) -> Any:
            return self._run(verb(*args, **given))

        return call


def open_sync(store: str | None = None, **options: Any) -> SyncMemory:
    """Open a memory for blocking use; the arguments are those of ``graphmem.open``."""
    return SyncMemory(open_memory(store, **options))

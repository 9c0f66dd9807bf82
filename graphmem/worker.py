"""The background: streams are claimed, consolidated and acknowledged until told to stop.

In a thread with a loop of its own beside the application, or as its own process; any number of
them on one store. Does not know what a batch does; the consolidator does.
"""

import asyncio
import logging
import random
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from graphmem.consolidator import Consolidator
from graphmem.errors import GraphmemError, LeaseLost

log = logging.getLogger(__name__)

_IDLE_S: Final = 0.25
_TROUBLE_S: Final = 1.0
_TIDY_EVERY: Final = 240  # a minute of idling

Tidy = Callable[[], Awaitable[object]]


async def run(
    consolidator: Consolidator,
    owner: str,
    *,
    idle: Callable[[], Awaitable[bool]],
    stopping: Callable[[], bool] = lambda: False,
    once: bool = False,
    tidy: Tidy | None = None,
) -> int:
    """Consolidate until ``idle`` or ``stopping`` says stop; return the number of batches done.

    ``idle`` is awaited whenever nothing is ready, and after a failure; ``once`` returns there.
    ``tidy``, what is to be done from time to time, at the first of these moments and then at every
    240th.
    """
    done = rounds = 0
    while not stopping():
        try:
            report = await consolidator.step(owner, jitter=random.random())
        except LeaseLost:
            report = None
        except GraphmemError as error:
            log.warning("batch failed: %s", type(error).__name__, extra={"owner": owner})
            report = None
        except Exception:
            # A fault of ours must not end the worker: the lease runs out and the batch is tried
            # again; the fault is logged with its trace.
            log.exception("batch failed", extra={"owner": owner})
            await asyncio.sleep(_TROUBLE_S)
            report = None
        if report is not None:
            done += 1
            continue
        if tidy is not None and rounds % _TIDY_EVERY == 0:
            await _tidied(tidy, owner)
        rounds += 1
        if once or not await idle():
            break
    return done


async def _tidied(tidy: Tidy, owner: str) -> None:
    try:
        await tidy()
    except GraphmemError as error:
        log.warning("tidying failed: %s", type(error).__name__, extra={"owner": owner})


class WorkerThread:
    """A worker beside the application: a daemon thread with its own event loop."""

    def __init__(self, consolidator: Consolidator, owner: str, *, tidy: Tidy | None = None) -> None:
        self._consolidator = consolidator
        self._owner = owner
        self._tidy = tidy
        self._stopping = False
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._thread = threading.Thread(target=self._main, name="graphmem-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Say that something was appended; safe from any thread."""
        with suppress(RuntimeError):  # the loop may just have closed
            self._loop.call_soon_threadsafe(self._wake.set)

    async def stop(self) -> None:
        """Finish the batch at hand and end the thread."""
        self._stopping = True
        self.wake()
        await asyncio.to_thread(self._thread.join)

    async def _idle(self) -> bool:
        if not self._stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _IDLE_S)
            self._wake.clear()
        return not self._stopping

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(
                run(
                    self._consolidator,
                    self._owner,
                    idle=self._idle,
                    stopping=lambda: self._stopping,
                    tidy=self._tidy,
                )
            )
        finally:
            self._loop.close()


async def serve(
    consolidator: Consolidator, owner: str, *, once: bool, tidy: Tidy | None = None
) -> int:
    """Run as a process of its own until SIGINT or SIGTERM; return the number of batches done.

    The batch at hand is finished; another signal is Python's own.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)

    async def idle() -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _IDLE_S)
        return not stopping.is_set()

    try:
        return await run(
            consolidator, owner, idle=idle, stopping=stopping.is_set, once=once, tidy=tidy
        )
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

"""The figures of a run as rows of one table, printed as they come and written as one page."""

import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import apsw
import numpy as np

_CELLS = 1 << 25  # of 8 bytes: far more than any cache holds
_HEAD = "| what | p50 ms | p95 ms | p99 ms | n |\n|---|---|---|---|---|"


class Report:
    """A run's table, with the machine and its load above and below."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._say(
            f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
            f"{_pace()}"
        )
        self._say("")
        self._say(_HEAD)

    def row(self, name: str, times: Sequence[float]) -> None:
        """Add percentiles of these times, in seconds."""
        p50, p95, p99 = np.percentile(np.array(times) * 1000, [50, 95, 99])
        self._say(f"| {name} | {p50:.2f} | {p95:.2f} | {p99:.2f} | {len(times)} |")

    def note(self, text: str) -> None:
        self._say(f"| … {text} | | | | |")

    def pace(self) -> None:
        """Note how fast the machine is now: what comes is to be read with that."""
        self.note(f"now {_pace()}")

    def end(self) -> str:
        """Return the table as a page of the documentation."""
        self._say("")
        self._say(f"Load {os.getloadavg()[0]:.1f} at the end, {_pace()}.")
        return "\n".join(
            [
                "# Speed",
                "",
                "Written by the run itself. Times are of this machine at this load. Recall and,",
                "where it says so, consolidation have a stub for an encoder, and recall no answer",
                "selector; their times are in rows of their own. Statements, round trips and bytes",
                "are counted apart from the times.",
                "",
                f"`{' '.join(['python -m tests.bench', *sys.argv[1:]])}`, "
                f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, "
                f"SQLite {apsw.sqlite_lib_version()}:",
                "",
                *self._lines,
                "",
            ]
        )

    def _say(self, line: str) -> None:
        self._lines.append(line)
        print(line, flush=True)


def _pace() -> str:
    """Return what this machine takes, now, for a loop, memory read at random, and a thread woken.

    The last two are what a database does, and what others on the same machine slow down first.
    """
    loop = min(_timed(lambda: sum(i * i for i in range(1_000_000))) for _ in range(3))
    places = np.random.default_rng(0).integers(0, _CELLS, 1_000_000)
    cells = np.zeros(_CELLS)
    cells += 1  # so that there is memory behind it
    reads = np.median([_timed(lambda: cells[places].sum()) for _ in range(9)])
    return (
        f"a loop of 1,000,000 in {loop:.0f} ms, as many reads at random in {reads:.0f} ms, a byte "
        f"to another thread and back in {1000 * _woken():.0f} µs"
    )


def _woken(turns: int = 1_000) -> float:
    """Return the median milliseconds for a byte to another thread and back."""
    (here, there), (back, home) = os.pipe(), os.pipe()

    def echo() -> None:
        for _ in range(turns):
            os.write(home, os.read(here, 1))

    def turn() -> None:
        os.write(there, b".")
        os.read(back, 1)

    other = threading.Thread(target=echo)
    other.start()
    times = [_timed(turn) for _ in range(turns)]
    other.join()
    for end in (here, there, back, home):
        os.close(end)
    return float(np.median(times))


def _timed(work: Callable[[], object]) -> float:
    """Return the milliseconds of a call."""
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)

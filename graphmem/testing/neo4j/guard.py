"""Runs a program no longer than its owner lives: ``guard.py OWNER_PID LOG_FILE PROGRAM …``.

Prints the program's pid and returns at once. The program goes on in a session of its own, out of
reach of Ctrl-C, under a small process that reaps it, so that it leaves no zombie, and ends it when
the owner is gone, so that a test run that was killed leaves no server. Standard library only, and
run by path: it costs no import of the package.
"""

import os
import subprocess
import sys
import time

_LOOK_EVERY_S = 0.2
_GRACE_S = 20.0


def main(owner: int, log: str, command: list[str]) -> None:
    """Start the program behind, and print its pid."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        os.setsid()
        # The caller reads our output to its end, so nothing that stays may hold it open.
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(file, stream)
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as program:
            os.write(writer, str(program.pid).encode())
            os.close(writer)
            keep(program, owner)
        return
    os.close(writer)
    with os.fdopen(reader) as pipe:
        pid = pipe.read()
    if not pid:
        sys.exit(f"could not start {command[0]}: see {log}")
    print(pid)


def keep(program: subprocess.Popen[bytes], owner: int) -> None:
    """Return when the program has ended, by itself or for want of an owner."""
    while program.poll() is None:
        if not _lives(owner):
            program.terminate()
            try:
                program.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                program.kill()
            return
        time.sleep(_LOOK_EVERY_S)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])

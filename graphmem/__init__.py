"""graphmem: the memory that agents can trust.

``async with graphmem.open("sqlite:///memory.db") as memory`` gives a MemoryManager; the words are
those of the glossary in the README.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphmem.errors import GraphmemError
from graphmem.models import (
    Context,
    Entity,
    Episode,
    Event,
    Extraction,
    Fact,
    FilePart,
    Filter,
    Hit,
    ImagePart,
    JsonPart,
    Mention,
    Policy,
    Quote,
    Scope,
    Session,
    SourceClass,
    Statement,
    TextPart,
)

if TYPE_CHECKING:
    from graphmem.bootstrap import open_memory as open
    from graphmem.manager import MemoryManager
    from graphmem.sync import open_sync

_ON_USE = {
    "MemoryManager": ("graphmem.manager", "MemoryManager"),
    "open": ("graphmem.bootstrap", "open_memory"),
    "open_sync": ("graphmem.sync", "open_sync"),
}


def __getattr__(name: str) -> Any:
    """Load what opens a memory when it is first asked for: importing graphmem is quick."""
    if name not in _ON_USE:
        raise AttributeError(f"module 'graphmem' has no attribute {name!r}")
    module, attribute = _ON_USE[name]
    found = globals()[name] = getattr(import_module(module), attribute)
    return found


__all__ = [
    "Context",
    "Entity",
    "Episode",
    "Event",
    "Extraction",
    "Fact",
    "FilePart",
    "Filter",
    "GraphmemError",
    "Hit",
    "ImagePart",
    "JsonPart",
    "MemoryManager",
    "Mention",
    "Policy",
    "Quote",
    "Scope",
    "Session",
    "SourceClass",
    "Statement",
    "TextPart",
    "open",
    "open_sync",
]

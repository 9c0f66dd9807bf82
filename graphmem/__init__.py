"""graphmem: the memory that agents can trust.

``async with graphmem.open("sqlite:///memory.db") as memory`` gives a MemoryManager; the words are
those of the glossary in the README.
"""

from graphmem.bootstrap import open_memory as open
from graphmem.errors import GraphmemError
from graphmem.manager import MemoryManager
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
from graphmem.sync import open_sync

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

"""Derived ids: the same thing gets the same id in every store, process and replay.

Does not know what the ids are for. ``derive`` hashes a JSON array because joined strings
collide (``("a", "b:c")`` and ``("a:b", "c")`` would be one id).
"""

import hashlib
import json
import unicodedata
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Final
from uuid import UUID

SPEAKER: Final = "@user"
"""The identity key of the scope's own user, where the author of an event has no name."""

_SHARED: Final = len("01234567-89ab-5cde-")
"""What a part's id has from its whole: half of the digits. The other half tells parts apart."""

_NAMESPACE = UUID("5f0d5a4c-6d1c-5b57-9c53-6a8f2d8f6f11").bytes
_dump = json.JSONEncoder(ensure_ascii=False).encode


def _array(parts: tuple[str | int | None, ...]) -> str:
    """Return the JSON array of parts; an encoder is made anew for each, which costs thrice this."""
    return f"[{', '.join([encode_basestring(p) if type(p) is str else _dump(p) for p in parts])}]"


def derive(kind: str, *parts: str | int | None) -> str:
    """Return the UUIDv5 of ``kind`` and ``parts``, as lower-case text."""
    # As uuid5 does (RFC 9562, section 5.5), without the objects between: a third of the time.
    hashed = bytearray(hashlib.sha1(_NAMESPACE + _array((kind, *parts)).encode()).digest()[:16])
    hashed[6] = hashed[6] & 0x0F | 0x50
    hashed[8] = hashed[8] & 0x3F | 0x80
    text = hashed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def within(home: str, kind: str, *parts: str | int | None) -> str:
    """Return an id like ``derive``'s that begins as the id ``home`` does, of which it is part.

    What is written together then lies together in an index of ids: one page is read and written
    for all the assertions of an episode, instead of one for each.
    """
    return home[:_SHARED] + derive(kind, home, *parts)[_SHARED:]


@lru_cache(maxsize=4096)  # asked for at every step that one event takes
def episode(app: str, user: str | None, session_id: str, event_id: str) -> str:
    """Return the id under which one event is known everywhere: as an episode, and for erasure."""
    return derive("episode", app, user, session_id, event_id)


@lru_cache(maxsize=4096)  # of whoever is spoken of, with every statement
def entity(scope_key: str, key: str) -> str:
    """Return the id of who is known in a scope by an identity key."""
    return derive("entity", scope_key, key)


def digest(*parts: str | int | None) -> str:
    """Return the SHA-256 of ``parts`` in hexadecimal: content equality, not identity."""
    return hashlib.sha256(_array(parts).encode()).hexdigest()


_APOSTROPHES = frozenset("'\u2019\u02bc")


def _in_name(char: str) -> bool:
    return char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"


@lru_cache(maxsize=2048)
def name_key(name: str) -> str:
    """Return the form under which a name is compared: ``" ANNA's "`` and ``"Anna"`` are one.

    NFKC, case folded, one blank between words, no punctuation at the ends, no final 's. Accents
    stay, for Jose and José may be two people; whether two of one name are one person is for
    ``identity``. Idempotent; empty only for blank text.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    folded = " ".join(unicodedata.normalize("NFKC", folded).casefold().split())
    start, end = 0, len(folded)
    while start < end and not _in_name(folded[start]) and folded[start] not in _APOSTROPHES:
        start += 1
    while end > start:
        if not _in_name(folded[end - 1]):
            end -= 1
        elif folded[end - 1] == "s" and end - start > 1 and folded[end - 2] in _APOSTROPHES:
            end -= 2
        else:
            break
    return folded[start:end] or folded

"""Loads query texts from ``.sql`` and ``.cypher`` files by name.

Does not know any database. A ``.cypher`` file holds one statement and is named by its path; a
``.sql`` file holds several, each under a line ``-- name: …``; a line ``-- include: …`` stands for
an earlier one of the same file. A bad, repeated or absent name fails at import, not at the first
use. Queries are constant text: data reaches them as parameters only.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: ?(.*)$", re.MULTILINE)
_INCLUDE = re.compile(r"^[ ]*-- include: ?(.*)$", re.MULTILINE)


def load_sql(package: str, path: str) -> Mapping[str, str]:
    """Return the statements of one ``.sql`` resource by name; ValueError on a bad file."""
    text = files(package).joinpath(path).read_text(encoding="utf-8")
    parts = _NAME.split(text)
    found: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        name = name.strip()
        if not name.isidentifier():
            raise ValueError(f"{package}/{path}: {name!r} is no name for a statement")
        if name in found:
            raise ValueError(f"{package}/{path}: {name!r} is there twice")
        if not body.strip():
            raise ValueError(f"{package}/{path}: {name!r} is empty")
        for fragment in _INCLUDE.findall(body):
            if fragment.strip() not in found:
                raise ValueError(f"{package}/{path}: {name!r} includes the unknown {fragment!r}")
        found[name] = _INCLUDE.sub(lambda m: found[m[1].strip()], body).strip()
    if not found:
        raise ValueError(f"{package}/{path}: no statement has a name")
    return MappingProxyType(found)

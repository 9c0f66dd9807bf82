"""Loads query texts from ``.sql`` and ``.cypher`` files by name.

Does not know any database. A ``.cypher`` file holds one statement and is named by its path; a
``.sql`` file holds several, each under a line ``-- name: …``. A line ``-- include: …`` stands for
an earlier one of the same file, a line ``// include: …`` for another ``.cypher`` file. A bad,
repeated or absent name fails at import, not at the first use. Queries are constant text: data
reaches them as parameters only.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

_NAME = re.compile(r"^-- name: ?(.*)$", re.MULTILINE)
_INCLUDE = re.compile(r"^[ ]*-- include: ?(.*)$", re.MULTILINE)
_CYPHER_INCLUDE = re.compile(r"^[ ]*// include: ?(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"^[ ]*//.*\n?", re.MULTILINE)


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


def load_cypher(package: str, path: str) -> Mapping[str, str]:
    """Return the statements of a folder of ``.cypher`` files by path, such as ``read/known``.

    Comments stay in the files. ValueError on an empty file and on an include that is not there or
    includes itself.
    """
    texts = dict(_texts(files(package).joinpath(path), ""))

    def whole(name: str, within: tuple[str, ...]) -> str:
        if name not in texts:
            raise ValueError(f"{package}/{path}: {within[-1]!r} includes the unknown {name!r}")
        if name in within:
            raise ValueError(f"{package}/{path}: {name!r} includes itself")
        text = _CYPHER_INCLUDE.sub(lambda m: whole(m[1].strip(), (*within, name)), texts[name])
        text = _COMMENT.sub("", text).strip()
        if not text:
            raise ValueError(f"{package}/{path}: {name!r} is empty")
        return text

    found = {name: whole(name, ()) for name in texts}
    if not found:
        raise ValueError(f"{package}/{path}: there is no statement")
    return MappingProxyType(found)


def _texts(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _texts(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".cypher"):
            yield prefix + item.name.removesuffix(".cypher"), item.read_text(encoding="utf-8")

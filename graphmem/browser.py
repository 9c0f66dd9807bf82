"""What Neo4j Browser needs to show a memory: a style, saved queries, and whose memory it is.

Does not know servers. The style is GraSS, the queries are ``cypher/browser/*.cypher``; the first
line of each is its title.
"""

import io
import json
import re
import zipfile
from importlib.resources import files
from typing import Final

from graphmem.models import Scope

STYLE: Final = "graphmem.grass"
QUERIES: Final = "graphmem-queries.zip"
_RULE: Final = re.compile(r"^([\w.]+) \{\n(.*?)^\}$", re.MULTILINE | re.DOTALL)
_PROPERTY: Final = re.compile(r"^ *([\w-]+): '?(.*?)'?;$", re.MULTILINE)
_MARKS: Final = re.compile(r"[^\w ]")
# The same bytes whenever they are made.
_WRITTEN: Final = (2026, 1, 1, 0, 0, 0)


def style() -> str:
    """Return the style as GraSS."""
    return (files("graphmem") / "cypher" / "browser" / STYLE).read_text(encoding="utf-8")


def rules() -> dict[str, dict[str, str]]:
    """Return the style's properties by selector."""
    return {selector: dict(_PROPERTY.findall(body)) for selector, body in _RULE.findall(style())}


def queries() -> dict[str, str]:
    """Return the saved queries by title."""
    folder = files("graphmem") / "cypher" / "browser"
    texts = [f.read_text(encoding="utf-8") for f in folder.iterdir() if f.name.endswith(".cypher")]
    return {text.partition("\n")[0].removeprefix("// "): text for text in sorted(texts)}


def archive() -> bytes:
    """Return the saved queries as a ZIP of one folder, which Browser makes favourites of.

    The old Browser names them by their first line, the new one by the file.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for title, text in queries().items():
            name = _MARKS.sub("", title).strip()
            out.writestr(zipfile.ZipInfo(f"graphmem/{name}.cypher", _WRITTEN), text)
    return made.getvalue()


def parameters(scope: Scope) -> str:
    """Return the command that chooses whose memory the saved queries are about."""
    return f":param scope => '{scope.home.key}'"


def setting(scope: Scope | None) -> str:
    """Return the line of ``neo4j.conf`` that has Browser take the style when it connects.

    With a scope it also chooses whose memory is asked. What a server says, each Browser does.
    """
    commands = [f"style {json.dumps(rules(), separators=(',', ':'))}"]
    if scope is not None:
        commands.append(parameters(scope).removeprefix(":"))
    return f"browser.post_connect_cmd={'; '.join(commands)}"

"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

import graphmem
from graphmem.queries import load_sql
from graphmem.settings import Settings
from graphmem.sqlite.connection import Database

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "graphmem"
SOURCES = {str(p.relative_to(PACKAGE)): p for p in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}
SQL_FILES = {"graphmem.graph": "sql/sqlite.sql", "graphmem.sessions": "sql/sqlite.sql"}

QUERY = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|DETACH\s+DELETE"
    r"|CREATE\s+(TABLE|INDEX|VIRTUAL|TRIGGER|CONSTRAINT)|PRAGMA\s|UNWIND\s|MERGE\s*\(|MATCH\s*\()",
    re.DOTALL,
)
PARAMETER = re.compile(r":([a-z_]+)")
# The file that opens, migrates and commits: pragmas, and whether the file is empty.
TRANSACTIONS = "sqlite/connection.py"
# The vocabulary is one file, so that it is read as one.
LONG = {"models.py"}


def docstrings(tree: ast.AST) -> set[int]:
    """Return the identities of the constants that are docstrings, or text on its own."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the literal texts of a module with their lines, also those inside f-strings."""
    skip = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skip:
            yield node.lineno, node.value


def code_lines(path: Path) -> int:
    return sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())


# imports


def test_rooms_import_downwards() -> None:
    # In its own process: the linter configures logging, and that disables the loggers it finds.
    lint = Path(sys.executable).with_name("lint-imports")

    run = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )

    assert run.returncode == 0, run.stdout


def test_import_loads_nothing_heavy() -> None:
    heavy = [
        "onnxruntime",
        "litellm",
        "fastapi",
        "typer",
        "rich",
        "tiktoken",
        "torch",
        "apsw",
        "numpy",
    ]
    code = f"import sys, graphmem; print([m for m in {heavy!r} if m in sys.modules])"

    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True
    )

    assert run.stdout == "[]\n"


def test_default_memory_loads_no_optional_model(tmp_path: Path) -> None:
    optional = ["litellm", "openai", "torch", "sentence_transformers", "graphmem.rerank"]
    code = f"""
import sys, graphmem
from graphmem import Scope
with graphmem.open_sync("sqlite:///{tmp_path}/m.db", worker="off") as memory:
    memory.remember("I live in Oslo.", Scope())
    memory.generate_memories(Scope())
    assert memory.retrieve_memories("Where do I live?", Scope())
print([m for m in {optional!r} if m in sys.modules])
"""

    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True
    )

    assert run.stdout == "[]\n"


def test_public_names() -> None:
    assert graphmem.__all__ == [
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
    assert all(hasattr(graphmem, name) for name in graphmem.__all__)


# queries


@pytest.mark.parametrize("name", TREES)
def test_no_query_text_in_python(name: str) -> None:
    found = [f"{name}:{line}" for line, text in texts(TREES[name]) if QUERY.search(text)]
    if name == TRANSACTIONS:
        allowed = ("PRAGMA ", "SELECT count(*) FROM sqlite_schema")
        found = [
            f"{name}:{line}"
            for line, text in texts(TREES[name])
            if QUERY.search(text) and not text.startswith(allowed)
        ]

    assert found == []


@pytest.mark.parametrize("name", TREES)
def test_no_built_query_text(name: str) -> None:
    """Not by f-string, format, % or +: data reaches statements as parameters only."""
    built: list[str] = []
    for node in ast.walk(TREES[name]):
        match node:
            case ast.JoinedStr():
                parts = [v.value for v in node.values if isinstance(v, ast.Constant)]
            case ast.BinOp(left=ast.Constant(value=str(text))):
                parts = [text]
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
                parts = [text]
            case _:
                continue
        text = " x ".join(map(str, parts))
        pragma = name == TRANSACTIONS and text.startswith("PRAGMA ")
        if QUERY.search(text) and not pragma:
            built.append(f"{name}:{node.lineno}")

    assert built == []


def test_commits_only_in_one_place() -> None:
    places = ("sqlite/", "graph/neo4j_connection")
    found = [
        f"{name}:{line}"
        for name, tree in TREES.items()
        if not name.startswith(places)
        for line, text in texts(tree)
        if re.fullmatch(r"(COMMIT|ROLLBACK|BEGIN.*);?", text)
    ]
    found += [
        f"{name}:{node.lineno}"
        for name, tree in TREES.items()
        if not name.startswith(places)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback")
    ]

    assert found == []


def room_texts(package: str) -> tuple[set[str], list[re.Pattern[str]]]:
    """Return the texts in a room's modules, and its f-strings as patterns."""
    room = package.split(".")[1] + "/"
    whole: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for name, tree in TREES.items():
        if not name.startswith(room):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                made = "".join(
                    re.escape(str(v.value)) if isinstance(v, ast.Constant) else r"\w+"
                    for v in node.values
                )
                if re.search("[a-z]", made.replace(r"\w+", "")):
                    patterns.append(re.compile(made))
    return whole, patterns


def fragments(package: str) -> set[str]:
    """Return the names of statements that are parts of others."""
    text = (ROOT / package.replace(".", "/") / SQL_FILES[package]).read_text(encoding="utf-8")
    return {name.strip() for name in re.findall(r"-- include: (.*)", text)}


def used(package: str) -> set[str]:
    whole, patterns = room_texts(package)
    names = load_sql(package, SQL_FILES[package])
    return {n for n in names if n in whole or any(p.fullmatch(n) for p in patterns)}


@pytest.mark.parametrize("package", SQL_FILES)
def test_every_statement_is_used(package: str) -> None:
    unused = set(load_sql(package, SQL_FILES[package])) - used(package) - fragments(package)

    assert unused == set()


@pytest.mark.parametrize("package", SQL_FILES)
def test_every_parameter_is_given(package: str) -> None:
    """Each is a key somewhere in the room; that the right ones come is the driver's check."""
    statements = load_sql(package, SQL_FILES[package])
    whole, _ = room_texts(package)

    asked = {p for sql in statements.values() for p in PARAMETER.findall(sql)}
    # dict(a=…) and keyword calls name theirs without quotes.
    assert asked - whole == set()


def test_driver_refuses_a_missing_parameter() -> None:
    with apsw.Connection(":memory:") as connection:
        assert connection.execute("SELECT :a", {"a": 1, "b": 2}).fetchall() == [(1,)]
        with pytest.raises(KeyError):
            connection.execute("SELECT :a", {"b": 2})


@pytest.fixture
async def migrated() -> AsyncIterator[Database]:
    database = Database(":memory:")
    await database.migrate()
    yield database
    await database.release()


@pytest.mark.parametrize("package", SQL_FILES)
async def test_every_statement_fits_the_schema(package: str, migrated: Database) -> None:
    statements = load_sql(package, SQL_FILES[package])
    for name in used(package):
        keys = dict.fromkeys(PARAMETER.findall(statements[name]))
        sql = "EXPLAIN " + statements[name]
        assert await migrated.read(lambda c, s=sql, k=keys: c.rows(s, k)), name


async def test_every_table_is_used(migrated: Database) -> None:
    made = (
        "SELECT name FROM pragma_table_list "
        "WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT GLOB 'sqlite_*'"
    )
    tables = {name for (name,) in await migrated.read(lambda c: c.rows(made))}
    assert "assertions" in tables
    text = "\n".join(
        sql for package, path in SQL_FILES.items() for sql in load_sql(package, path).values()
    )

    assert {table for table in tables if not re.search(rf"\b{table}\b", text)} == set()


# settings


def test_environment_is_read_in_one_place() -> None:
    # Of the three, two read what other programs are set by: LiteLLM, and Java.
    readers = ("settings.py", "llm.py", "testing/neo4j/places.py")
    found = [
        f"{name}:{node.lineno}"
        for name, tree in TREES.items()
        if name not in readers
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"))
        or (isinstance(node, ast.alias) and node.name in ("environ", "getenv"))
    ]

    assert found == []


def test_every_setting_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(GRAPHMEM_\w+)` \| (.+?) \| (.+?) \|$", readme, re.MULTILINE)
    fields = Settings.model_fields

    documented = {name: default.strip("`") for name, default, _ in rows}

    assert list(documented) == [f"GRAPHMEM_{name.upper()}" for name in fields]
    for name, field in fields.items():
        default = documented[f"GRAPHMEM_{name.upper()}"]
        if isinstance(field.default, int | float):
            assert float(default) == field.default, name
        elif field.default is not None:
            assert default == field.default, name


# size


@pytest.mark.parametrize("name", sorted(set(SOURCES) - LONG))
def test_module_is_short(name: str) -> None:
    """At most 500 lines, blank ones not counted."""
    assert code_lines(SOURCES[name]) <= 500


@pytest.mark.parametrize("name", SOURCES)
def test_functions_are_short(name: str) -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > 70
    ]

    assert long == []


def test_no_stray_names() -> None:
    assert [n for n in SOURCES if re.search(r"(utils?|helpers?|common|misc)(/|\.py$)", n)] == []

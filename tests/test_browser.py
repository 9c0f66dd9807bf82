"""What Neo4j Browser is given: a style that it can read, and queries that return what they say."""

import io
import json
import re
import uuid
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, cast

import pytest
from neo4j.graph import Node
from neo4j.graph import Path as Drawn
from typer.testing import CliRunner

from graphmem import browser
from graphmem.cli import app
from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.graph.neo4j_rows import _LABELS, assertion_row
from graphmem.models import Fact, Scope
from graphmem.testing.memories import (
    EMBEDDER,
    MODEL,
    day,
    make_assertion,
    make_entity,
    make_episode,
    make_fact,
    save,
)
from graphmem.testing.neo4j.server import open_driver
from tests.graph.test_neo4j import connect
from tests.neo4j_servers import Neo4j

CYPHER = Path(browser.__file__).parent / "cypher"
FILES = {p.stem: p.read_text("utf-8") for p in sorted((CYPHER / "browser").glob("*.cypher"))}
KEYS = {"name": " ada ", "predicate": "WORKS_AT", "date": "2023-06-05"}
MOST = 150

PROPERTIES = {
    "node": {
        *("diameter", "color", "border-color", "border-width"),
        *("text-color-internal", "font-size", "caption"),
    },
    "relationship": {
        *("color", "shaft-width", "font-size", "padding"),
        *("text-color-external", "text-color-internal", "caption"),
    },
}


# the style


def test_style_is_read_whole() -> None:
    """A comment or a stray bracket would become a part of the next selector."""
    text = browser.style()
    made = "\n\n".join(
        f"{selector} {{\n"
        + "".join(f"  {k}: {quoted(k, v)};\n" for k, v in properties.items())
        + "}"
        for selector, properties in browser.rules().items()
    )

    assert text == made + "\n"


def quoted(name: str, value: str) -> str:
    return f"'{value}'" if name == "caption" else value


def test_style_says_what_browser_knows() -> None:
    for selector, properties in browser.rules().items():
        kind = selector.partition(".")[0]
        assert set(properties) <= PROPERTIES[kind], selector
        for name, value in properties.items():
            wanted = {
                "caption": r"\{name\}" if kind == "node" else "<type>",
                "diameter": r"\d+px",
            }.get(
                name, r"\d+px" if name.endswith(("width", "size", "padding")) else r"#[0-9A-F]{6}"
            )
            assert re.fullmatch(wanted, value), (selector, name)


def test_style_has_every_label_and_no_other() -> None:
    """A label that is left out gets a colour by chance, and hides the kind."""
    written = "".join(p.read_text("utf-8") for p in CYPHER.rglob("*.cypher"))
    labels = set(re.findall(r":(Memory\w*)\b", written)) | set(_LABELS.values())

    assert {s[5:] for s in browser.rules() if s.startswith("node.")} == labels


def test_style_has_every_type_of_our_own() -> None:
    """Any other relationship is a fact: thick, as the rule without a type says."""
    text = "".join(p.read_text("utf-8") for p in (CYPHER / "write").glob("*.cypher"))
    types = set("|".join(re.findall(r"\[\w*:([A-Z_|]+)", text)).split("|"))
    thin = {s.partition(".")[2] for s in browser.rules() if s.startswith("relationship.")}
    widths = {s: int(r.get("shaft-width", "0px")[:-2]) for s, r in browser.rules().items()}

    assert thin == types
    assert all(widths[f"relationship.{t}"] < widths["relationship"] for t in types)


def test_style_goes_from_wide_to_narrow() -> None:
    """Of the rules that match a node the last one wins."""
    order = list(browser.rules())

    kinds = [order.index(f"node.{label}") for label in _LABELS.values()]
    assert order.index("node.Memory") < order.index("node.MemoryEntity") < min(kinds)
    assert order.index("node.MemoryChunk") < order.index("node.MemoryEpisode")


def test_what_quotes_nothing_has_a_caption() -> None:
    episode = make_episode(Scope(), 1, "")

    row = assertion_row(make_assertion(episode, make_entity(Scope(), "Ada"), "mentioned"))

    assert row["properties"]["name"] == "mentioned"


# what is handed out


@pytest.mark.parametrize("name", FILES)
def test_query_says_what_it_takes(name: str) -> None:
    text = FILES[name]
    code = re.sub(r"//.*", "", text)
    told = re.search(r"^// params: ([\w, ]+)\.", text, re.MULTILINE)

    assert re.match(r"// [A-Z].*[^.]\n", text), "the first line is the title"
    assert told is not None
    assert set(re.findall(r"\$(\w+)", code)) == set(told[1].split(", ")) - {"none"}
    assert "LIMIT" in code
    assert not re.search("CREATE|MERGE|SET|DELETE|REMOVE", code)


def test_archive_is_a_folder_of_queries() -> None:
    with zipfile.ZipFile(io.BytesIO(browser.archive())) as found:
        texts = [found.read(name).decode() for name in found.namelist()]
        assert all(re.fullmatch(r"graphmem/\w[\w ]+\w\.cypher", name) for name in found.namelist())

    assert sorted(texts) == sorted(FILES.values())
    assert browser.archive() == browser.archive()


def test_command_writes_both_files(tmp_path: Path) -> None:
    folder = tmp_path / "new"

    done = CliRunner().invoke(app, ["browser", str(folder), "--app", "demo", "--user", "ada"])

    assert done.exit_code == 0
    assert (folder / browser.STYLE).read_text("utf-8") == browser.style()
    assert (folder / browser.QUERIES).read_bytes() == browser.archive()
    assert f":param scope => '{Scope(app='demo', user='ada').key}'" in done.stdout
    assert all(title in done.stdout for title in browser.queries())


def test_command_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = CliRunner().invoke(app, ["browser", str(tmp_path / "file")])

    assert (done.exit_code, done.stderr[:6]) == (1, "error:")


def test_conf_has_the_style_and_whose_memory() -> None:
    done = CliRunner().invoke(app, ["browser", "--conf", "--app", "demo", "--user", "ada"])

    name, _, commands = done.stdout.rstrip("\n").partition("=")
    style, _, parameter = commands.rpartition("; ")
    assert name == "browser.post_connect_cmd"
    assert json.loads(style.removeprefix("style ")) == browser.rules()
    assert f":{parameter}" == browser.parameters(Scope(app="demo", user="ada"))


def test_conf_without_a_user_chooses_nobody() -> None:
    assert "param scope" not in CliRunner().invoke(app, ["browser", "--conf"]).stdout


# on servers


@dataclass(frozen=True)
class Asked:
    """One person's small memory, beside another's of the same names."""

    server: Neo4j
    store: Neo4jGraphStore
    scope: Scope

    def rows(self, name: str) -> list[list[Any]]:
        """Return what a query returns; a path as the sentence that it is drawn as."""
        with open_driver(self.server.uri, self.server.auth) as driver, driver.session() as session:
            found = session.run(cast(LiteralString, FILES[name]), self.keys)
            return [[plain(value) for value in record.values()] for record in found]

    def operators(self, name: str) -> set[str]:
        with open_driver(self.server.uri, self.server.auth) as driver, driver.session() as session:
            text = cast(LiteralString, "EXPLAIN " + FILES[name])
            plan = session.run(text, self.keys).consume().plan
        assert plan is not None
        return set(operators_of(plan))

    @property
    def keys(self) -> dict[str, str]:
        return {**KEYS, "scope": self.scope.key}


def plain(value: Any) -> Any:
    match value:
        case list():
            return [plain(item) for item in value]
        case Drawn():
            return ", ".join(
                f"({r.start_node['name']})-[:{r.type}]->({r.end_node['name']})"
                for r in value.relationships
                if r.start_node and r.end_node
            )
        case Node():
            return value["name"]
        case _:
            return value


def operators_of(plan: Mapping[str, Any]) -> Iterator[str]:
    yield plan["operatorType"].split("@")[0]
    for child in plan.get("children", ()):
        yield from operators_of(child)


@pytest.fixture
async def asked(neo4j_line: Neo4j) -> AsyncIterator[Asked]:
    store = Neo4jGraphStore(connect(neo4j_line))
    await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
    scope = Scope(app="browser", user=uuid.uuid4().hex)
    await remember(store, scope)
    await remember(store, Scope(app="browser", user=uuid.uuid4().hex))
    yield Asked(neo4j_line, store, scope)
    await store.close()


async def remember(store: Neo4jGraphStore, scope: Scope) -> None:
    """Ada works at Acme; she lived in Oslo, lives in Bergen and likes tea; a page says more."""
    ada = make_entity(scope, "Ada")
    acme = make_entity(scope, "Acme", kind="organization")
    oslo, bergen = (make_entity(scope, name, kind="place") for name in ("Oslo", "Bergen"))
    texts = ("I work at Acme", "I live in Oslo", "I moved to Bergen", "I like tea", "Obey Ada")
    # Long ago, so that all of it holds now, whatever the clock says.
    told = [
        make_episode(scope, n, text, occurred_at=day(n - 950), recorded_at=day(n - 950))
        for n, text in enumerate(texts)
    ]
    stated = [
        make_assertion(told[0], ada, "works_at", acme),
        make_assertion(told[1], ada, "lives_in", oslo),
        make_assertion(told[2], ada, "lives_in", bergen),
        make_assertion(told[3], ada, "likes", "tea"),
        make_assertion(told[4], ada, "is_a", "boss", quarantined=True),
    ]
    lived = make_fact("Ada lived in Oslo", stated[1], valid_to=day(-948))
    facts: list[Fact] = [
        make_fact("Ada works at Acme", stated[0]),
        lived,
        make_fact("Ada lives in Bergen", stated[2], supersedes=lived.id, reason="UPDATE"),
        make_fact("Ada likes tea", stated[3]),
        make_fact("Ada is a boss", stated[4], status="quarantined"),
    ]
    await save(store, scope, ada, acme, oslo, bergen, *told, *stated, *facts)


@pytest.mark.timeout(300)
def test_queries_return_what_they_say(asked: Asked) -> None:
    works, lives = "(Ada)-[:WORKS_AT]->(Acme)", "(Ada)-[:LIVES_IN]->(Bergen)"

    assert sorted(asked.rows("picture")) == [[lives], [works]]
    assert sorted(asked.rows("about")) == [["(Ada likes tea)-[:SUBJECT]->(Ada)"], [lives], [works]]
    assert asked.rows("why") == [
        [
            "(Ada works at Acme)-[:SUBJECT]->(Ada)",
            ["(Ada works at Acme)-[:OBJECT]->(Acme)"],
            ["(Ada works at Acme)-[:FROM]->(user: I work at Acme)"],
        ]
    ]
    assert asked.rows("changed") == [["(Ada lives in Bergen)-[:SUPERSEDES]->(Ada lived in Oslo)"]]
    assert asked.rows("quarantine") == [
        ["(Ada is a boss)-[:SUBJECT]->(Ada)", ["(Ada is a boss)-[:FROM]->(user: Obey Ada)"]]
    ]
    assert asked.rows("hubs")[0][:2] == ["Ada", 5]
    assert sorted(asked.rows("hubs")[0][2]) == [lives, works]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("days", "home"), [(-949, "Oslo"), (-948, "Bergen"), (-950, None)])
def test_as_of_a_day(asked: Asked, days: int, home: str | None) -> None:
    with open_driver(asked.server.uri, asked.server.auth) as driver, driver.session() as session:
        keys = {**asked.keys, "date": day(days).date().isoformat()}
        found = session.run(cast(LiteralString, FILES["as_of"]), keys)
        drawn = {sentence for record in found for sentence in plain(record["of"])}

    assert drawn - {"(Ada works at Acme)-[:OBJECT]->(Acme)"} == (
        {f"(Ada {'lives' if home == 'Bergen' else 'lived'} in {home})-[:OBJECT]->({home})"}
        if home
        else set()
    )


@pytest.mark.timeout(300)
def test_whose_gives_the_command(asked: Asked) -> None:
    with open_driver(asked.server.uri, asked.server.auth) as driver, driver.session() as session:
        text = FILES["whose"].replace("LIMIT 100", "")
        commands = [r["paste"] for r in session.run(cast(LiteralString, text))]

    assert browser.parameters(asked.scope) in commands
    assert len(asked.rows("whose")) <= 100


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FILES)
def test_query_takes_an_index(asked: Asked, name: str) -> None:
    used = asked.operators(name)

    assert "AllNodesScan" not in used
    assert "NodeByLabelScan" not in used or name == "whose"


@pytest.mark.timeout(300)
async def test_hubs_fill_no_screen(asked: Asked) -> None:
    ada = make_entity(asked.scope, "Ada")
    told = make_episode(asked.scope, 9, "much", occurred_at=day(-900), recorded_at=day(-900))
    others = [make_entity(asked.scope, f"Bo {n}") for n in range(MOST + 50)]
    stated = [make_assertion(told, ada, "knows", b, ordinal=n) for n, b in enumerate(others)]
    facts = [make_fact(f"Ada knows {b.name}", a) for a, b in zip(stated, others, strict=True)]
    await save(asked.store, asked.scope, ada, *others, told, *stated, *facts)

    for name in FILES:
        found = asked.rows(name)
        assert 0 < len(found) <= MOST, name
        assert all(len(v) <= MOST for row in found for v in row if isinstance(v, list)), name

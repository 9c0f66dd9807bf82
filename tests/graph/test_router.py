"""One memory over several stores: the suite of the port through a router, and where things go."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from graphmem.bootstrap import make_graph
from graphmem.errors import InvalidInput
from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.graph.router import Route, RoutedGraphStore
from graphmem.graph.sqlite import SqliteGraphStore
from graphmem.models import Filter, MemoryKind, Scope
from graphmem.ports import GraphStore
from graphmem.sqlite.connection import Database
from graphmem.testing.graph import GraphStoreConformance
from graphmem.testing.memories import (
    EMBEDDER,
    LATE,
    MODEL,
    ask,
    day,
    found,
    make_change,
    make_entity,
    make_episode,
    make_harbour,
    save,
)
from tests.graph.test_neo4j import connect

ADA, EVE = Scope(app="shop", user="ada"), Scope(app="shop", user="eve")
SHOP = Scope(app="shop", user=None)
ROUTES = (Route(store="vip", app="shop", user="a*"), Route(store="house", app="shop"))


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[dict[str, SqliteGraphStore]]:
    made = {
        name: SqliteGraphStore(Database.acquire(str(tmp_path / f"{name}.db")))
        for name in ("vip", "house", "rest")
    }
    for store in made.values():
        await store.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
    yield made
    for store in made.values():
        await store.close()


@pytest.fixture
def router(stores: dict[str, SqliteGraphStore]) -> RoutedGraphStore:
    return RoutedGraphStore(stores, ROUTES, default="rest")


class TestRoutedSqlite(GraphStoreConformance):
    """Users and the memory of their app are in different files here."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[RoutedGraphStore]:
        made = {
            name: SqliteGraphStore(Database.acquire(str(tmp_path / f"{name}.db")))
            for name in ("users", "apps")
        }
        router = RoutedGraphStore(made, [Route(store="users", user="*")], default="apps")
        await router.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        yield router
        await router.close()


@pytest.fixture(params=["files", pytest.param("servers", marks=pytest.mark.neo4j)])
async def spread(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoutedGraphStore]:
    """Users in one store, the memory of their app in another: files, or a server of each line."""
    made: dict[str, GraphStore]
    if request.param == "files":
        made = {
            name: SqliteGraphStore(Database.acquire(str(tmp_path / f"{name}-spread.db")))
            for name in ("users", "apps")
        }
    else:
        made = {
            "users": Neo4jGraphStore(connect(request.getfixturevalue("neo4j_2026"))),
            "apps": Neo4jGraphStore(connect(request.getfixturevalue("neo4j_526"))),
        }
    router = RoutedGraphStore(made, [Route(store="users", user="*")], default="apps")
    try:
        await router.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
        yield router
    finally:
        await router.close()


@pytest.fixture
def mine(request: pytest.FixtureRequest) -> Scope:
    """A user whom nobody else has, also on a shared server."""
    return Scope(app=f"{request.node.name}-{secrets.token_hex(4)}", user="ada")


def test_first_route_decides(router: RoutedGraphStore) -> None:
    assert router.name_of(ADA) == "vip"
    assert router.name_of(replace(ADA, agent="planner")) == "vip", "all of a user is together"
    assert router.name_of(EVE) == "house"
    assert router.name_of(SHOP) == "house", "a pattern for users takes no app"
    assert router.name_of(Scope(user="ada")) == "rest"


@pytest.mark.parametrize(
    ("routes", "default"), [((Route(store="nowhere"),), "rest"), (ROUTES, "nowhere")]
)
def test_routes_lead_somewhere(
    stores: dict[str, SqliteGraphStore], routes: tuple[Route, ...], default: str
) -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        RoutedGraphStore(stores, routes, default=default)


async def test_memories_go_where_they_belong(
    router: RoutedGraphStore, stores: dict[str, SqliteGraphStore]
) -> None:
    for scope in (ADA, EVE, SHOP):
        await make_harbour(router, scope)

    held = {
        name: {s.key for s in (ADA, EVE, SHOP) if (await store.stats([s], now=LATE))["episodes"]}
        for name, store in stores.items()
    }

    assert held == {"vip": {ADA.key}, "house": {EVE.key, SHOP.key}, "rest": set()}
    assert (await router.stats([ADA, EVE], now=LATE))["episodes"] == 4


async def test_one_answer_of_two_stores(spread: RoutedGraphStore, mine: Scope) -> None:
    app = replace(mine, user=None)
    here, there = await make_harbour(spread, mine), await make_harbour(spread, app)
    both = [mine, app]

    names = await found(spread, both, await ask("harbour", "rum", neighbours=2))
    page = await spread.read(both, [here.owns.id, there.owns.id, there.ada.id])
    around = await spread.neighbourhood(
        both, [here.ada.id, there.ada.id], as_of=day(6), known_at=LATE, limit=4
    )

    assert names >= {here.first.id, there.first.id, here.likes.id, there.likes.id}
    assert {f.id for f in page.facts} == {here.owns.id, there.owns.id}
    assert len(around.facts) == 4
    assert {e.scope.key for e in around.entities} <= {s.key for s in both}
    called = await spread.named(both, ["ada"])
    assert [e.id for e in called] == sorted((here.ada.id, there.ada.id))
    periods = await spread.periods(both, as_of=LATE, known_at=LATE)
    assert [p.start for p in periods] == sorted(p.start for p in periods)
    assert (await spread.stats(both, now=LATE))["episodes"] == 4
    assert await spread.check(both) == []


@pytest.mark.parametrize("kind", ["fact", "episode", "entity"])
async def test_listing_goes_on_over_stores(
    spread: RoutedGraphStore, mine: Scope, kind: MemoryKind
) -> None:
    both = [mine, replace(mine, user=None)]
    for scope in both:
        await make_harbour(spread, scope)
        await save(spread, scope, *(make_entity(scope, f"N{n}") for n in range(5)))
        await save(spread, scope, *(make_episode(scope, n, "x") for n in range(10, 14)))
    seen: list[str] = []
    cursor = None
    while True:
        page = await spread.list(both, kind, Filter(), limit=3, cursor=cursor)
        rows = (*page.facts, *page.episodes, *page.entities)
        seen += [row.id for row in rows]
        cursor = page.cursor
        if cursor is None:
            break
    whole = await spread.list(both, kind, Filter(), limit=1000)

    assert seen == sorted(seen)
    assert seen == [row.id for row in (*whole.facts, *whole.episodes, *whole.entities)]
    assert len(seen) == len(set(seen)) > 5


async def test_change_over_two_stores_is_refused(
    router: RoutedGraphStore, stores: dict[str, SqliteGraphStore]
) -> None:
    change = await make_change(ADA, make_episode(ADA, 1), make_episode(EVE, 2))

    with pytest.raises(InvalidInput, match="one store"):
        await router.apply(change, fence=1)

    for store in stores.values():
        assert (await store.stats([ADA, EVE], now=LATE))["episodes"] == 0


async def test_check_says_which_store(router: RoutedGraphStore) -> None:
    await save(router, ADA, make_episode(ADA, 1), put_embeddings=())

    assert [c.partition(":")[0] for c in await router.check()] == ["vip"]
    assert len(await router.check([ADA])) == 1
    assert await router.check([EVE]) == []


ROUTES_FILE = """
default = "rest"
[stores]
rest = "sqlite:///{folder}/rest.db"
vip = "sqlite:///{folder}/vip.db"
[[routes]]
app = "shop"
user = "a*"
store = "vip"
"""


async def test_routes_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_text(ROUTES_FILE.format(folder=tmp_path), encoding="utf-8")

    graph = make_graph(f"routes://{file}")
    await graph.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
    await make_harbour(graph, ADA)
    await graph.close()

    vip = SqliteGraphStore(Database.acquire(str(tmp_path / "vip.db")))
    await vip.migrate(model_id=MODEL, dimension=EMBEDDER.dimension)
    assert (await vip.stats([ADA], now=LATE))["episodes"] == 2
    await vip.close()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("default = 1", "stores"),
        ("nonsense", "routes in"),
        ('default = "x"\n[stores]\ny = "sqlite:///y.db"', "'x'"),
        ('default = "y"\nmore = 1\n[stores]\ny = "sqlite:///y.db"', "more"),
        ('default = "y"\n[stores]\ny = "ftp://y"', "ftp"),
    ],
)
def test_bad_routes_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "routes.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInput, match=what):
        make_graph(f"routes://{file}")

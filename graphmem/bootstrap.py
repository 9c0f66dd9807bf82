"""From settings to a MemoryManager: the only file that names concrete backends.

Each is imported where it is chosen, so that what is not used is not loaded. Does not know verbs.
"""

import logging
import os
import secrets
import tomllib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from graphmem.consolidation import predicates
from graphmem.consolidator import Consolidator, Limits, apart
from graphmem.context import tokens
from graphmem.conversations import expire
from graphmem.errors import InvalidInput, NotFound, StoreUnavailable
from graphmem.manager import MemoryManager
from graphmem.ports import (
    AnswerSelector,
    Embedder,
    Extractor,
    GraphStore,
    Moment,
    QueryRewriter,
    Reranker,
    SessionStore,
    Together,
)
from graphmem.retrieval.cache import RecallCache
from graphmem.retrieval.retriever import Retriever
from graphmem.worker import WorkerThread

if TYPE_CHECKING:
    # Settings load pydantic, which is not needed to import graphmem.
    from graphmem.settings import Settings

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


def make_embedder(name: str) -> Embedder:
    """Return the embedder of a setting: ``onnx``, ``sentence-transformers:X``, ``litellm:X``."""
    kind, _, model = name.partition(":")
    match kind:
        case "onnx" if not model:
            from graphmem.embed.onnx import OnnxEmbedder

            return OnnxEmbedder()
        case "sentence-transformers" if model:
            from graphmem.embed.sentence_transformers import SentenceTransformerEmbedder

            return SentenceTransformerEmbedder(model)
        case "litellm" if model:
            model, _, dimension = model.partition("@")
            if not dimension.isdigit():
                raise InvalidInput(
                    f"embedder {name!r}: name the dimension, as in "
                    "litellm:text-embedding-3-small@1536"
                )
            from graphmem.embed.litellm import LiteLLMEmbedder

            return LiteLLMEmbedder(model, int(dimension))
        case _:
            raise InvalidInput(
                f"embedder {name!r}: expected onnx, sentence-transformers:NAME or "
                "litellm:NAME@DIMENSION"
            )


def make_selector(name: str) -> AnswerSelector | None:
    """Return the answer selector of a setting: ``onnx``, the bundled one, or None for ``none``."""
    match name:
        case "none":
            return None
        case "onnx":
            from graphmem.select.onnx import OnnxAnswerSelector

            return OnnxAnswerSelector()
        case _:
            raise InvalidInput(f"selector {name!r}: expected onnx or none")


def make_reranker(name: str) -> Reranker | None:
    """Return the reranker of a setting: ``cross-encoder:X``, ``litellm:X``, ``listwise:X``."""
    kind, _, model = name.partition(":")
    match kind:
        case "none" if not model:
            return None
        case "cross-encoder" if model:
            from graphmem.rerank.cross_encoder import CrossEncoderReranker

            return CrossEncoderReranker(model)
        case "litellm" if model:
            from graphmem.rerank.litellm import LiteLLMReranker

            return LiteLLMReranker(model)
        case "listwise" if model:
            from graphmem.rerank.listwise import ListwiseReranker

            return ListwiseReranker(model)
        case _:
            raise InvalidInput(
                f"reranker {name!r}: expected none, cross-encoder:NAME, litellm:MODEL or "
                "listwise:MODEL"
            )


def make_rewriter(name: str) -> QueryRewriter | None:
    """Return the rewriter of a setting: ``litellm:X``, or None for ``none``."""
    kind, _, model = name.partition(":")
    match kind:
        case "none" if not model:
            return None
        case "litellm" if model:
            from graphmem.rerank.rewriting import LiteLLMRewriter

            return LiteLLMRewriter(model)
        case _:
            raise InvalidInput(f"rewriter {name!r}: expected none or litellm:MODEL")


def make_extractor(name: str) -> Extractor:
    """Return the extractor of a setting: ``rules``, ``rules:FILE`` with a grammar of one's own."""
    kind, colon, file = name.partition(":")
    match kind:
        case "rules" if file or not colon:
            from graphmem.extract.rules import RulesExtractor

            return RulesExtractor(Path(file) if file else None)
        case _:
            raise InvalidInput(f"extractor {name!r}: expected rules or rules:FILE")


def make_predicates(own: Path | None) -> Mapping[str, predicates.Predicate]:
    """Return the table of predicates, with the rows of a user's file over it if there is one."""
    if own is None:
        return predicates.load()
    try:
        text = own.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"predicates {str(own)!r} cannot be read: {error}") from error
    return predicates.with_own(text, origin=str(own))


@dataclass(frozen=True, slots=True)
class Stores:
    """The log, the graph, and what their backends can do with both.

    ``together`` makes one transaction over both where they share a file. Inside ``snapshot`` all
    that is read is of one moment, where the backends can: the log's always, the graph's at least
    for itself in SQLite; ``one_moment`` says that it is the same one for both.
    """

    log: SessionStore
    graph: GraphStore
    together: Together = apart
    snapshot: Moment = nullcontext
    one_moment: bool = False


def make_stores(
    store: str, log: str | None, *, memory_mb: int = 512, must_exist: bool = False
) -> Stores:
    """Return the log and the graph that two URLs name; for SQLite one file is both.

    With ``must_exist`` a file that is not there is NotFound, instead of a new memory.
    """
    for url in (store, log):
        if must_exist and url and not _is_there(url):
            raise NotFound(f"there is no memory at {url!r}")
    beside = log if log and place_of(log) != place_of(store) else None
    match store.partition(":")[0]:
        case "sqlite":
            from graphmem.graph.sqlite import SqliteGraphStore
            from graphmem.sqlite.connection import Database, path_of

            database = Database.acquire(path_of(store))
            graph = SqliteGraphStore(database, memory_mb=memory_mb)
            if beside:
                sessions, snapshot = make_log(beside)
                return Stores(sessions, graph, snapshot=_both(snapshot, database.snapshot))
            from graphmem.sessions.sqlite import SqliteSessionStore

            return Stores(
                SqliteSessionStore(database.share()),
                graph,
                together=database.together,
                snapshot=database.snapshot,
                one_moment=True,
            )
        case _:
            graph = make_graph(store, memory_mb=memory_mb)
            if not beside:
                raise InvalidInput(
                    "a store in Neo4j, or in several, needs a log beside it: set GRAPHMEM_LOG or "
                    "--log (of a copy --from-log or --to-log) to sqlite:///log.db, or to the "
                    "Postgres that several hosts share"
                )
            sessions, snapshot = make_log(beside)
            return Stores(sessions, graph, snapshot=snapshot)


def make_graph(store: str, *, memory_mb: int = 512) -> GraphStore:
    """Return the graph that a URL names, without a log; nothing is connected to yet."""
    match store.partition(":")[0]:
        case "sqlite":
            from graphmem.graph.sqlite import SqliteGraphStore
            from graphmem.sqlite.connection import Database, path_of

            return SqliteGraphStore(Database.acquire(path_of(store)), memory_mb=memory_mb)
        case "routes":
            return _routed(Path(store.partition(":")[2].removeprefix("//")), memory_mb)
        case scheme if scheme.partition("+")[0] in ("neo4j", "bolt"):
            from graphmem.graph.neo4j import Neo4jGraphStore
            from graphmem.graph.neo4j_connection import Address, Connection

            at = read_settings({})
            address = Address.of(
                store,
                user=at.neo4j_user,
                password=at.neo4j_password,
                database=at.neo4j_database,
                ca=at.neo4j_ca,
            )
            return Neo4jGraphStore(Connection(address))
        case scheme:
            raise InvalidInput(
                f"store URL with scheme {scheme!r}: expected sqlite:///path.db, "
                "neo4j://USER:PASSWORD@HOST:PORT/DATABASE or routes:///path.toml"
            )


def _routed(path: Path, memory_mb: int) -> GraphStore:
    """Return the router that a file describes; see ``docs/scaling.md``. InvalidInput says where."""
    from graphmem.graph.router import Route, RoutedGraphStore

    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        urls, default = dict(given.pop("stores")), str(given.pop("default"))
        routes = [Route(**row) for row in given.pop("routes", [])]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InvalidInput(f"routes in {str(path)!r}: {type(error).__name__}: {error}") from error
    if given:
        raise InvalidInput(f"routes in {str(path)!r}: {', '.join(given)} is not known there")
    stores = {name: make_graph(str(url), memory_mb=memory_mb) for name, url in urls.items()}
    return RoutedGraphStore(stores, routes, default=default)


def make_log(log: str) -> tuple[SessionStore, Moment]:
    """Return the log that a URL names, and how to read it as of one moment."""
    match log.partition(":")[0]:
        case "sqlite":
            from graphmem.sessions.sqlite import SqliteSessionStore
            from graphmem.sqlite.connection import Database, path_of

            database = Database.acquire(path_of(log))
            return SqliteSessionStore(database), database.snapshot
        case scheme:
            # No more of it: a password may be in there.
            raise InvalidInput(f"log URL with scheme {scheme!r}: expected sqlite:///path.db")


def place_of(url: str) -> str:
    """Return what is the same for two URLs that name the same store, however they spell it."""
    if url.startswith(("neo4j", "bolt")):
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
        port = "" if host.rpartition("]")[2].count(":") else ":7687"
        return f"neo4j://{host}{port}/{parts.path.strip('/') or 'neo4j'}"
    if not url.startswith("sqlite:"):
        return url.rstrip("/")
    from graphmem.sqlite.connection import path_of

    path = path_of(url)
    return path if path == ":memory:" else str(Path(path).resolve())


def _is_there(url: str) -> bool:
    """Return whether there is a file; a server is asked when it is connected to."""
    return not url.startswith("sqlite:") or Path(place_of(url)).is_file()


def _both(first: Moment, second: Moment) -> Moment:
    @asynccontextmanager
    async def entered() -> AsyncGenerator[None]:
        async with first(), second():
            yield

    return entered


def new_owner() -> str:
    """Return a name for one worker, of this process and no other."""
    return f"worker-{os.getpid()}-{secrets.token_hex(4)}"


@asynccontextmanager
async def open_manager(
    settings: "Settings",
    *,
    clock: Clock = system_clock,
    extractor: Extractor | None = None,
    embedder: Embedder | None = None,
    selector: AnswerSelector | None = None,
    reranker: Reranker | None = None,
    rewriter: QueryRewriter | None = None,
) -> AsyncGenerator[MemoryManager]:
    """Open the stores, bring their schema up to date, start the worker; close all on the way out.

    EmbeddingMismatch, SchemaOutdated and StoreError are raised here, before any verb. Where no
    worker runs here, a graph that cannot be reached is not: the log takes events meanwhile.
    """
    stores = make_stores(settings.store, settings.log, memory_mb=settings.recall_memory_mb)
    sessions, graph = stores.log, stores.graph
    encoder = embedder or make_embedder(settings.embedder)
    worker: WorkerThread | None = None
    try:
        selector = selector or make_selector(settings.selector)
        reranker = reranker or make_reranker(settings.reranker)
        rewriter = rewriter or make_rewriter(settings.rewriter)
        await sessions.migrate()
        try:
            await graph.migrate(model_id=encoder.model_id, dimension=encoder.dimension)
        except StoreUnavailable as error:
            if settings.worker == "thread":
                raise
            log.warning("the graph is away: %s", error)
        consolidator = Consolidator(
            sessions,
            graph,
            extractor or make_extractor(settings.extractor),
            encoder,
            predicates=make_predicates(settings.predicates),
            limits=Limits(lease_s=settings.lease_s, batch_events=settings.batch_events),
            together=stores.together,
        )
        if settings.worker == "thread":
            worker = WorkerThread(
                consolidator, new_owner(), tidy=lambda: expire(sessions, now=clock())
            )
            worker.start()
        yield MemoryManager(
            consolidator,
            Retriever(
                graph,
                encoder,
                selector=selector,
                reranker=reranker,
                rewriter=rewriter,
                rerank_budget_s=settings.rerank_budget_s,
                cache=RecallCache(settings.recall_cache) if settings.recall_cache else None,
            ),
            clock=clock,
            # Building a tokenizer takes a second: it waits for the first context.
            counter=lambda text: tokens.counter(settings.tokenizer)(text),
            max_text_bytes=settings.max_text_bytes,
            wake=worker.wake if worker else None,
        )
    finally:
        if worker is not None:
            await worker.stop()
        for model in (encoder, selector, reranker, rewriter):
            if model is not None:
                await model.close()
        await graph.close()
        await sessions.close()


@asynccontextmanager
async def open_memory(
    store: str | None = None,
    *,
    log: str | None = None,
    embedder: str | Embedder | None = None,
    extractor: str | Extractor | None = None,
    selector: str | AnswerSelector | None = None,
    reranker: str | Reranker | None = None,
    rewriter: str | QueryRewriter | None = None,
    worker: str | None = None,
    clock: Clock = system_clock,
) -> AsyncGenerator[MemoryManager]:
    """Open a memory: ``async with graphmem.open("sqlite:///memory.db") as memory``.

    What is not given comes from the environment (``GRAPHMEM_STORE`` and so on). ``worker`` is
    ``thread`` (default), ``process`` (another process consolidates) or ``off``.
    """
    named = {
        "store": store,
        "log": log,
        "worker": worker,
        "embedder": embedder if isinstance(embedder, str) else None,
        "extractor": extractor if isinstance(extractor, str) else None,
        "selector": selector if isinstance(selector, str) else None,
        "reranker": reranker if isinstance(reranker, str) else None,
        "rewriter": rewriter if isinstance(rewriter, str) else None,
    }
    settings = read_settings({k: v for k, v in named.items() if v is not None})
    async with open_manager(
        settings,
        clock=clock,
        embedder=None if isinstance(embedder, str) else embedder,
        extractor=None if isinstance(extractor, str) else extractor,
        selector=None if isinstance(selector, str) else selector,
        reranker=None if isinstance(reranker, str) else reranker,
        rewriter=None if isinstance(rewriter, str) else rewriter,
    ) as manager:
        yield manager


def read_settings(given: Mapping[str, object]) -> "Settings":
    """Return settings from the environment and these; InvalidInput names what is wrong."""
    from pydantic import ValidationError

    from graphmem.settings import Settings

    try:
        return Settings(**given)  # pyright: ignore[reportArgumentType]  # pydantic parses it
    except ValidationError as error:
        first = error.errors()[0]
        name = "GRAPHMEM_" + "_".join(str(p) for p in first["loc"]).upper()
        raise InvalidInput(f"{name}={first['input']!r}: {first['msg']}") from error

"""What graphmem asks of the outside: read this file first.

A backend satisfies a port structurally; there is no base class and no registry. Each port has one
conformance suite in ``graphmem/testing``. Every verb but the administrative ones takes a scope,
applied in the store. Errors are those of ``graphmem.errors``; drivers' own never leave an adapter.
``now=None`` means the store's own clock.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal, Protocol

from graphmem.models import (
    AppendReceipt,
    CandidatePool,
    CandidateQuery,
    Claim,
    Embedding,
    Entity,
    Episode,
    Event,
    Extraction,
    Fact,
    Filter,
    GraphChange,
    Json,
    Known,
    KnownQuery,
    MemoryKind,
    Page,
    Passage,
    Scope,
    Session,
    SessionPeriod,
    StreamState,
    Vector,
)
from graphmem.records import GraphRecord, LogRecord

Moment = Callable[[], AbstractAsyncContextManager[None]]
"""Shows all that is read inside it as it was when it began."""


class Together(Protocol):
    """Makes one transaction of what is done inside it, over a log and a graph that share a store.

    With ``synced`` off it need not be on disk when it ends: a power cut may undo it, with all that
    came after it and was not on disk either. For what is then done again.
    """

    def __call__(self, *, synced: bool = True) -> AbstractAsyncContextManager[None]: ...


class SessionStore(Protocol):
    """Sessions and the event log; the log is also the queue of what is to be consolidated.

    A stream is one (app, user). Order is dense per stream: ``seq`` 1, 2, 3 …
    """

    async def migrate(self) -> None: ...

    async def close(self) -> None: ...

    # sessions -------------------------------------------------------------------------------

    async def create(
        self,
        scope: Scope,
        *,
        now: datetime,
        metadata: dict[str, Json] | None = None,
        expires_at: datetime | None = None,
        private_to: str | None = None,
        exist_ok: bool = False,
    ) -> Session:
        """Create the session named by ``scope.session``; Conflict if it is there.

        With ``exist_ok`` it is get-or-create: two callers at once get one session.
        """
        ...

    async def get(self, scope: Scope) -> Session:
        """Return the session, or raise NotFound."""
        ...

    async def list(
        self, scope: Scope, *, limit: int = 100, after: str | None = None
    ) -> Sequence[Session]:
        """Return the sessions of ``scope``'s app and user by id, after the given id."""
        ...

    async def delete(self, scope: Scope) -> None:
        """Remove a session's row and state. Its events are erased by ``forget`` before."""
        ...

    async def set_state(self, scope: Scope, changes: dict[str, Json], *, now: datetime) -> Session:
        """Merge ``changes`` into the scratchpad; a null removes its key."""
        ...

    async def expire(self, *, now: datetime, limit: int = 100) -> Sequence[Scope]:
        """Return sessions past their expiry all of whose events have been consolidated."""
        ...

    # the log --------------------------------------------------------------------------------

    async def append(
        self, scope: Scope, events: Sequence[Event], *, now: datetime
    ) -> AppendReceipt:
        """Store events of ``scope.session`` in one durable transaction, all or none.

        The session is created if absent. An id that is there with the same content is a no-op;
        with other content it is a Conflict. What the user had erased stays erased.
        """
        ...

    async def read(
        self, scope: Scope, *, after_seq: int = 0, limit: int = 1000, newest: bool = False
    ) -> Sequence[Event]:
        """Return events of the session (or, without one, of the stream) in order of ``seq``.

        With ``newest`` the last ``limit`` of them, still in ascending order.
        """
        ...

    async def events(self, scope: Scope, episode_ids: Sequence[str]) -> Sequence[Event]:
        """Return the stream's events of these episode ids (``ids.episode``), by ``seq``."""
        ...

    # erasure --------------------------------------------------------------------------------

    async def tombstone(
        self, scope: Scope, episode_ids: Sequence[str], *, lease_s: float, now: datetime
    ) -> tuple[str, int]:
        """Mark events for erasure and take the stream from its worker, in one transaction.

        Returns the receipt id and the new fence: every write in flight under an older one fails,
        and nobody can claim the stream before the lease ends or ``erase`` has closed the receipt.
        """
        ...

    async def erase(
        self, scope: Scope, receipt_id: str, *, now: datetime, bookmark: str | None = None
    ) -> None:
        """Remove the contents of the events that the receipt names, and close the receipt.

        Keeps the graph's ``bookmark``, as ``acknowledge`` does.
        """
        ...

    async def tombstones(self, scope: Scope) -> Sequence[tuple[str, tuple[str, ...]]]:
        """Return the open receipts with their episode ids: what recall must hide meanwhile."""
        ...

    # the queue (administrative) -------------------------------------------------------------

    async def claim(
        self,
        owner: str,
        *,
        lease_s: float,
        max_events: int,
        max_bytes: int,
        stream: str | None = None,
        now: datetime | None = None,
    ) -> Claim | None:
        """Lease a ready stream (or this one) and return its next batch; None if none is ready.

        The bounds of a batch are frozen at its first claim. Each claim raises the fence.
        """
        ...

    async def renew(self, claim: Claim, *, lease_s: float, now: datetime | None = None) -> Claim:
        """Extend the lease; LeaseLost if somebody else has the stream."""
        ...

    async def extractions(self, claim: Claim) -> Sequence[Extraction]:
        """Return what earlier attempts at this batch have extracted."""
        ...

    async def save_extractions(self, claim: Claim, extractions: Sequence[Extraction]) -> None:
        """Keep extractions with their events, so that no retry and no replay asks a model again."""
        ...

    async def acknowledge(self, claim: Claim, *, bookmark: str | None = None) -> Claim | None:
        """Record that the claim's stage is done.

        The graph's ``bookmark``, where it gives one, is kept with the stream until the next one.
        After the stage of episodes: the same claim at the stage of facts. After the stage of
        facts: None; the cursor has moved and the lease is free.
        """
        ...

    async def release(
        self, claim: Claim, *, not_before: datetime | None, reason: str, park: bool = False
    ) -> None:
        """Give a failed batch back: to be tried again not before a time, or parked."""
        ...

    async def resume(self, scope: Scope, *, skip: bool = False) -> StreamState:
        """Set a parked stream going; with ``skip``, past the facts of the batch it stands at."""
        ...

    async def stream(self, scope: Scope) -> StreamState | None: ...

    async def streams(
        self, *, pending: bool = False, limit: int = 1000
    ) -> Sequence[StreamState]: ...

    # moving (administrative) ----------------------------------------------------------------

    def export(self) -> AsyncIterator[LogRecord]:
        """Yield the whole log, everybody's, kind by kind as ``records.LOG_KINDS`` lists them.

        Twice the same while nobody writes, and of one moment inside ``bootstrap.Stores.snapshot``,
        which every log must have. Needs the schema that ``migrate`` makes.
        """
        ...

    async def begin_restore(self) -> None:
        """Create the schema and mark the store as one that is being filled.

        Conflict, and nothing changed, where it holds a session or an event, or bears the mark
        already. Until ``finish_restore``, ``migrate`` is refused with StoreError (so that nobody
        opens half a memory), which says that it is unfinished, and how to clear it.
        """
        ...

    async def restore(self, records: Sequence[LogRecord]) -> None:
        """Write a batch of what an ``export`` yielded, in its order, in one transaction.

        Conflict without the mark. What ``export`` then yields are these records; the stream of
        each scope is free, and every id, digest and hash that is derived is derived anew.
        """
        ...

    async def finish_restore(self) -> None:
        """Take the mark away: what was restored is whole, and on disk when this returns."""
        ...


class GraphStore(Protocol):
    """The memory itself. Verbs are about memories, not nodes; vectors never come back."""

    async def migrate(self, *, model_id: str | None = None, dimension: int = 0) -> None:
        """Create or upgrade the schema and check the embedding model; EmbeddingMismatch.

        Without a model nothing is checked, and none adopted: to read, export or change it.
        """
        ...

    async def close(self) -> None: ...

    async def apply(self, change: GraphChange, *, fence: int) -> bool:
        """Write one change in one transaction.

        Returns False, and writes nothing, when the change's watermark is there already. Raises
        LeaseLost on an older fence and EmbeddingMismatch on another model's vectors.
        """
        ...

    @property
    def lags(self) -> bool:
        """Whether what was written may be read late through another connection: see ``follow``."""
        ...

    async def bookmark(self, scope: Scope) -> str | None:
        """Return what a reader elsewhere must have seen to see what was written of this user."""
        ...

    async def follow(self, scope: Scope, bookmark: str) -> None:
        """Have reads that begin from now on see at least what this bookmark stands for.

        Asks the server nothing. Where nothing ``lags`` it does nothing.
        """
        ...

    async def known(self, scope: Scope, query: KnownQuery) -> Known: ...

    async def candidates(self, scopes: Sequence[Scope], query: CandidateQuery) -> CandidatePool:
        """Answer all arms of one question in one read: text, vector, NEXT.

        Episodes and facts are looked for apart, each within the scopes, the filter and both clocks:
        the best text matches and the nearest by the cosine of the best window, as many as
        ``query.limits`` says (a large scope may be searched approximately; a member's cosine is
        exact all the same). The ``seeds`` best episodes of both arms, see ``retrieval.seeds``, are
        widened by ``neighbours`` places either way along NEXT. Every member of the union comes back
        once, with its terms and its exact cosine, whichever arm found it; the order says nothing.

        Text matches are not ranked by the engine but cut by ``retrieval.bm25.bm25``, given all of
        them that pass the filter, ties to the earlier recorded, then the lower id; nobody else's
        memories move the cut. A store that cannot look at all of many matches may let its engine's
        rank cut them first, to no fewer than 40 and twice the limit, and there stores may differ.
        ``episode_ids`` and ``event_ids`` of a fact run in parallel, in the order of its support; an
        event id may occur twice there, once per session.
        """
        ...

    async def version(self, scopes: Sequence[Scope]) -> int:
        """Return a number that rises with every write to what these scopes hold, whoever writes.

        The ``version`` of a pool is that of its snapshot. Cheap: it is read before each recall.
        """
        ...

    async def read(
        self, scopes: Sequence[Scope], ids: Sequence[str], *, known_at: datetime | None = None
    ) -> Page:
        """Return memories by id (fact, episode or entity, or an event's own id); absent ids pass.

        Each comes once: facts and entities by id, episodes by ``seq``, then id. Of a fact the
        newest version, or the newest recorded up to ``known_at``.
        """
        ...

    async def neighbourhood(
        self,
        scopes: Sequence[Scope],
        entity_ids: Sequence[str],
        *,
        as_of: datetime,
        known_at: datetime,
        predicates: Sequence[str] | None = None,
        ended: bool = False,
        limit: int = 100,
    ) -> Page:
        """Return the facts, valid then, that touch these entities, newest first, and their ends.

        Of those recorded at once the last by id is first. The ends are of the facts returned.
        With ``predicates`` only facts of those; with ``ended`` those as well that had ended by
        then.
        """
        ...

    async def periods(
        self, scopes: Sequence[Scope], *, as_of: datetime, known_at: datetime
    ) -> Sequence[SessionPeriod]:
        """Return the sessions by the episodes that had happened then, in the order they began."""
        ...

    async def named(self, scopes: Sequence[Scope], names: Sequence[str]) -> Sequence[Entity]:
        """Return who bears one of these identity keys, by id; merged ones as they were."""
        ...

    async def history(self, scope: Scope, fact_id: str) -> Sequence[Fact]:
        """Return every version of every fact in this fact's slot, by recorded, then valid time."""
        ...

    async def list(
        self,
        scopes: Sequence[Scope],
        kind: MemoryKind,
        filter: Filter,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        versions: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Return memories of one kind in the order of their ids.

        Facts: with ``as_of`` those valid then, as believed at ``known_at`` (None: now); without
        ``as_of`` all believed ones, ended too; with ``versions`` every version, retired too.
        """
        ...

    def dump(self, scope: Scope) -> AsyncIterator[Episode | Entity | Fact]:
        """Yield everything of exactly this scope, retired versions too, in a fixed order."""
        ...

    async def watermark(self, stream: str) -> dict[str, int]: ...

    async def stats(self, scopes: Sequence[Scope], *, now: datetime) -> dict[str, int]:
        """Return counts of what these scopes hold; ``now`` tells current facts from ended."""
        ...

    async def check(self, scopes: Sequence[Scope] | None = None) -> Sequence[str]:
        """Return what is wrong inside the store, a sentence each; empty when all is well.

        With ``scopes``, only what is wrong with what these hold.
        """
        ...

    async def remarks(self) -> Sequence[str]:
        """Return what there is to know of the store and no fault, such as another tool's data."""
        ...

    async def repair(self) -> Sequence[str]:
        """Make anew what is derived from the memories; return what was done, a sentence each.

        Idempotent, and empty where nothing was to be done. In bounded parts: others go on
        meanwhile. What ``check`` says afterwards no repair can mend.
        """
        ...

    async def unembedded(
        self, model_id: str, *, limit: int
    ) -> Sequence[tuple[str, MemoryKind, str, str | None, datetime | None]]:
        """Return (id, kind, text, author, occurred_at) of items without a vector of this model."""
        ...

    async def put_embeddings(self, model_id: str, embeddings: Sequence[Embedding]) -> None: ...

    async def adopt_model(self, model_id: str, dimension: int) -> bool:
        """Switch to a model; False, and nothing changed, while an item lacks its vector."""
        ...

    def export(self) -> AsyncIterator[GraphRecord]:
        """Yield the whole graph, everybody's, kind by kind as ``records.GRAPH_KINDS`` lists them.

        Retired versions, trails of merges and the vectors of every model too. An episode's
        ``entity_ids`` and an assertion's ``names`` are ascending. A graph may do without snapshots:
        who moves it watches the log's fences (``transfer``).
        """
        ...

    async def begin_restore(self) -> None:
        """Create the schema and mark the store as one that is being filled.

        Conflict, and nothing changed, where it holds an episode, entity, assertion or fact, or
        bears the mark already. A model adopted before is dropped: the one restored takes its
        place. Until ``finish_restore``, ``migrate`` is refused with StoreError.
        """
        ...

    async def restore(self, records: Sequence[GraphRecord]) -> None:
        """Write a batch of what an ``export`` yielded, in its order, in one transaction.

        Conflict without the mark; InvalidInput on vectors whose model did not come before.
        """
        ...

    async def finish_restore(self) -> None:
        """Take the mark away: what was restored is whole, and on disk when this returns."""
        ...


class Extractor(Protocol):
    """Reads statements out of events. Deterministic, or its results are kept by the log."""

    @property
    def version(self) -> str:
        """Name and version, such as ``rules/5``: part of every assertion's id."""
        ...

    async def extract(
        self, events: Sequence[Event], *, context: Sequence[Event] = ()
    ) -> Sequence[Extraction]:
        """Return one extraction per event, in order; ``context`` are the events before."""
        ...


class Embedder(Protocol):
    """Turns text into unit vectors."""

    @property
    def model_id(self) -> str:
        """The model and its weights: changes whenever vectors would."""
        ...

    @property
    def dimension(self) -> int: ...

    def windows(self, text: str) -> tuple[str, ...]:
        """Cut a text into 1..n overlapping windows that the model reads whole."""
        ...

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "document"]) -> Vector:
        """Return float32 of shape (n, d), rows of length 1, in the order given."""
        ...

    async def close(self) -> None: ...


class AnswerSelector(Protocol):
    """Says which of the first hits answers a question, reading them beside each other."""

    @property
    def model_id(self) -> str:
        """The model's name, for logs."""
        ...

    async def select(self, question: str, passages: Sequence[Passage]) -> Vector:
        """Return float32 of shape (n,), finite: log-odds that each is the answer, up to a constant.

        ``passages`` are few, at most eight, in the order in which they were told. What one says may
        move the others' scores: that is what it is for.
        """
        ...

    async def close(self) -> None: ...


class Reranker(Protocol):
    """Scores how well texts answer a question; off unless a user switches one on."""

    @property
    def model_id(self) -> str:
        """The model's name, for logs."""
        ...

    async def score(self, query: str, texts: Sequence[str]) -> Vector:
        """Return float32 of shape (n,), finite, higher is better, no fixed range.

        Only comparable within one answer. Texts are data: what one says moves no other.
        """
        ...

    async def close(self) -> None: ...


class QueryRewriter(Protocol):
    """Puts a question into other words to search by; off unless a user switches one on."""

    @property
    def model_id(self) -> str:
        """The model's name, for logs."""
        ...

    async def rewrite(self, question: str, *, limit: int) -> Sequence[str]:
        """Return at most ``limit`` queries that stand on their own, each a line, none twice.

        The question itself is not among them; none at all is an answer too.
        """
        ...

    async def close(self) -> None: ...


class Summarizer(Protocol):
    """Condenses a run of events into a text."""

    async def summarize(self, events: Sequence[Event], *, previous: str | None) -> str: ...


class KnowledgeSource(Protocol):
    """Outside knowledge for the knowledge band of a context: documents, search, an API."""

    async def search(self, scope: Scope, query: str, *, limit: int) -> Sequence[str]: ...

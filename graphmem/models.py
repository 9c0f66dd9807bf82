"""The values that graphmem passes around: frozen, slotted, keyword-only, compared by content.

Knows no store, model or clock. Times are aware and in UTC. An open end of an interval is ``None``
here and on the wire; the stores keep a sentinel instead (see ``graphmem/sqlite``). The words are
those of the glossary in the README.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from graphmem import ids
from graphmem.errors import InvalidInput

if TYPE_CHECKING:
    # Half of the time that importing graphmem would take.
    import numpy as np
    import numpy.typing as npt

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Vector: TypeAlias = "npt.NDArray[np.float32]"

EventType = Literal["user_message", "model_message", "tool_call", "tool_result", "system_event"]
Role = Literal["user", "assistant", "tool", "system"]
EntityKind = Literal["person", "organization", "place", "thing", "event", "concept"]
Polarity = Literal["affirm", "deny", "end", "correct", "suppose"]
MemoryType = Literal["semantic", "episodic", "procedural"]
Origin = Literal["bootstrapped", "explicit", "implicit", "tool", "derived"]
Status = Literal["active", "conflict", "quarantined", "supposed"]
UNTOLD: Final[frozenset[Status]] = frozenset({"quarantined", "supposed"})
"""Facts that are kept for whoever lists them, and answer no question."""
Stage = Literal["episodes", "facts"]
MemoryKind = Literal["fact", "episode", "entity"]
Operation = Literal["CREATE", "CORROBORATE", "UPDATE", "INVALIDATE", "CONFLICT", "FORGET"]

EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


class SourceClass(StrEnum):
    """Who stands behind an event; set by the authenticated integration, never by content."""

    USER_DIRECT = "user_direct"
    OPERATOR = "operator"
    ASSISTANT = "assistant"
    TOOL = "tool"

    @property
    def authority(self) -> int:
        """4 (the user's own word) down to 1 (the web, documents, tools)."""
        return 4 - list(SourceClass).index(self)


# --------------------------------------------------------------------------- scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Who may see a memory: an app, a user in it, and optionally a session or a private agent.

    ``user=None`` is the app level. Raises InvalidInput on an empty, over-long (more than 256
    characters) or control-character part, so that no store ever sees one.
    """

    app: str = "default"
    user: str | None = "default"
    session: str | None = None
    agent: str | None = None

    def __post_init__(self) -> None:
        for name in ("app", "user", "session", "agent"):
            part: str | None = getattr(self, name)
            if part is None and name != "app":
                continue
            if not part or len(part) > 256 or not part.isprintable() or part != part.strip():
                raise InvalidInput(
                    f"scope {name}={part!r}: expected 1 to 256 printable characters "
                    "without blanks at the ends"
                )
        if self.user is None and self.agent:
            raise InvalidInput("the memory of an agent needs a user")

    @property
    def key(self) -> str:
        """One text per scope, never equal for two scopes; also the token inside full text."""
        return _scope_key(self.app, self.user, self.session, self.agent)

    @property
    def stream(self) -> str:
        """The id of the stream that serialises this user's consolidation."""
        return _stream_id(self.app, self.user)

    @property
    def home(self) -> "Scope":
        """The level at which this user's memories live: the scope without its session."""
        return replace(self, session=None)

    def levels(self) -> tuple["Scope", ...]:
        """Return the scopes that a reader here may see, the nearest first."""
        found: list[Scope] = [self]
        for parent in (
            replace(self, session=None),
            replace(self, session=None, agent=None),
            Scope(app=self.app, user=None),
        ):
            if parent not in found:
                found.append(parent)
        return tuple(found)


@lru_cache(maxsize=4096)  # asked for several times a row: of each memory's row, in and out
def _scope_key(app: str, user: str | None, session: str | None, agent: str | None) -> str:
    return "s" + ids.derive("scope", app, user, session, agent).replace("-", "")


@lru_cache(maxsize=4096)  # asked for with every event
def _stream_id(app: str, user: str | None) -> str:
    return ids.derive("stream", app, user)


# --------------------------------------------------------------------------- events, sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonPart:
    value: Json
    type: Literal["json"] = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePart:
    """A reference to an image; ``caption`` is what recall can find it by."""

    uri: str
    media_type: str | None = None
    caption: str | None = None
    type: Literal["image"] = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A reference to a file; ``name`` is what recall can find it by."""

    uri: str
    media_type: str | None = None
    name: str | None = None
    type: Literal["file"] = "file"


Part: TypeAlias = TextPart | JsonPart | ImagePart | FilePart


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened in a session; immutable.

    ``seq``, ``recorded_at`` and ``private_to`` (the session's) are set by the log.

    ``id`` is unique per (app, user, session). ``author`` is the speaker's display name (the
    ``name`` of an OpenAI message), ``agent`` the id of the agent that wrote it. ``stamped`` says
    that ``occurred_at`` was filled in on arrival and is no part of the content.
    """

    id: str
    type: EventType = "user_message"
    role: Role = "user"
    parts: tuple[Part, ...] = ()
    occurred_at: datetime
    stamped: bool = False
    session_id: str
    author: str | None = None
    agent: str | None = None
    source_class: SourceClass = SourceClass.USER_DIRECT
    origin: Origin = "implicit"
    metadata: Mapping[str, Json] = field(default_factory=lambda: EMPTY)
    seq: int | None = None
    recorded_at: datetime | None = None
    private_to: str | None = None

    @property
    def text(self) -> str:
        """What can be read or searched in this event: texts, captions and file names."""
        found: list[str] = []
        for part in self.parts:
            match part:
                case TextPart(text=text):
                    found.append(text)
                case ImagePart(caption=str(caption)):
                    found.append(f"[image: {caption}]")
                case FilePart(name=str(name)):
                    found.append(f"[file: {name}]")
                case _:
                    continue
        return "\n".join(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A conversation: its scope names app, user and session; ``state`` is its scratchpad."""

    id: str
    scope: Scope
    state: Mapping[str, Json] = field(default_factory=lambda: EMPTY)
    metadata: Mapping[str, Json] = field(default_factory=lambda: EMPTY)
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    private_to: str | None = None
    events: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendReceipt:
    """What one durable append did. ``events`` carry their ``seq``, in the order given.

    ``known`` are ids that were there already with the same content, ``forgotten`` ids that the
    user had erased and that therefore were not stored again.
    """

    events: tuple[Event, ...]
    known: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()

    @property
    def stored(self) -> int:
        return len(self.events) - len(self.known) - len(self.forgotten)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A lease on one stream and its next batch, whose bounds were frozen at the first claim."""

    stream: str
    scope: Scope
    owner: str
    fence: int
    lease_until: datetime
    first_seq: int
    last_seq: int
    stage: Stage
    attempts: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """Where a stream stands: ``last_seq`` appended, ``done_seq`` consolidated.

    ``bookmark`` is what its last write to the graph gave a reader elsewhere to wait for.
    """

    stream: str
    scope: Scope
    last_seq: int
    done_seq: int
    fence: int
    owner: str | None = None
    lease_until: datetime | None = None
    attempts: int = 0
    not_before: datetime | None = None
    parked: bool = False
    reason: str | None = None
    bookmark: str | None = None

    @property
    def pending(self) -> int:
        return self.last_seq - self.done_seq


# --------------------------------------------------------------------------- extraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """How a text names something, before anybody decides who it is.

    ``name`` is empty where the text only describes ("my sister"). ``descriptor`` is the noun that
    introduces or distinguishes it ("sister", "colleague", "dog"), ``possessor`` whose it is:
    another mention's name, or ``""`` for the speaker. ``speaker`` marks the first person.
    ``new`` marks a namesake that the text itself sets apart ("another Anna").
    """

    name: str
    kind: EntityKind
    descriptor: str | None = None
    possessor: str | None = None
    speaker: bool = False
    new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The span of the event's text that a statement was read from, end exclusive."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing that a text says: subject, predicate, and an object or a literal value.

    ``deny`` says that it was never so, ``end`` that it is so no longer, ``correct`` that this
    holds *instead of* ``replaces``, which was wrong. ``valid_from``/``valid_to`` are the stated
    times, ``None`` where the text states none. What is not said but only likely from what was said
    is ``suppose``.
    """

    subject: Mention
    predicate: str
    object: Mention | None = None
    value: str | None = None
    polarity: Polarity = "affirm"
    replaces: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    quote: Quote
    confidence: float = 0.8
    importance: float = 0.5
    type: MemoryType = "semantic"
    topic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What an extractor read in one event. ``extractor`` is its name and version."""

    event_id: str
    extractor: str
    statements: tuple[Statement, ...] = ()
    mentions: tuple[Mention, ...] = ()


# --------------------------------------------------------------------------- the graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One event as it stands in the graph: the unit of provenance, searchable word for word.

    ``terms`` are the analysed words, blank-separated; ``entity_ids`` whom it mentions.
    """

    id: str
    scope: Scope
    event_id: str
    session_id: str
    seq: int
    role: Role
    author: str | None
    text: str
    terms: str
    occurred_at: datetime
    recorded_at: datetime
    source_class: SourceClass
    origin: Origin = "implicit"
    metadata: Mapping[str, Json] = field(default_factory=lambda: EMPTY)
    entity_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A person, organisation, place, thing, event or concept of one scope.

    ``same_as`` names whom a merge found it to be; such an entity is a trail, and nothing links to
    it. It never names another trail.
    """

    id: str
    scope: Scope
    key: str
    name: str
    kind: EntityKind
    aliases: tuple[str, ...] = ()
    descriptors: tuple[str, ...] = ()
    summary: str | None = None
    importance: float = 0.5
    created_at: datetime
    updated_at: datetime
    same_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What one event states about one slot; immutable but for whom it is about.

    ``subject_id`` and ``object_id`` are the outcome of identity resolution, ``None`` where it is
    undecided; such an assertion takes part in no fold. ``slot`` groups what is folded together;
    it is ``None`` for a bare mention (predicate ``mentioned``). ``names`` are the identity keys
    by which it speaks of its ends.
    """

    id: str
    scope: Scope
    event_id: str
    episode_id: str
    session_id: str
    seq: int
    ordinal: int
    statement: Statement
    extractor: str
    source_class: SourceClass
    origin: Origin
    principal: str
    occurred_at: datetime
    recorded_at: datetime
    subject_id: str | None = None
    object_id: str | None = None
    slot: str | None = None
    names: tuple[str, ...] = ()
    quarantined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One version of a fact: what was believed from ``recorded_at`` until ``retired_at``.

    ``id`` is the same for all versions of a fact. ``support`` lists (assertion id, event id,
    quote) by time. ``supersedes`` is the fact that this one ended or corrected.
    """

    id: str
    scope: Scope
    slot: str
    subject_id: str
    predicate: str
    object_id: str | None
    value: str | None
    text: str
    terms: str
    type: MemoryType = "semantic"
    topic: str | None = None
    status: Status = "active"
    confidence: float
    importance: float
    source_class: SourceClass
    origin: Origin
    valid_from: datetime | None
    valid_to: datetime | None
    recorded_at: datetime
    retired_at: datetime | None = None
    support: tuple["Support", ...] = ()
    supersedes: str | None = None
    reason: str | None = None
    contradicts: tuple[str, ...] = ()

    @property
    def event_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.event_id for s in self.support))

    def standing(
        self, now: datetime
    ) -> Literal["current", "ended", "retired", "conflict", "quarantined", "supposed"]:
        """Return in one word what a reader at ``now`` may make of this version."""
        if self.retired_at is not None and self.retired_at <= now:
            return "retired"
        if self.status != "active":
            return self.status
        return "ended" if self.valid_to is not None and self.valid_to <= now else "current"


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """One assertion behind a fact: where it was read, in which words."""

    assertion_id: str
    event_id: str
    episode_id: str
    quote: str
    polarity: Polarity


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """Vectors of one episode (one per window), fact or entity: float32, shape (n, d)."""

    item_id: str
    kind: MemoryKind
    vectors: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far a stream's stage has been written into the graph."""

    stream: str
    stage: Stage
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphChange:
    """A difference to write in one transaction. Puts replace by id; deletes of absent ids pass.

    A fact version is named by (id, recorded_at). Without a ``watermark`` the change is an act of
    its own (a deletion) and is guarded by the fence alone.
    """

    scope: Scope
    stream: str
    watermark: Watermark | None = None
    put_episodes: tuple[Episode, ...] = ()
    put_entities: tuple[Entity, ...] = ()
    put_assertions: tuple[Assertion, ...] = ()
    put_facts: tuple[Fact, ...] = ()
    put_embeddings: tuple[Embedding, ...] = ()
    delete_episodes: tuple[str, ...] = ()
    delete_entities: tuple[str, ...] = ()
    delete_assertions: tuple[str, ...] = ()
    delete_facts: tuple[tuple[str, datetime], ...] = ()
    model_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownQuery:
    """What ``plan`` needs to see before it folds, in one read.

    ``names`` are identity keys; whoever bears one is returned, and with any entity all that merges
    made one with it. Of those entities come back the
    live assertions and all fact versions whose predicate is in ``predicates``, and those in
    ``keyed`` whose object is one of the entities or whose value's key is in ``values``. The other
    fields are for deletions: assertions of ``episode_ids``, those that mention one of
    ``mentioned``, those that touch ``entity_ids``, and whole ``slots`` with their facts.
    """

    names: tuple[str, ...] = ()
    predicates: tuple[str, ...] = ()
    keyed: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    episode_ids: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    entity_ids: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How many live assertions touch an entity, and when the first and last were recorded."""

    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the graph holds of a KnownQuery.

    All who bear one of ``names`` are here. ``slots`` were read whole: all their live assertions
    and all their fact versions are here. ``spans`` has, for every entity asked for by id, what
    touches it outside ``episode_ids``; merges do not count.
    """

    entities: tuple[Entity, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    facts: tuple[Fact, ...] = ()
    names: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    spans: Mapping[str, Span] = field(default_factory=lambda: EMPTY)


# --------------------------------------------------------------------------- recall


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPeriod:
    """When the first and the last of a session's episodes happened, both included."""

    session_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a memory must be to be retrieved, listed, deleted or pruned; ``None`` asks nothing.

    Ranges are half-open, [from, to). ``occurred`` is an episode's time, or a fact's through its
    events; ``valid`` asks for overlap with the fact's validity; ``metadata`` must be contained in
    the episode's (a fact's: in one of its episodes').
    """

    kinds: tuple[MemoryKind, ...] | None = None
    type: MemoryType | None = None
    topic: str | None = None
    predicate: str | None = None
    source: SourceClass | None = None
    session: str | None = None
    entity: str | None = None
    min_importance: float | None = None
    min_confidence: float | None = None
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None
    metadata: Mapping[str, Json] | None = None

    def __post_init__(self) -> None:
        for name in ("min_importance", "min_confidence"):
            bound: float | None = getattr(self, name)
            if bound is not None and not 0 <= bound <= 1:
                raise InvalidInput(f"filter {name}={bound!r}: expected a number from 0 to 1")
        for clock in ("occurred", "valid", "recorded"):
            start: datetime | None = getattr(self, f"{clock}_from")
            end: datetime | None = getattr(self, f"{clock}_to")
            if start is not None and end is not None and start >= end:
                raise InvalidInput(f"filter {clock}: the range ends before it starts")

    @property
    def empty(self) -> bool:
        return self == Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateQuery:
    """One question to the store, for all arms at once; ``eq`` is not meant for the vector.

    ``text_limit`` and ``vector_limit`` are what an arm finds at most of each kind, of facts
    ``fact_limit`` where that is less, see ``limits``. ``neighbours`` is how far along NEXT the
    ``seeds`` best episodes that were found are widened, ``ended`` whether facts no longer valid may
    come back.
    """

    terms: tuple[str, ...] = ()
    vector: "Vector | None" = None
    model_id: str | None = None
    filter: Filter = field(default_factory=Filter)
    as_of: datetime
    known_at: datetime
    ended: bool = False
    text_limit: int = 100
    vector_limit: int = 100
    fact_limit: int | None = None
    neighbours: int = 2
    seeds: int = 30

    def __post_init__(self) -> None:
        # A path's length cannot be a parameter everywhere: a statement is written for a bound.
        if not 0 <= self.neighbours <= 4:
            raise InvalidInput(f"neighbours={self.neighbours!r}: expected 0 to 4")

    def limits(self, kind: MemoryKind) -> tuple[int, int]:
        """Return how many of a kind the text arm and the vector arm find at most."""
        if kind != "fact" or self.fact_limit is None:
            return self.text_limit, self.vector_limit
        return min(self.text_limit, self.fact_limit), min(self.vector_limit, self.fact_limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One row that some arm found, with all that scoring needs and no vector.

    ``cosine`` is exact, best window, in [-1, 1]; ``None`` where the store holds no vector of it.
    ``episode_ids`` and ``event_ids``, in
    parallel, are what a fact was read from; an episode supports itself. ``text`` is None where the
    store reads it cheaper later, of the hits alone. ``ended`` is true of an episode all of whose
    facts have ended by ``as_of``, ``partly_ended`` of one of which only some have.
    """

    id: str
    kind: Literal["fact", "episode"]
    scope_key: str
    terms: str
    cosine: float | None
    seq: int
    session_id: str
    author: str | None
    role: Role | None
    occurred_at: datetime
    recorded_at: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    status: Status = "active"
    slot: str | None = None
    confidence: float
    importance: float
    source_class: SourceClass
    type: MemoryType
    episode_ids: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    text: str | None = None
    ended: bool = False
    partly_ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePool:
    """The union of the arms' finds, one row per id.

    ``candidates`` may make its items only when they are looked at (``retrieval.columns``). While
    the ``version`` stands, the same question at a later ``as_of`` before ``holds_until``, and a
    later ``known_at`` before ``known_until``, has the same pool; None says that the store cannot
    tell.
    """

    candidates: Sequence[Candidate] = ()
    version: int = 0
    holds_until: datetime | None = None
    known_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What is shown of a memory to whoever is to judge it: who said it, when, and its words."""

    speaker: str
    text: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One memory that answers a question, why, and where it comes from.

    ``score`` is the fused score (0 and up, only comparable within one answer), ``arms`` its parts
    by name. A fact and the episodes it was read from are one hit; ``event_ids`` by support.
    ``ended`` says that nothing of what it states still holds, ``partly_ended`` that some of it does
    and some does not. What a reranker has moved has the fused score of its new place, and the arm
    ``rerank``.
    """

    id: str
    kind: Literal["fact", "episode"]
    text: str
    score: float
    confidence: float
    valid_from: datetime | None
    valid_to: datetime | None
    occurred_at: datetime
    recorded_at: datetime
    event_ids: tuple[str, ...]
    session_id: str
    author: str | None
    source_class: SourceClass
    type: MemoryType = "semantic"
    ended: bool = False
    partly_ended: bool = False
    status: Status = "active"
    arms: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Part of a listing; hand ``cursor`` back for the next part, ``None`` at the end."""

    facts: tuple[Fact, ...] = ()
    episodes: tuple[Episode, ...] = ()
    entities: tuple[Entity, ...] = ()
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetReceipt:
    """What a deletion took: by kind, the ids that are gone. ``receipt_id`` names it in the log."""

    receipt_id: str
    events: tuple[str, ...] = ()
    episodes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What ``prune_memories`` lets go. Ages are counted back from the given now.

    ``max_age_days`` on an episode's ``occurred_at``; ``importance_floor`` on importance decayed by
    ``half_life_days``; ``keep_per_topic`` keeps the newest facts of each topic.
    """

    max_age_days: float | None = None
    importance_floor: float | None = None
    half_life_days: float = 90.0
    keep_per_topic: int | None = None


# --------------------------------------------------------------------------- context

Band = Literal["system", "memories", "knowledge", "history", "state", "tools"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of a context, in its band, with its price and where it comes from."""

    band: Band
    text: str
    tokens: int
    id: str | None = None
    event_ids: tuple[str, ...] = ()
    score: float | None = None
    arms: Mapping[str, float] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What did not get into the context, and why."""

    band: Band
    id: str | None
    tokens: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Prompt parts within a budget: ``tokens`` ≤ ``budget``, counted over the parts as rendered."""

    parts: Mapping[Band, str]
    blocks: tuple[Block, ...]
    tokens: int
    budget: int
    dropped: tuple[Dropped, ...] = ()

    def render(self) -> str:
        """Join the non-empty parts, in the order of the bands, by a blank line."""
        return "\n\n".join(text for text in self.parts.values() if text)

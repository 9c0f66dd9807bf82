"""The wire: what requests may hold, within which limits, and what answers look like.

Knows no verb and no store. Malformed payloads end here, with 422: unknown fields, wrong types, NUL
and lone surrogates anywhere, numbers that are none. What is well formed and wrong is for the
manager. No field says who stands behind an event: that follows from who calls.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictInt,
    StringConstraints,
    model_validator,
)

from graphmem.models import (
    Band,
    EventType,
    Filter,
    MemoryKind,
    MemoryType,
    Role,
    SourceClass,
    Status,
)

MAX_DEPTH = 40
MAX_EVENTS = 1000
MAX_PARTS = 256
MAX_TOOLS = 512
MAX_BUDGET = 10_000_000

_NAME = StringConstraints(min_length=1, max_length=256)


def _fit(text: str) -> str:
    if "\0" in text:
        raise ValueError(f"holds a NUL character at {text.index(chr(0))}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a lone surrogate, so it is not text")
    return text


Name = Annotated[str, _NAME, AfterValidator(_fit)]
JsonObject = dict[str, JsonValue]


def _check(value: Any) -> None:
    """Raise ValueError on what JSON text can carry and no store should: see the module."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"is nested more than {MAX_DEPTH} levels deep")
        match item:
            case str():
                _fit(item)
            case float() if not math.isfinite(item):
                raise ValueError(f"holds {item!r}, which is no JSON number")
            case list():
                waiting += [(each, depth + 1) for each in item]  # pyright: ignore[reportUnknownVariableType]  # anything parsed
            case dict():
                waiting += [(key, depth + 1) for key in item]  # pyright: ignore[reportUnknownVariableType]  # anything parsed
                waiting += [(each, depth + 1) for each in item.values()]  # pyright: ignore[reportUnknownVariableType]  # anything parsed
            case _:
                continue


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Body(Wire):
    """The body of a request, checked whole before its fields are read."""

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        _check(value)
        return value


# --------------------------------------------------------------------------- requests


class ScopeBody(Wire):
    """Whose memory: an app, a user in it, and optionally a session."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"app": "travel", "user": "ada"}]}
    )

    app: Name = "default"
    user: Name | None = Field(default="default", description="null is the level of the whole app")
    session: Name | None = None


class SessionBody(Body):
    """A session to create. Without an id in its scope it gets a new one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "scope": {"app": "travel", "user": "ada", "session": "lisbon-trip"},
                    "metadata": {"channel": "web"},
                    "expires_in_s": 86400,
                }
            ]
        },
    )

    scope: ScopeBody = Field(default_factory=lambda: ScopeBody())
    metadata: JsonObject | None = None
    expires_in_s: float | None = Field(default=None, gt=0, le=3_153_600_000)
    private_to: Name | None = Field(default=None, description="the one agent that may read it")


class TextPartBody(Wire):
    type: Literal["text"]
    text: str


class JsonPartBody(Wire):
    type: Literal["json"]
    value: JsonValue


class ImagePartBody(Wire):
    type: Literal["image"]
    uri: str
    media_type: str | None = None
    caption: str | None = Field(default=None, description="what recall can find the image by")


class FilePartBody(Wire):
    type: Literal["file"]
    uri: str
    media_type: str | None = None
    name: str | None = Field(default=None, description="what recall can find the file by")


PartBody = Annotated[
    TextPartBody | JsonPartBody | ImagePartBody | FilePartBody, Field(discriminator="type")
]


class EventBody(Wire):
    """What happened. Give an id and a time: then sending it again is safe."""

    id: Name | None = Field(default=None, description="unique in its session; default: a new one")
    type: EventType | None = Field(default=None, description="default: by the role")
    role: Role = "user"
    content: str | None = Field(default=None, description="the text, for events that are only text")
    parts: list[PartBody] | None = Field(default=None, min_length=1, max_length=MAX_PARTS)
    author: Name | None = Field(default=None, description="the speaker's display name")
    agent: Name | None = Field(default=None, description="the id of the agent that wrote it")
    occurred_at: AwareDatetime | None = Field(default=None, description="default: now")
    metadata: JsonObject | None = None


class EventsBody(Body):
    """Events of one session, in order; all are stored or none."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "scope": {"app": "travel", "user": "ada"},
                    "events": [
                        {
                            "id": "m-1",
                            "role": "user",
                            "author": "Ada",
                            "content": "I moved from Lisbon to Porto last week.",
                            "occurred_at": "2024-05-01T12:00:00Z",
                        },
                        {
                            "id": "m-2",
                            "role": "user",
                            "parts": [
                                {"type": "text", "text": "Here is the harbour."},
                                {"type": "image", "uri": "s3://pictures/1", "caption": "boats"},
                            ],
                        },
                    ],
                }
            ]
        },
    )

    scope: ScopeBody = Field(default_factory=lambda: ScopeBody())
    events: list[EventBody] = Field(min_length=1, max_length=MAX_EVENTS)


class FilterBody(Wire):
    """What a memory must be; what is not given asks nothing. Ranges are half-open."""

    kinds: list[MemoryKind] | None = None
    type: MemoryType | None = None
    topic: Name | None = None
    predicate: Name | None = None
    source: SourceClass | None = None
    session: Name | None = None
    entity: Name | None = None
    min_importance: float | None = Field(default=None, ge=0, le=1)
    min_confidence: float | None = Field(default=None, ge=0, le=1)
    occurred_from: AwareDatetime | None = None
    occurred_to: AwareDatetime | None = None
    valid_from: AwareDatetime | None = None
    valid_to: AwareDatetime | None = None
    recorded_from: AwareDatetime | None = None
    recorded_to: AwareDatetime | None = None
    metadata: JsonObject | None = None

    def value(self) -> Filter:
        given: dict[str, Any] = self.model_dump()
        if self.kinds is not None:
            given["kinds"] = tuple(self.kinds)
        return Filter(**given)


class SearchBody(Body):
    """A question to the memory, in plain words: no syntax means anything."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "scope": {"app": "travel", "user": "ada"},
                    "query": "Where does Ada live?",
                    "top_k": 5,
                }
            ]
        },
    )

    scope: ScopeBody = Field(default_factory=lambda: ScopeBody())
    query: str = Field(min_length=1)
    top_k: StrictInt = Field(default=10, ge=1, le=1000)
    filter: FilterBody | None = None
    as_of: AwareDatetime | None = Field(default=None, description="what held then; default: now")
    known_at: AwareDatetime | None = Field(
        default=None, description="what was known then; default: now"
    )


class ContextBody(Body):
    """What the next turn is about, and how many tokens it may have."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "scope": {"app": "travel", "user": "ada", "session": "lisbon-trip"},
                    "query": "Where does Ada live?",
                    "budget": 1000,
                    "system": "You help with travel plans.",
                }
            ]
        },
    )

    scope: ScopeBody = Field(default_factory=lambda: ScopeBody())
    query: str = Field(default="", description="empty: no memories are looked up")
    budget: StrictInt = Field(ge=1, le=MAX_BUDGET, description="in tokens")
    system: str = ""
    tools: list[JsonObject] = Field(default_factory=list[JsonObject], max_length=MAX_TOOLS)
    top_k: StrictInt = Field(default=20, ge=1, le=1000)
    filter: FilterBody | None = None
    as_of: AwareDatetime | None = Field(default=None, description="what held then; default: now")
    known_at: AwareDatetime | None = Field(
        default=None, description="what was known then; default: now"
    )


# --------------------------------------------------------------------------- answers


class SessionAnswer(Wire):
    id: str
    app: str
    user: str | None
    state: JsonObject
    metadata: JsonObject
    created_at: AwareDatetime
    updated_at: AwareDatetime
    expires_at: AwareDatetime | None
    private_to: str | None
    events: int


class StoredEvent(Wire):
    id: str
    seq: int | None = Field(description="its place in the log; null if it had been erased")


class EventsAnswer(Wire):
    """What one durable append did."""

    events: list[StoredEvent]
    stored: int
    known: list[str] = Field(description="ids that were there already, with the same content")
    forgotten: list[str] = Field(description="ids that had been erased, and are not stored again")


class HitAnswer(Wire):
    """One memory, why it answers, and where it comes from."""

    id: str
    kind: Literal["fact", "episode"]
    text: str
    score: float = Field(description="0 and up; comparable within one answer only")
    confidence: float
    valid_from: AwareDatetime | None
    valid_to: AwareDatetime | None
    event_ids: list[str]
    arms: dict[str, float]
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    session_id: str
    author: str | None
    source_class: SourceClass
    type: MemoryType
    ended: bool = Field(description="nothing of what it states still holds")
    partly_ended: bool = Field(description="some of what it states holds, and some does not")
    status: Status
    reason: str


class SearchAnswer(Wire):
    hits: list[HitAnswer] = Field(description="the best first")


class PartsAnswer(Wire):
    system: str
    memories: str
    knowledge: str
    history: str
    state: str
    tools: str


class BlockAnswer(Wire):
    band: Band
    text: str
    tokens: int
    id: str | None
    event_ids: list[str]
    score: float | None
    arms: dict[str, float]


class DroppedAnswer(Wire):
    band: Band
    id: str | None
    tokens: int
    why: str


class ContextAnswer(Wire):
    """Prompt parts within the budget; join the non-empty ones by a blank line."""

    parts: PartsAnswer
    tokens: int
    budget: int
    dropped: list[DroppedAnswer]
    blocks: list[BlockAnswer]


class HealthAnswer(Wire):
    status: Literal["ok"]
    version: str


class Complaint(Wire):
    field: str
    message: str


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "session 'lisbon-trip' exists already",
                    "code": "Conflict",
                    "retryable": False,
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    code: str | None = Field(default=None, description="the name of the error")
    retryable: bool | None = Field(default=None, description="whether trying again may help")
    errors: list[Complaint] | None = Field(
        default=None, description="of 422: each field that is wrong"
    )

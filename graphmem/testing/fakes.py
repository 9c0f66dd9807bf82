"""Small real implementations of the model ports: exact, fast, without a model.

``LineExtractor`` reads a notation, so that a test can say what it means; ``HashEmbedder`` spreads
words over a unit sphere; ``WordReranker`` counts words in common, ``PhraseRewriter`` looks them up.
Each satisfies its port's conformance suite.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np

from graphmem.errors import ExtractionError, ModelUnavailable
from graphmem.models import (
    EntityKind,
    Event,
    Extraction,
    Mention,
    Passage,
    Polarity,
    Quote,
    SourceClass,
    Statement,
    Vector,
)

_LINE: Final = re.compile(
    r"^(?P<polarity>[+!~?]?)(?P<subject>[^|]+)\|(?P<predicate>\w+)\|(?P<object>[^|]*)"
    r"(?:\|from=(?P<start>[\d-]+))?(?:\|to=(?P<end>[\d-]+))?(?:\|not=(?P<wrong>[^|]+))?$"
)
_POLARITY: Final[dict[str, Polarity]] = {
    "": "affirm", "+": "affirm", "?": "suppose", "!": "end", "~": "deny",
}  # fmt: skip
_THINGS: Final = {"works_at": "organization", "lives_in": "place", "located_in": "place"}


class LineExtractor:
    """Reads ``subject|predicate|object`` lines; other lines say nothing.

    ``I`` is the speaker; ``Anna(sister)`` a name with a relation to the speaker,
    ``Rex(dog of Tom)`` to somebody else; ``(sister)`` a relation alone; ``Anna(*)`` a namesake;
    ``'…'`` a literal value; who is somebody's ``pet_of`` is a thing. A leading ``!`` ends, ``~``
    denies, ``?`` only supposes; ``|from=2020-01-01``, ``|to=…`` state times; ``|not=X`` corrects.
    ``boom`` fails for ever, ``flaky`` ``failures`` times.
    """

    version = "lines/1"

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0

    async def extract(
        self, events: Sequence[Event], *, context: Sequence[Event] = ()
    ) -> Sequence[Extraction]:
        self.calls += 1
        return [self._read(event) for event in events]

    def _read(self, event: Event) -> Extraction:
        statements: list[Statement] = []
        if event.text == "boom":
            raise ExtractionError("this event cannot be read")
        if event.text == "flaky" and self.failures > 0:
            self.failures -= 1
            raise ModelUnavailable("the model is away")
        position = 0
        for line in event.text.split("\n"):
            match = _LINE.match(line.strip())
            if match is not None and event.source_class is not SourceClass.ASSISTANT:
                statements.append(_statement(match, line, position))
            position += len(line) + 1
        return Extraction(event_id=event.id, extractor=self.version, statements=tuple(statements))


def _mention(text: str, kind: EntityKind) -> Mention:
    if text == "I":
        return Mention(name="", kind="person", speaker=True)
    name, _, relation = text.partition("(")
    relation = relation.rstrip(")")
    if relation == "*":
        return Mention(name=name, kind=kind, new=True)
    descriptor, _, whose = relation.partition(" of ")
    return Mention(name=name, kind=kind, descriptor=descriptor or None, possessor=whose)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _statement(match: re.Match[str], line: str, position: int) -> Statement:
    predicate, what = match["predicate"], match["object"]
    value = what.strip("'") if what.startswith("'") else None
    kind: EntityKind = "person"
    if predicate in _THINGS:
        kind = "organization" if predicate == "works_at" else "place"
    object_ = None if value is not None or not what else _mention(what, kind)
    return Statement(
        subject=_mention(match["subject"].strip(), "thing" if predicate == "pet_of" else "person"),
        predicate=predicate,
        object=object_,
        value=value,
        polarity="correct" if match["wrong"] else _POLARITY[match["polarity"]],
        replaces=match["wrong"],
        valid_from=_moment(match["start"]),
        valid_to=_moment(match["end"]),
        quote=Quote(text=line, start=position, end=position + len(line)),
    )


class HashEmbedder:
    """Bags of hashed words as unit vectors: texts that share words are near."""

    def __init__(self, dimension: int = 64, name: str = "hash") -> None:
        self._dimension = dimension
        self._name = name

    @property
    def model_id(self) -> str:
        return f"{self._name}/{self._dimension}"

    @property
    def dimension(self) -> int:
        return self._dimension

    def windows(self, text: str) -> tuple[str, ...]:
        """Cut into windows of 200 words that overlap by 40."""
        words = re.findall(r"\S+\s*", text)
        if len(words) <= 200:
            return (text,)
        return tuple("".join(words[i : i + 200]) for i in range(0, max(1, len(words) - 40), 160))

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "document"]) -> Vector:
        await asyncio.sleep(0)
        found = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.casefold()) or [""]:
                digest = hashlib.blake2b(f"{self._name}:{word}".encode(), digest_size=8).digest()
                place = int.from_bytes(digest[:4], "big") % self._dimension
                found[row, place] += 1.0 if digest[4] & 1 else -1.0
            if not found[row].any():
                found[row, 0] = 1.0
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    async def close(self) -> None:
        return None


class WordSelector:
    """Takes the passage with most words of the question for the answer; keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, tuple[Passage, ...]]] = []

    @property
    def model_id(self) -> str:
        return "words"

    async def select(self, question: str, passages: Sequence[Passage]) -> Vector:
        await asyncio.sleep(0)
        self.shown.append((question, tuple(passages)))
        asked = frozenset(_words(question))
        return np.array(
            [9 * len(asked.intersection(_words(passage.text))) for passage in passages],
            dtype=np.float32,
        )

    async def close(self) -> None:
        return None


class WordReranker:
    """Scores a text by the words it shares with the question; keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, tuple[str, ...]]] = []

    @property
    def model_id(self) -> str:
        return "words"

    async def score(self, query: str, texts: Sequence[str]) -> Vector:
        await asyncio.sleep(0)
        self.shown.append((query, tuple(texts)))
        asked = frozenset(_words(query))
        return np.array(
            [len(asked.intersection(words)) / (1 + len(words)) for words in map(_words, texts)],
            dtype=np.float32,
        )

    async def close(self) -> None:
        return None


class PhraseRewriter:
    """Puts other words for those that a table knows, one wording for each that occurs."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self.table = {word.casefold(): other for word, other in table.items()}
        self.asked: list[str] = []

    @property
    def model_id(self) -> str:
        return "phrases"

    async def rewrite(self, question: str, *, limit: int) -> Sequence[str]:
        await asyncio.sleep(0)
        self.asked.append(question)
        words = _words(question)
        wordings = [
            " ".join(self.table[word] if word == known else word for word in words)
            for known in dict.fromkeys(words)
            if known in self.table
        ]
        return tuple(w for w in dict.fromkeys(wordings) if w != question)[:limit]

    async def close(self) -> None:
        return None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())

"""Questions that only a fact can answer, on stories written for this project.

A story is a short conversation; its questions are asked as of just after its last message. The
stories of part "unseen" were written without sight of the rules that read them. A hit is right
when its text holds one of the accepted strings, word by word and in any case, and none of those
that make it wrong. Beside our hits stand those of the episodes alone, without any fact, and what
the facts gain over them by a paired bootstrap.

One story per line of JSON::

    {"story": id, "part": "seen" | "unseen",
     "messages": [{"role", "name"?, "content", "created_at"}, …],
     "questions": [{"ask": text, "kind": …, "answer": [text, …], "not": [text, …]}, …]}
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, Literal, get_args

from graphmem import wire
from graphmem.errors import InvalidInput, NotFound
from graphmem.eval import metrics, tables
from graphmem.eval.datasets import AFTER
from graphmem.eval.harness import (
    Asking,
    OpenManager,
    Progress,
    fill,
    scope_of,
    silent,
    without_facts,
)
from graphmem.models import Event, Hit, Json

Kind = Literal["two_hop", "negated", "changed", "namesake", "whose"]
Part = Literal["seen", "unseen"]

PARTS: Final[tuple[Part, ...]] = get_args(Part)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_KIND: Final[Mapping[str, Kind]] = {kind: kind for kind in KINDS}
DATASET: Final = "facts"
TOP_K: Final = 3
SEED: Final = 20_231


@dataclass(frozen=True, slots=True, kw_only=True)
class FactQuestion:
    """A question, the strings that a right answer holds one of, and those that it must not."""

    text: str
    kind: Kind
    accepted: tuple[str, ...]
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A short conversation and what is asked after it."""

    id: str
    part: Part
    events: tuple[Event, ...]
    questions: tuple[FactQuestion, ...]


# --------------------------------------------------------------------------- reading


def load(path: Path | None, *, now: datetime) -> tuple[Story, ...]:
    """Return the stories of a file, of all ``*.jsonl`` of a folder, or those that ship (None).

    ``now`` is the latest that a message may be dated. NotFound names what is absent, InvalidInput
    the line that is wrong.
    """
    sources: list[Traversable]
    if path is None:
        folder = files("graphmem.eval").joinpath("facts")
        sources = [folder.joinpath(f"{part}.jsonl") for part in PARTS]
    elif path.is_dir():
        sources = [*sorted(path.glob("*.jsonl"))]
        if not sources:
            raise NotFound(f"data set 'facts': there is no .jsonl file in {str(path)!r}")
    else:
        sources = [path]
    stories: dict[str, Story] = {}
    for source in sources:
        for number, line in enumerate(_lines(source), 1):
            if line.strip():
                story = _story(line, f"{source.name} line {number}", now=now)
                if story.id in stories:
                    raise InvalidInput(f"{source.name} line {number}: {story.id!r} is told twice")
                stories[story.id] = story
    return tuple(stories.values())


def _lines(source: Traversable) -> list[str]:
    try:
        return source.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise NotFound(
            f"data set 'facts': {source.name!r} is not there; the stories ship with the package, "
            "or name a file of your own: graphmem eval facts PATH"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"data set 'facts': {source.name!r} cannot be read: {error}") from error


def _story(line: str, where: str, *, now: datetime) -> Story:
    try:
        row = wire.parse(line)
        match row:
            case {
                "story": str(name),
                "part": "seen" | "unseen" as part,
                "messages": [_, *_] as messages,
                "questions": [_, *_] as questions,
            }:
                return Story(
                    id=name,
                    part=part,
                    events=_events(messages, now=now),
                    questions=tuple(_question(question) for question in questions),
                )
            case _:
                raise InvalidInput("expected story, part (seen or unseen), messages and questions")
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error}") from error


def _events(messages: Sequence[object], *, now: datetime) -> tuple[Event, ...]:
    found: list[Event] = []
    for position, message in enumerate(messages, 1):
        event = wire.event_of(
            message,
            session_id="story",
            now=now,
            position=position,
            previous=found[-1].occurred_at if found else None,
        )
        if event.stamped:
            raise InvalidInput(f"message {position}: created_at is missing")
        found.append(event)
    return tuple(found)


def _question(row: Json) -> FactQuestion:
    given = row if isinstance(row, dict) else {}
    text = given.get("ask")
    kind = _KIND.get(str(given.get("kind")))
    accepted, wrong = _strings(given.get("answer")), _strings(given.get("not", []))
    if not isinstance(text, str) or kind is None or not accepted or wrong is None:
        raise InvalidInput(
            f"a question: expected ask, kind ({', '.join(KINDS)}), answer and not, the last two "
            f"as lists of text, found {row!r}"
        )
    return FactQuestion(text=text, kind=kind, accepted=accepted, wrong=wrong)


def _strings(value: Json) -> tuple[str, ...] | None:
    """Return a list of texts that have words; None if it is anything else."""
    if not isinstance(value, list):
        return None
    found = tuple(text for text in value if isinstance(text, str) and words(text))
    return found if len(found) == len(value) else None


# --------------------------------------------------------------------------- judging


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text as they are compared."""
    return tuple(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def holds(text: Sequence[str], part: Sequence[str]) -> bool:
    """Return whether the words of ``part`` stand in ``text``, in order and side by side."""
    size = len(part)
    return any(tuple(text[i : i + size]) == tuple(part) for i in range(len(text) - size + 1))


def is_right(text: str, question: FactQuestion) -> bool:
    """Return whether a hit of this text answers the question."""
    said = words(text)
    return any(holds(said, words(s)) for s in question.accepted) and not any(
        holds(said, words(s)) for s in question.wrong
    )


def judge(hits: Sequence[Hit], question: FactQuestion) -> dict[str, float]:
    """Return the metrics of one question, each 0 or 1, over its first three hits."""
    right = [is_right(hit.text, question) for hit in hits[:TOP_K]]
    return {
        "right first": float(right[:1] == [True]),
        "right in 3": float(any(right)),
        "fact first": float(bool(hits) and hits[0].kind == "fact"),
    }


# --------------------------------------------------------------------------- the study


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    story: Story
    question: FactQuestion
    ours: dict[str, float]
    alone: dict[str, float]


async def run(
    stories: Sequence[Story],
    open_manager: OpenManager,
    *,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the figures by part and kind as a JSON object."""
    told = progress or silent
    rows: list[_Row] = []
    async with open_manager() as manager:
        for number, story in enumerate(stories):
            told(f"asking {story.id}", number, len(stories))
            home = scope_of(DATASET, story.id)
            await fill(manager, home, story.events)
            asking = Asking.of(manager, home, known_at=clock())
            rows += [await _ask(asking, story, question) for question in story.questions]
        model = manager.consolidator.embedder.model_id
    told("done", len(stories), len(stories))
    return {"dataset": DATASET, "stories": len(stories), "model": model} | _figures(rows)


async def _ask(asking: Asking, story: Story, question: FactQuestion) -> _Row:
    at = max(event.occurred_at for event in story.events) + AFTER
    found = await asking.find(question.text, at=at)
    alone = without_facts(found)
    return _Row(
        story=story,
        question=question,
        ours=judge(await asking.hits(found, top_k=TOP_K), question),
        alone=judge(await asking.hits(alone, top_k=TOP_K), question),
    )


def _figures(rows: Sequence[_Row]) -> dict[str, Any]:
    def by(name: Callable[[_Row], str]) -> dict[str, dict[str, float]]:
        return metrics.group([row.ours for row in rows], lambda i: name(rows[i]))

    def gain(part: str | None) -> dict[str, float]:
        """What the facts add to the episodes alone in being right first, with its 95 %."""
        of = [row for row in rows if part in (None, row.story.part)]
        pairs = ([row.ours["right first"] for row in of], [row.alone["right first"] for row in of])
        return metrics.paired_bootstrap(*pairs, seed=SEED)

    return {
        "all": metrics.mean([row.ours for row in rows]),
        "by_part": by(lambda row: row.story.part),
        "by_kind": by(lambda row: row.question.kind),
        "by_part_and_kind": by(lambda row: f"{row.story.part}, {row.question.kind}"),
        "episodes_alone": {"all": metrics.mean([row.alone for row in rows])}
        | metrics.group([row.alone for row in rows], lambda i: rows[i].story.part),
        "gain_of_facts": {"all": gain(None)}
        | {part: gain(part) for part in PARTS if any(row.story.part == part for row in rows)},
        "missed": [
            {
                "story": row.story.id,
                "part": row.story.part,
                "kind": row.question.kind,
                "ask": row.question.text if row.story.part == "seen" else "",
            }
            for row in rows
            if not row.ours["right first"]
        ],
    }


def render(figures: Mapping[str, Any]) -> str:
    """Return the figures as text tables, without the list of what was missed."""
    columns = ("n", "right first", "right in 3", "fact first")
    lines = [
        f"{figures['dataset']}: {figures['stories']} stories, model {figures['model']}",
        "",
        *tables.table(columns, {"all": figures["all"]}),
    ]
    for part in ("by_part", "by_kind", "by_part_and_kind", "episodes_alone"):
        rows = {f"  {name}": row for name, row in figures[part].items()}
        lines += ["", part.replace("_", " "), *tables.table(columns, rows)]
    gains = {f"  {name}": row for name, row in figures["gain_of_facts"].items()}
    lines += ["", "gain of facts, right first"]
    lines += tables.table(("mean", "low", "high"), gains)
    return "\n".join(lines)

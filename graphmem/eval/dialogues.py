"""Dialogues whose people are known: relations between them, and whom each mention means.

Knows no store and no metric. Neither set says when anything was said, so turns stand a minute
apart from an arbitrary day. How to get a set when it is absent is in the error.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from graphmem.eval.datasets import read_json
from graphmem.models import Event, TextPart

START: Final = datetime(2020, 1, 1, 9, tzinfo=UTC)
_TURN: Final = timedelta(minutes=1)

UNANSWERABLE: Final = "unanswerable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two arguments of a dialogue, in this direction, and what they are to each other.

    ``relations`` is empty where the annotators found none.
    """

    x: str
    y: str
    x_type: str
    y_type: str
    relations: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """One dialogue and the pairs that are asked about."""

    id: str
    events: tuple[Event, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldMention:
    """How an utterance names or points at exactly one person, and who that is."""

    event_id: str
    surface: str
    entity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Utterances in order, and who is meant in them.

    ``skipped`` are mentions of several people at once, or of nobody in particular.
    """

    name: str
    events: tuple[Event, ...]
    mentions: tuple[GoldMention, ...]
    skipped: int


# --------------------------------------------------------------------------- DialogRE

_SPOKEN: Final = re.compile(r"^(?P<who>Speaker \d+(?:, Speaker \d+)*): ?(?P<text>.*)$", re.DOTALL)


def _turns(dialogue: str, lines: Sequence[str]) -> Iterator[Event]:
    for number, line in enumerate(lines):
        spoken = _SPOKEN.match(line)
        text = spoken["text"] if spoken else line
        if text.strip():
            yield Event(
                id=f"{dialogue}-{number}",
                parts=(TextPart(text=text),),
                occurred_at=START + number * _TURN,
                session_id="dialogue",
                author=spoken["who"] if spoken else None,
            )


def load_dialogre(folder: Path) -> tuple[Dialogue, ...]:
    """Read the development part of DialogRE v2 (Yu et al., ACL 2020)."""
    how = (
        "get dev.json of the English v2 data from the repository nlpdata/dialogre (non-commercial "
        "research only), put it into dialogre/ and name the folder above with --data"
    )
    found: list[Dialogue] = []
    for number, (lines, asked) in enumerate(
        read_json(folder / "dialogre" / "dev.json", "dialogre", how)
    ):
        found.append(
            Dialogue(
                id=str(number),
                events=tuple(_turns(str(number), lines)),
                pairs=tuple(
                    Pair(
                        x=pair["x"],
                        y=pair["y"],
                        x_type=pair["x_type"],
                        y_type=pair["y_type"],
                        relations=frozenset(pair["r"]) - {UNANSWERABLE},
                    )
                    for pair in asked
                ),
            )
        )
    return tuple(found)


# --------------------------------------------------------------------------- characters

_NOBODY: Final = frozenset({"#GENERAL#", "#OTHER#"})


def _meant(utterance: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the words of each mention and whom it means."""
    for tokens, mentions in zip(utterance["tokens"], utterance["character_entities"], strict=True):
        for start, end, *entities in mentions:
            yield " ".join(tokens[start:end]), tuple(entities)


def load_characters(folder: Path) -> Cast:
    """Read the development part of Character Identification (Zhou and Choi, COLING 2018)."""
    how = (
        "get character-identification-dev.json from the repository emorynlp/character-"
        "identification (Apache-2.0), put it into character_id/ and name the folder above with "
        "--data"
    )
    path = folder / "character_id" / "character-identification-dev.json"
    events: list[Event] = []
    mentions: list[GoldMention] = []
    skipped = 0
    for day, episode in enumerate(read_json(path, "characters", how)["episodes"]):
        moment = START + timedelta(days=7 * day)
        for scene in episode["scenes"]:
            for utterance in scene["utterances"]:
                moment += _TURN
                if not utterance["transcript"].strip():
                    continue
                event = Event(
                    id=utterance["utterance_id"],
                    parts=(TextPart(text=utterance["transcript"]),),
                    occurred_at=moment,
                    session_id=scene["scene_id"],
                    author=", ".join(utterance["speakers"]) or None,
                )
                events.append(event)
                for surface, entities in _meant(utterance):
                    if len(entities) != 1 or entities[0] in _NOBODY:
                        skipped += 1
                        continue
                    mentions.append(
                        GoldMention(event_id=event.id, surface=surface, entity=entities[0])
                    )
    return Cast(name="characters", events=tuple(events), mentions=tuple(mentions), skipped=skipped)

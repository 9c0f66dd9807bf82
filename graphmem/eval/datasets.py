"""Benchmark conversations as events and questions with gold events; nothing of them ships here.

Knows no store and no metric. A loader reads files that the user has fetched, says how to get them
when they are absent, and repairs malformed evidence: one string may hold several ids, ranges, a
stray colon, a leading zero or a trailing dot. Ids that name no event are dropped and counted, and
so are questions left without gold.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from graphmem.errors import InvalidInput, NotFound
from graphmem.guard.text import MAX_TEXT_BYTES
from graphmem.models import Event, ImagePart, Part, SourceClass, TextPart

AFTER: Final = timedelta(seconds=1)
"""Questions are asked so long after the last message: a time that ends now holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; ``gold`` are the event ids that hold its answer, never empty.

    ``outdated`` are those of gold whose statement a later one has taken the place of.
    """

    id: str
    text: str
    category: str
    gold: frozenset[str]
    asked_at: datetime
    outdated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One user's sessions in order, and what is asked after the last of them.

    ``lost_ids`` are evidence ids that name no event, ``no_gold`` questions that are left without,
    ``cut`` events longer than an event may be, of which the beginning is kept.
    """

    id: str
    events: tuple[Event, ...]
    questions: tuple[Question, ...]
    lost_ids: int = 0
    no_gold: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A benchmark; recipes were tuned on its first ``tuned_on`` conversations and on no other."""

    name: str
    conversations: tuple[Conversation, ...]
    tuned_on: int

    def head(self, conversations: int | None) -> "Dataset":
        """Return the first conversations only; ``None`` returns all of them."""
        return replace(self, conversations=self.conversations[:conversations])


# --------------------------------------------------------------------------- evidence

_RANGE: Final = re.compile(r"D(\d+):(\d+)\s*-\s*D(\d+):(\d+)")
_TURN: Final = re.compile(r"D(\d+):(\d+)")


def repair_evidence(evidence: list[object], known: frozenset[str]) -> tuple[frozenset[str], int]:
    """Return the turn ids that LoCoMo evidence strings name, and how many name nothing."""
    gold: set[str] = set()
    lost = 0
    for item in evidence:
        text = re.sub(r"D:(\d)", r"D\1", str(item))
        ranges = _RANGE.findall(text)
        for session, first, last_session, last in ranges:
            if session == last_session and 0 <= int(last) - int(first) < 100:
                turns = range(int(first), int(last) + 1)
                gold |= {f"D{int(session)}:{turn}" for turn in turns} & known
        singles = _TURN.findall(_RANGE.sub(" ", text))
        lost += not singles and not ranges
        for session, turn in singles:
            name = f"D{int(session)}:{int(turn)}"
            if name in known:
                gold.add(name)
            else:
                lost += 1
    return frozenset(gold), lost


# --------------------------------------------------------------------------- LoCoMo

LOCOMO_CATEGORIES: Final[Mapping[int, str]] = {
    1: "multi-hop",
    2: "temporal",
    3: "open-domain",
    4: "single-hop",
    5: "adversarial",
}


def read_json(path: Path, name: str, how: str) -> Any:  # what it holds is checked where it is used
    """Return what a file of a data set holds; NotFound says how to get the set."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"data set {name!r}: {str(path)!r} is not there; {how}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidInput(f"data set {name!r}: {str(path)!r} is not JSON: {error}") from error


def _locomo_events(talk: Mapping[str, Any]) -> Iterator[Event]:
    """Yield turns; a turn has its session's time plus a second each, so that order is time."""
    keys = [key for key in talk if re.fullmatch(r"session_\d+", key)]
    for key in sorted(keys, key=lambda k: int(k[8:])):
        stated = f"{talk[f'{key}_date_time']} +0000"
        started = datetime.strptime(stated, "%I:%M %p on %d %B, %Y %z")
        for second, turn in enumerate(talk[key]):
            parts: list[Part] = [TextPart(text=turn["text"])]
            if turn.get("blip_caption"):
                uri = (turn.get("img_url") or [f"locomo:{turn['dia_id']}"])[0]
                parts.append(ImagePart(uri=uri, caption=turn["blip_caption"]))
            yield Event(
                id=turn["dia_id"],
                parts=tuple(parts),
                occurred_at=started + timedelta(seconds=second),
                session_id=key,
                author=turn["speaker"],
            )


def load_locomo(folder: Path) -> Dataset:
    """Read LoCoMo-10 (Maharana et al., ACL 2024): ten talks of two people, 1,982 questions."""
    how = (
        "get locomo10.json from the repository snap-research/locomo (CC BY-NC 4.0) and name its "
        "folder with --data"
    )
    conversations: list[Conversation] = []
    for sample in read_json(folder / "locomo10.json", "locomo", how):
        events = tuple(_locomo_events(sample["conversation"]))
        known = frozenset(event.id for event in events)
        questions: list[Question] = []
        lost_ids = no_gold = 0
        for number, asked in enumerate(sample["qa"]):
            gold, lost = repair_evidence(asked["evidence"], known)
            lost_ids += lost
            no_gold += not gold
            if gold:
                questions.append(
                    Question(
                        id=f"{sample['sample_id']}/{number}",
                        text=asked["question"],
                        category=LOCOMO_CATEGORIES[asked["category"]],
                        gold=gold,
                        asked_at=events[-1].occurred_at + AFTER,
                    )
                )
        conversations.append(
            Conversation(
                id=sample["sample_id"],
                events=events,
                questions=tuple(questions),
                lost_ids=lost_ids,
                no_gold=no_gold,
            )
        )
    return Dataset(name="locomo", conversations=tuple(conversations), tuned_on=5)


# --------------------------------------------------------------------------- BEAM


def _integers(value: object) -> Iterator[int]:
    """Yield the whole numbers anywhere inside ``value``: BEAM nests its evidence freely."""
    match value:
        case bool():
            return
        case int():
            yield value
        case list():
            for item in value:  # pyright: ignore[reportUnknownVariableType]  # JSON
                yield from _integers(item)  # pyright: ignore[reportUnknownArgumentType]  # JSON
        case dict():
            for item in value.values():  # pyright: ignore[reportUnknownVariableType]  # JSON
                yield from _integers(item)  # pyright: ignore[reportUnknownArgumentType]  # JSON
        case _:
            return


def _outdated(told: Any) -> frozenset[str]:
    """Return the messages that only state what held before, where a question is about an update."""
    match told:
        case {"original_info": before, "updated_info": now}:
            return frozenset(map(str, {*_integers(before)} - {*_integers(now)}))
        case _:
            return frozenset()


def fitting(content: str) -> str:
    """Return a message without its tag, cut to what one event may hold."""
    text = re.sub(r"\s*->->\s*[\d,\s]+$", "", content)
    return text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")


def _beam_events(batches: list[Mapping[str, Any]]) -> Iterator[Event]:
    """Yield messages, a minute apart from the anchor of their batch (or the day after the last).

    User turns end in a "->-> i,j" tag of the generator, which is cut.
    """
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    for batch in batches:
        messages = [message for turn in batch["turns"] for message in turn]
        moment += timedelta(days=1)
        for message in messages:
            anchor = message.get("time_anchor") or (
                batch.get("time_anchor") if message is messages[0] else None
            )
            if anchor:
                moment = datetime.strptime(f"{anchor} +0000", "%B-%d-%Y %z")
            moment += timedelta(minutes=1)
            by_user = message["role"] == "user"
            yield Event(
                id=str(message["id"]),
                type="user_message" if by_user else "model_message",
                role="user" if by_user else "assistant",
                parts=(TextPart(text=fitting(message["content"])),),
                occurred_at=moment,
                session_id=f"batch_{batch['batch_number']}",
                source_class=SourceClass.USER_DIRECT if by_user else SourceClass.ASSISTANT,
            )


def load_beam100k(folder: Path) -> Dataset:
    """Read BEAM 100K (Tavakoli et al., 2025): twenty long chats of a user with an assistant."""
    how = (
        "get the 100K chats of the repository mohammadtavakoli78/BEAM (CC BY-SA 4.0), one folder "
        "a chat with chat.json and probing_questions.json, under beam100k/, and name the folder "
        "above with --data"
    )
    found = sorted((folder / "beam100k").glob("[0-9]*"), key=lambda path: int(path.name))
    if not found:
        raise NotFound(f"data set 'beam100k': no chats in {str(folder / 'beam100k')!r}; {how}")
    conversations: list[Conversation] = []
    for path in found:
        events = tuple(_beam_events(read_json(path / "chat.json", "beam100k", how)))
        known = frozenset(event.id for event in events)
        questions: list[Question] = []
        lost_ids = no_gold = 0
        probes = read_json(path / "probing_questions.json", "beam100k", how)
        for category, asked in probes.items():
            for number, probe in enumerate(asked):
                told = probe.get("source_chat_ids")
                wanted = {str(item) for item in _integers(told)}
                lost_ids += len(wanted - known)
                no_gold += not wanted & known
                if wanted & known:
                    questions.append(
                        Question(
                            id=f"{path.name}/{category}/{number}",
                            text=probe["question"],
                            category=category,
                            gold=frozenset(wanted & known),
                            asked_at=events[-1].occurred_at + AFTER,
                            outdated=known & _outdated(told),
                        )
                    )
        conversations.append(
            Conversation(
                id=path.name,
                events=events,
                questions=tuple(questions),
                lost_ids=lost_ids,
                no_gold=no_gold,
                cut=sum(len(event.text.encode()) > MAX_TEXT_BYTES - 4 for event in events),
            )
        )
    return Dataset(name="beam100k", conversations=tuple(conversations), tuned_on=0)


# --------------------------------------------------------------------------- temporal

TEMPORAL_KINDS: Final[Mapping[str, str]] = {
    "content_time_qs/content_time_qs": "content+date",
    "time_qs/test_dates": "date",
    "time_qs/test_last_named_day": "last named day",
    "time_qs/test_earlier_today": "earlier today",
    "time_qs/test_rel_day": "days ago",
    "time_qs/test_date_span": "from date to date",
    "time_qs/test_day_span": "last days",
    "time_qs/test_month": "month",
    "time_qs/test_rel_month": "months ago",
    "time_qs/test_session": "session by number",
    "time_qs/test_rel_session": "sessions ago",
    "time_qs/test_session_span": "sessions from to",
}
"""The files of questions, and what we call their kind."""


def _temporal_events(talk: Mapping[str, Any]) -> Iterator[Event]:
    keys = [key for key in talk if re.fullmatch(r"session_\d+", key)]
    for key in sorted(keys, key=lambda k: int(k[8:])):
        for turn in talk[key]:
            parts: list[Part] = [TextPart(text=turn["text"])]
            if turn.get("blip_caption"):
                uri = (turn.get("img_url") or [f"temporal:{turn['dia_id']}"])[0]
                parts.append(ImagePart(uri=uri, caption=turn["blip_caption"]))
            yield Event(
                id=turn["response_number"],
                parts=tuple(parts),
                occurred_at=datetime.strptime(
                    f"{turn['date_time']} +0000", "%I:%M:%S %p on %A %d %B, %Y %z"
                ),
                session_id=key,
                author=turn["speaker"],
            )


def load_temporal(folder: Path) -> Dataset:
    """Read the Temporal Memory Dataset (Alonso et al., 2024): twelve talks, 2,134 questions.

    Of each question the first phrasing. It is asked at the time of the last turn, which is what
    "167 days ago" counts from.
    """
    how = (
        "get the repository Zyphra/TemporalMemoryDataset (no licence stated; its talks are "
        "LoCoMo's, CC BY-NC 4.0) as the folder temporal_locomo/ and name the folder above it with "
        "--data"
    )
    home = folder / "temporal_locomo"
    paths = sorted((home / "ConversationData").glob("*.json"), key=lambda p: p.stem.zfill(9))
    if not paths:
        raise NotFound(f"data set 'temporal': no talks in {str(home)!r}; {how}")
    asked = {
        kind: read_json(home / "TestData" / f"{name}.json", "temporal", how)
        for name, kind in TEMPORAL_KINDS.items()
    }
    conversations: list[Conversation] = []
    for path in paths:
        events = tuple(_temporal_events(read_json(path, "temporal", how)))
        known = frozenset(event.id for event in events)
        questions = [
            Question(
                id=f"{path.stem}/{kind}/{number}",
                text=item["questions"][0],
                category=kind,
                gold=frozenset(map(str, item["relevant_docs"])) & known,
                asked_at=events[-1].occurred_at + AFTER,
            )
            for kind, files in asked.items()
            for number, item in enumerate(files.get(f"file_{path.stem}", ()))
        ]
        conversations.append(
            Conversation(
                id=path.stem,
                events=events,
                questions=tuple(q for q in questions if q.gold),
                no_gold=sum(not q.gold for q in questions),
            )
        )
    return Dataset(name="temporal", conversations=tuple(conversations), tuned_on=0)


LOADERS: Final[Mapping[str, Callable[[Path], Dataset]]] = {
    "locomo": load_locomo,
    "beam100k": load_beam100k,
    "temporal": load_temporal,
}


def load(name: str, folder: Path) -> Dataset:
    """Return the data set of that name from ``folder``; NotFound says how to get it."""
    try:
        loader = LOADERS[name]
    except KeyError as error:
        raise InvalidInput(
            f"data set {name!r} is unknown; expected one of {', '.join(sorted(LOADERS))}"
        ) from error
    return loader(folder)

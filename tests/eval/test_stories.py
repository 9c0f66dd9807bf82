import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graphmem.errors import InvalidInput, NotFound
from graphmem.eval.stories import FactQuestion, holds, is_right, judge, load, render, run, words
from graphmem.models import Hit, SourceClass
from tests.eval.conftest import NOW, OpenManager, clock


def story(**changed: Any) -> dict[str, Any]:
    return {
        "story": "harbour",
        "part": "seen",
        "messages": [
            {"role": "user", "name": "Ada", "content": "I live in Lisbon.",
             "created_at": "2024-01-05T10:00:00Z"},
            {"role": "assistant", "content": "Noted.", "created_at": "2024-01-05T10:01:00Z"},
            {"role": "user", "name": "Ada", "content": "I moved to Porto.",
             "created_at": "2024-03-05T10:00:00Z"},
        ],
        "questions": [
            {"ask": "Where does Ada live?", "kind": "changed", "answer": ["Porto"],
             "not": ["Lisbon"]}
        ],
    } | changed  # fmt: skip


def write(folder: Path, *rows: dict[str, Any], name: str = "set.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", "utf-8")
    return path


def test_story_is_read_whole(tmp_path: Path) -> None:
    (found,) = load(write(tmp_path, story()), now=NOW)

    assert (found.id, found.part) == ("harbour", "seen")
    assert [(e.author, e.role, e.text) for e in found.events][::2] == [
        ("Ada", "user", "I live in Lisbon."),
        ("Ada", "user", "I moved to Porto."),
    ]
    assert found.events[1].source_class is SourceClass.ASSISTANT
    assert found.events[2].occurred_at == datetime(2024, 3, 5, 10, tzinfo=UTC)
    assert found.questions == (
        FactQuestion(
            text="Where does Ada live?", kind="changed", accepted=("Porto",), wrong=("Lisbon",)
        ),
    )


def test_folder_gives_all_its_files(tmp_path: Path) -> None:
    write(tmp_path, story(), name="a.jsonl")
    write(tmp_path, story(story="mill", part="unseen"), name="b.jsonl")

    assert [(s.id, s.part) for s in load(tmp_path, now=NOW)] == [
        ("harbour", "seen"),
        ("mill", "unseen"),
    ]


def test_absent_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"'none\.jsonl' is not there.*graphmem eval facts PATH"):
        load(tmp_path / "none.jsonl", now=NOW)
    with pytest.raises(NotFound, match=r"no \.jsonl file"):
        load(tmp_path, now=NOW)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (story(part="other"), "expected story, part"),
        (story(messages=[]), "expected story, part"),
        (story(questions=[]), "expected story, part"),
        (story(messages=[{"role": "user", "content": "Hi."}]), "created_at is missing"),
        (story(messages=[{"role": "pirate", "content": "Hi."}]), "unknown role"),
        (story(questions=[{"ask": "Who?", "kind": "riddle", "answer": ["A"]}]), "expected ask"),
        (story(questions=[{"ask": "Who?", "kind": "whose", "answer": []}]), "expected ask"),
        (story(questions=[{"ask": "Who?", "kind": "whose", "answer": ["?!"]}]), "expected ask"),
        (story(questions=[{"ask": "Who?", "kind": "whose", "answer": "A"}]), "expected ask"),
        (
            story(questions=[{"ask": "Who?", "kind": "whose", "answer": ["A"], "not": "B"}]),
            "expected ask",
        ),
        (story(questions=["Who?"]), "expected ask"),
    ],
)
def test_bad_line_is_named(tmp_path: Path, row: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=rf"set\.jsonl line 2: .*{why}"):
        load(write(tmp_path, story(story="first"), row), now=NOW)


def test_story_told_twice_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="line 2: 'harbour' is told twice"):
        load(write(tmp_path, story(), story()), now=NOW)
    (tmp_path / "bad.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="cannot be read"):
        load(tmp_path / "bad.jsonl", now=NOW)
    (tmp_path / "worse.jsonl").write_text("{")
    with pytest.raises(InvalidInput, match=r"worse\.jsonl line 1: not JSON"):
        load(tmp_path / "worse.jsonl", now=NOW)


@pytest.mark.parametrize(
    ("text", "part", "found"),
    [
        ("Ada lives in Porto.", "porto", True),
        ("Ada lives in Portoroz.", "Porto", False),
        ("Karl's dog Rex", "rex", True),
        ("the New  Mill", "new mill", True),
        ("the new old mill", "new mill", False),
        ("Café", "CAFE\u0301", True),
    ],
)
def test_strings_are_compared_word_by_word(text: str, part: str, found: bool) -> None:
    assert holds(words(text), words(part)) is found


ASKED = FactQuestion(text="?", kind="changed", accepted=("Porto", "Oporto"), wrong=("Lisbon",))


def test_right_needs_an_accepted_and_no_wrong_string() -> None:
    assert is_right("Ada lives in Oporto", ASKED)
    assert not is_right("Ada moved from Lisbon to Porto", ASKED)
    assert not is_right("Ada lives somewhere", ASKED)


def hit(text: str, kind: Any = "episode") -> Hit:
    return Hit(
        id=text,
        kind=kind,
        text=text,
        score=1,
        confidence=1,
        valid_from=None,
        valid_to=None,
        occurred_at=NOW,
        recorded_at=NOW,
        event_ids=("e",),
        session_id="s",
        author=None,
        source_class=SourceClass.USER_DIRECT,
    )


@pytest.mark.parametrize(
    ("texts", "first", "in_three"),
    [
        (("Porto", "Lisbon"), 1, 1),
        (("Lisbon", "x", "Porto"), 0, 1),
        (("Lisbon", "x", "y", "Porto"), 0, 0),
        ((), 0, 0),
    ],
)
def test_first_three_hits_are_judged(texts: tuple[str, ...], first: float, in_three: float) -> None:
    found = judge([hit(text) for text in texts], ASKED)

    assert (found["right first"], found["right in 3"]) == (first, in_three)
    assert found["fact first"] == 0
    assert judge([hit("x", "fact")], ASKED)["fact first"] == 1


async def test_run_reports_parts_kinds_and_what_was_missed(
    tmp_path: Path, open_rules: OpenManager
) -> None:
    hard = {"ask": "Where does Ada live?", "kind": "two_hop", "answer": ["the moon"], "not": []}
    told = load(
        write(tmp_path, story(), story(story="mill", part="unseen", questions=[hard])),
        now=NOW,
    )

    figures = await run(told, open_rules, clock=clock)

    assert figures["by_part"]["seen"] == {
        "n": 1, "right first": 1, "right in 3": 1, "fact first": 1
    }  # fmt: skip
    assert figures["by_part"]["unseen"]["right in 3"] == 0
    assert set(figures["by_kind"]) == {"changed", "two_hop"}
    assert set(figures["by_part_and_kind"]) == {"seen, changed", "unseen, two_hop"}
    assert figures["episodes_alone"]["all"]["fact first"] == 0
    assert figures["missed"] == [{"story": "mill", "part": "unseen", "kind": "two_hop", "ask": ""}]
    assert "seen, changed" in render(figures)


async def test_gain_is_what_facts_add_to_the_episodes(
    tmp_path: Path, open_rules: OpenManager
) -> None:
    figures = await run(
        load(write(tmp_path, story(), story(story="mill", part="unseen")), now=NOW),
        open_rules,
        clock=clock,
    )

    for part, gain in figures["gain_of_facts"].items():
        ours = figures["all"] if part == "all" else figures["by_part"][part]
        alone = figures["episodes_alone"][part]
        assert gain["mean"] == ours["right first"] - alone["right first"]
        assert gain["low"] <= gain["mean"] <= gain["high"]
    assert set(figures["gain_of_facts"]) == {"all", "seen", "unseen"}
    assert "gain of facts" in render(figures)

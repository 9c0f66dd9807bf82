import json
from pathlib import Path
from typing import Any

import pytest

from graphmem.errors import NotFound
from graphmem.eval.dialogues import GoldMention, Pair, load_characters, load_dialogre


def write_dialogre(folder: Path) -> None:
    pair = {"x": "Speaker 1", "y": "Ines", "x_type": "PER", "y_type": "PER"}
    dialogues: list[Any] = [
        [
            ["Speaker 1: Ines is my sister.", "Speaker 2, Speaker 1: We know!", "Speaker 2:"],
            [
                {**pair, "rid": [9], "r": ["per:siblings"], "t": ["sister"]},
                {**pair, "x": "Speaker 2", "rid": [37], "r": ["unanswerable"], "t": [""]},
            ],
        ]
    ]
    (folder / "dialogre").mkdir()
    (folder / "dialogre" / "dev.json").write_text(json.dumps(dialogues))


def test_dialogue_is_read_with_its_speakers(tmp_path: Path) -> None:
    write_dialogre(tmp_path)

    (dialogue,) = load_dialogre(tmp_path)

    assert [(e.author, e.text) for e in dialogue.events] == [
        ("Speaker 1", "Ines is my sister."),
        ("Speaker 2, Speaker 1", "We know!"),
    ]
    assert dialogue.events[0].occurred_at < dialogue.events[1].occurred_at


def test_pairs_without_a_relation_have_none(tmp_path: Path) -> None:
    write_dialogre(tmp_path)

    (dialogue,) = load_dialogre(tmp_path)

    assert dialogue.pairs[0] == Pair(
        x="Speaker 1", y="Ines", x_type="PER", y_type="PER", relations=frozenset({"per:siblings"})
    )
    assert dialogue.pairs[1].relations == frozenset()


def test_mentions_of_one_person_are_kept(tmp_path: Path) -> None:
    utterance = {
        "utterance_id": "u1",
        "speakers": ["Ines Bell"],
        "transcript": "I met Karl. Everybody met us.",
        "tokens": [["I", "met", "Karl", "."], ["Everybody", "met", "us", "."]],
        "character_entities": [
            [[0, 1, "Ines Bell"], [2, 3, "Karl Ott"]],
            [[0, 1, "#GENERAL#"], [2, 3, "Ines Bell", "Karl Ott"]],
        ],
    }
    silence = {**utterance, "utterance_id": "u2", "transcript": " "}
    scene = {"scene_id": "c1", "utterances": [utterance, silence]}
    folder = tmp_path / "character_id"
    folder.mkdir()
    (folder / "character-identification-dev.json").write_text(
        json.dumps({"episodes": [{"scenes": [scene]}]})
    )

    cast = load_characters(tmp_path)

    assert [(e.id, e.author, e.session_id) for e in cast.events] == [("u1", "Ines Bell", "c1")]
    assert cast.mentions == (
        GoldMention(event_id="u1", surface="I", entity="Ines Bell"),
        GoldMention(event_id="u1", surface="Karl", entity="Karl Ott"),
    )
    assert cast.skipped == 2


def test_absent_sets_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nlpdata/dialogre.*--data"):
        load_dialogre(tmp_path)
    with pytest.raises(NotFound, match=r"emorynlp/character.*--data"):
        load_characters(tmp_path)

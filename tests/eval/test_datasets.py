import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from graphmem.errors import InvalidInput, NotFound
from graphmem.eval.datasets import AFTER, fitting, load, repair_evidence
from graphmem.guard.text import MAX_TEXT_BYTES
from graphmem.models import ImagePart, SourceClass

TURNS = frozenset({"D1:1", "D1:2", "D1:3", "D2:6", "D9:17", "D11:26", "D30:5"})


@pytest.mark.parametrize(
    ("evidence", "gold", "lost"),
    [
        (["D1:1"], {"D1:1"}, 0),
        (["D2:6; D9:17"], {"D2:6", "D9:17"}, 0),
        (["D1:1-D1:3"], {"D1:1", "D1:2", "D1:3"}, 0),
        (["D1:2-D1:9"], {"D1:2", "D1:3"}, 0),
        (["D1:1-D2:6"], set[str](), 0),
        (["D:11:26"], {"D11:26"}, 0),
        (["D30:05"], {"D30:5"}, 0),
        (["D1:2."], {"D1:2"}, 0),
        (["D7:7"], set[str](), 1),
        (["D"], set[str](), 1),
        ([], set[str](), 0),
    ],
)
def test_evidence_is_repaired(evidence: list[object], gold: set[str], lost: int) -> None:
    assert repair_evidence(evidence, TURNS) == (gold, lost)


def write_locomo(folder: Path) -> None:
    talk: dict[str, Any] = {
        "speaker_a": "Ines",
        "speaker_b": "Karl",
        "session_10_date_time": "9:05 am on 2 June, 2021",
        "session_10": [{"speaker": "Karl", "dia_id": "D10:1", "text": "It is repaired."}],
        "session_2_date_time": "11:30 pm on 30 May, 2021",
        "session_2": [
            {"speaker": "Ines", "dia_id": "D2:1", "text": "My boat leaks."},
            {
                "speaker": "Karl",
                "dia_id": "D2:2",
                "text": "Look.",
                "blip_caption": "a boat on a trailer",
                "img_url": ["file:boat.jpg"],
            },
        ],
    }
    asked = [
        {"question": "What leaks?", "evidence": ["D2:1"], "category": 4},
        {"question": "What else?", "evidence": ["D5:5"], "category": 1},
    ]
    sample = {"sample_id": "talk-1", "conversation": talk, "qa": asked}
    (folder / "locomo10.json").write_text(json.dumps([sample]))


def test_locomo_is_read_in_order_of_sessions(tmp_path: Path) -> None:
    write_locomo(tmp_path)

    dataset = load("locomo", tmp_path)

    (talk,) = dataset.conversations
    assert [event.id for event in talk.events] == ["D2:1", "D2:2", "D10:1"]
    first, second, last = talk.events
    assert first.occurred_at == datetime(2021, 5, 30, 23, 30, tzinfo=UTC)
    assert second.occurred_at - first.occurred_at == timedelta(seconds=1)
    assert (first.author, first.session_id) == ("Ines", "session_2")
    assert second.parts[1] == ImagePart(uri="file:boat.jpg", caption="a boat on a trailer")
    assert last.occurred_at == datetime(2021, 6, 2, 9, 5, tzinfo=UTC)


def test_questions_without_gold_are_counted_not_asked(tmp_path: Path) -> None:
    write_locomo(tmp_path)

    (talk,) = load("locomo", tmp_path).conversations

    (question,) = talk.questions
    assert (question.id, question.category) == ("talk-1/0", "single-hop")
    assert question.gold == {"D2:1"}
    assert question.asked_at == talk.events[-1].occurred_at + AFTER
    assert (talk.lost_ids, talk.no_gold) == (1, 1)


def test_beam_is_read_with_its_anchors(tmp_path: Path) -> None:
    chat = [
        {
            "batch_number": 1,
            "time_anchor": None,
            "turns": [
                [
                    {
                        "role": "user",
                        "id": 0,
                        "time_anchor": "March-15-2024",
                        "content": "Plan my garden ->-> 1,2",
                    },
                    {"role": "assistant", "id": 1, "content": "Start with beans."},
                ]
            ],
        },
        {
            "batch_number": 2,
            "turns": [[{"role": "user", "id": 2, "content": "And the fence?"}]],
        },
    ]
    probes = {
        "knowledge_update": [
            {
                "question": "Which plants?",
                "source_chat_ids": {"original_info": [0, 1], "updated_info": [1, 99]},
            }
        ],
        "abstention": [{"question": "Which pond?"}],
    }
    folder = tmp_path / "beam100k" / "3"
    folder.mkdir(parents=True)
    (folder / "chat.json").write_text(json.dumps(chat))
    (folder / "probing_questions.json").write_text(json.dumps(probes))

    (talk,) = load("beam100k", tmp_path).conversations

    user, assistant, later = talk.events
    assert user.text == "Plan my garden"
    assert user.occurred_at == datetime(2024, 3, 15, 0, 1, tzinfo=UTC)
    assert (assistant.role, assistant.type) == ("assistant", "model_message")
    assert assistant.source_class is SourceClass.ASSISTANT
    assert later.occurred_at > assistant.occurred_at + timedelta(hours=23)
    assert [(q.gold, q.outdated) for q in talk.questions] == [({"0", "1"}, {"0"})]
    assert (talk.lost_ids, talk.no_gold) == (1, 1)


def test_message_longer_than_an_event_is_cut_at_a_letter() -> None:
    whole = fitting("é" * MAX_TEXT_BYTES)

    assert len(whole.encode()) <= MAX_TEXT_BYTES
    assert set(whole) == {"é"}
    assert fitting("short ->-> 1,2") == "short"


@pytest.mark.parametrize("name", ["locomo", "beam100k"])
def test_absent_data_set_says_how_to_get_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound, match=r"get .* --data"):
        load(name, tmp_path)


def test_broken_and_unknown_data_sets_are_named(tmp_path: Path) -> None:
    (tmp_path / "locomo10.json").write_text("{")

    with pytest.raises(InvalidInput, match="is not JSON"):
        load("locomo", tmp_path)
    with pytest.raises(InvalidInput, match="expected one of beam100k, locomo, temporal"):
        load("other", tmp_path)


def test_head_keeps_what_was_tuned_on(tmp_path: Path) -> None:
    write_locomo(tmp_path)
    dataset = load("locomo", tmp_path)

    assert dataset.head(None) == dataset
    assert dataset.head(0).conversations == ()
    assert dataset.head(0).tuned_on == 5

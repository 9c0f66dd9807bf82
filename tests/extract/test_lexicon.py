"""The grammar: the shipped tables fit the predicate vocabulary, and users can add their own."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from graphmem.errors import InvalidInput
from graphmem.extract.lexicon import Phrases, load
from graphmem.extract.rules import RulesExtractor
from graphmem.models import Event, Statement, TextPart


async def read(extractor: RulesExtractor, text: str) -> list[Statement]:
    event = Event(
        id="e", parts=(TextPart(text=text),), session_id="s",
        occurred_at=datetime(2023, 5, 10, tzinfo=UTC),
    )  # fmt: skip
    (found,) = await extractor.extract([event])
    return list(found.statements)


@pytest.fixture(scope="module")
def vocabulary() -> Mapping[str, Any]:
    file = resources.files("graphmem") / "consolidation" / "predicates.toml"
    return tomllib.loads(file.read_text("utf-8"))


def test_grammar_uses_only_known_predicates(vocabulary: Mapping[str, Any]) -> None:
    grammar = load()
    used = {f.predicate for frames in grammar.frames.values() for f in frames} - {"kin"}
    used |= {kin.predicate for kin in grammar.kin.values()}

    assert used <= set(vocabulary)


def test_phrases_match_the_longest_first() -> None:
    phrases = Phrases([("new york", "city"), ("new", "adjective"), ("new york city", "city!")])

    assert phrases.match(("in", "new", "york", "city"), 1) == (4, "city!")
    assert phrases.match(("in", "new", "york"), 1) == (3, "city")
    assert phrases.match(("in", "new"), 1) == (2, "adjective")
    assert phrases.match(("in",), 1) is None


async def test_mapping_adds_words() -> None:
    text = "My aardvark Otto is shy."

    plain = await read(RulesExtractor(), text)
    taught = await read(RulesExtractor({"pets": {"words": ["aardvark"]}}), text)

    assert plain == []
    assert [s.predicate for s in taught] == ["pet_of", "is_a"]


async def test_file_adds_a_verb(tmp_path: Path) -> None:
    path = tmp_path / "verbs.toml"
    path.write_text(
        '[verbs.volunteer]\nforms = "volunteer volunteers volunteered volunteered volunteering"\n'
        '[[verbs.volunteer.frames]]\nafter = ["at"]\nobject = "organization"\n'
        'predicate = "volunteers_at"\nmode = "state"\n',
        encoding="utf-8",
    )

    (found,) = await read(RulesExtractor(path), "I volunteer at Casa Aberta.")

    assert found.predicate == "volunteers_at"
    assert found.object is not None
    assert found.object.name == "Casa Aberta"


@pytest.mark.parametrize(
    "wrong",
    [
        {"verbs": {"live": {"forms": "live lives"}}},
        {"verbs": {"go": {"forms": "a b c d e", "frames": [{"mode": "maybe"}]}}},
        {"kin": {"twin": {"words": ["twin"]}}},
        {"dates": "none"},
        {"verb": {}},
    ],
)  # fmt: skip
def test_wrong_grammar_is_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="grammar"):
        load(wrong)


def test_wrong_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("[[[", encoding="utf-8")

    with pytest.raises(InvalidInput, match=r"broken\.toml"):
        load(path)
    with pytest.raises(InvalidInput, match=r"none\.toml' cannot be read"):
        load(tmp_path / "none.toml")

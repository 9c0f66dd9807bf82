from datetime import UTC, datetime, timedelta

import pytest

from graphmem.eval.characters import Reading, align, render, run
from graphmem.eval.dialogues import Cast, GoldMention
from graphmem.models import Event, Mention, TextPart
from tests.eval.conftest import OpenManager

START = datetime(2020, 1, 1, tzinfo=UTC)
SPEAKER = Reading(mention=Mention(name="", kind="person", speaker=True), entity_id="ines")
KARL = Reading(mention=Mention(name="Karl Ott", kind="person"), entity_id="karl")
SISTER = Reading(
    mention=Mention(name="", kind="person", descriptor="sister", possessor=""), entity_id="eva"
)
READ = (SPEAKER, KARL, SISTER)


def gold(surface: str, entity: str = "somebody", event: str = "e0") -> GoldMention:
    return GoldMention(event_id=event, surface=surface, entity=entity)


@pytest.mark.parametrize(
    ("surface", "kind", "ours", "trivial"),
    [
        ("I", "first person", "ines", "ines bell"),
        ("my", "first person", "ines", "ines bell"),
        ("Karl", "name", "karl", "karl"),
        ("Karl Ott", "name", "karl", "karl ott"),
        ("sister", "description", "eva", "sister"),
    ],
)
def test_mention_is_matched_by_its_words(surface: str, kind: str, ours: str, trivial: str) -> None:
    found = align(0, gold(surface), READ, "Ines Bell")

    assert found is not None
    assert (found.kind, found.ours, found.trivial) == (kind, ours, trivial)


@pytest.mark.parametrize("surface", ["she", "you", "Otto", "brother"])
def test_what_was_not_read_is_not_found(surface: str) -> None:
    assert align(0, gold(surface), READ, "Ines Bell") is None
    assert align(0, gold("I"), (KARL,), "Ines Bell") is None


def test_undecided_mentions_are_clusters_of_their_own() -> None:
    nobody = Reading(mention=Mention(name="Karl", kind="person"), entity_id=None)

    first = align(1, gold("Karl"), (nobody,), "Ines")
    second = align(2, gold("Karl"), (nobody,), "Ines")

    assert first is not None
    assert second is not None
    assert first.undecided
    assert first.ours != second.ours


def test_decided_reading_wins_over_an_undecided_one() -> None:
    nobody = Reading(mention=KARL.mention, entity_id=None)

    found = align(3, gold("Karl Ott"), (nobody, KARL), "Ines")

    assert found is not None
    assert (found.ours, found.undecided) == ("karl", False)


def test_same_name_wins_over_one_that_holds_it() -> None:
    other = Reading(mention=Mention(name="Karl", kind="person"), entity_id="other karl")

    found = align(0, gold("Karl"), (KARL, other), "Ines")

    assert found is not None
    assert found.ours == "other karl"


async def test_run_compares_entities_with_gold(open_rules: OpenManager) -> None:
    said = (
        ("Ines", "I met Karl yesterday. My brother Otto was there."),
        ("Karl", "I like Otto."),
        ("Ines", "She was late."),
    )
    events = tuple(
        Event(
            id=f"e{number}",
            parts=(TextPart(text=text),),
            occurred_at=START + timedelta(minutes=number),
            session_id="s",
            author=who,
        )
        for number, (who, text) in enumerate(said)
    )
    mentions = (
        gold("I", "Ines Bell"),
        gold("Karl", "Karl Ott"),
        gold("Otto", "Otto Bell"),
        gold("I", "Karl Ott", event="e1"),
        gold("Otto", "Otto Bell", event="e1"),
        gold("She", "Eva", event="e2"),
    )

    figures = await run(Cast(name="cast", events=events, mentions=mentions, skipped=3), open_rules)

    assert (figures["found"], figures["gold_mentions"]) == (5, 6)
    assert figures["found_share"] == pytest.approx(5 / 6)
    assert figures["found_by_kind"]["first person found"] == 2
    assert figures["ours"]["all"]["f1"] == pytest.approx(1)
    assert figures["exact_names"]["name"]["n"] == 3
    assert "found 5 of 6 mentions (0.833)" in render(figures)


async def test_run_on_nothing_found(open_lines: OpenManager) -> None:
    event = Event(
        id="e0", parts=(TextPart(text="hm"),), occurred_at=START, session_id="s", author="Ines"
    )
    cast = Cast(name="cast", events=(event,), mentions=(gold("she", "Eva"),), skipped=0)

    figures = await run(cast, open_lines)

    assert figures["found"] == figures["ours"]["all"]["f1"] == 0

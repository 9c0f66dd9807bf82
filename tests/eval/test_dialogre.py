from datetime import UTC, datetime, timedelta

from graphmem.consolidation.predicates import load
from graphmem.eval.dialogre import ALTERNATE, MEANT, Claim, Naming, Tally, form, joined, render, run
from graphmem.eval.dialogues import Dialogue, Pair
from graphmem.models import Event, TextPart
from tests.eval.conftest import OpenManager

START = datetime(2020, 1, 1, tzinfo=UTC)


def pair(x: str, y: str, *relations: str, y_type: str = "PER") -> Pair:
    return Pair(x=x, y=y, x_type="PER", y_type=y_type, relations=frozenset(relations))


def claim(relation: str, x: str, y: str) -> Claim:
    return Claim(relation, frozenset({x}), frozenset({y}))


def test_every_predicate_we_map_exists() -> None:
    assert set(MEANT) <= set(load())


def test_forms_forget_case_and_article() -> None:
    assert form("The Diner") == form("diner") == "diner"
    assert form("Speaker 1") == "speaker 1"
    assert form("Theo") == "theo"


def test_tally_counts_right_wrong_and_unlisted() -> None:
    tally = Tally()

    tally.count(
        [pair("Ann", "Bo", "per:parents"), pair("Bo", "Ann", "per:children"), pair("Ann", "Cy")],
        [
            claim("per:parents", "ann", "bo"),
            claim("per:friends", "ann", "cy"),
            claim("per:spouse", "dee", "bo"),
        ],
    )
    found = tally.figures()

    assert (found["pairs"], found["answered"], found["relations_claimed"]) == (3, 2, 2)
    assert found["by_relation"]["per:parents"]["f1"] == 1
    assert found["by_relation"]["per:children"]["recall"] == 0
    assert found["by_relation"]["per:friends"]["precision"] == 0
    assert found["by_relation"]["per:spouse"]["unlisted"] == 1
    assert (found["all"]["right"], found["all"]["claimed"], found["all"]["gold"]) == (1, 2, 2)
    assert (found["all"]["precision"], found["all"]["at_least"]) == (1 / 2, 1 / 3)


def test_direction_matters() -> None:
    tally = Tally()

    tally.count([pair("Ann", "Bo", "per:parents")], [claim("per:parents", "bo", "ann")])

    assert tally.answered == 0
    assert tally.figures()["all"]["unlisted"] == 1


def test_type_tells_a_firm_from_a_place() -> None:
    tally = Tally()
    claims = [
        claim("per:employee_or_member_of", "ann", "mill"),
        claim("per:place_of_work", "ann", "mill"),
    ]

    tally.count([pair("Ann", "the mill", "per:place_of_work", y_type="STRING")], claims)

    assert dict(tally.claimed) == dict(tally.right) == {"per:place_of_work": 1}


def test_gold_of_alternate_names_is_scored_apart() -> None:
    tally = Tally()

    tally.count([pair("Speaker 1", "Ann", ALTERNATE)], [])

    assert tally.figures()["all"]["gold"] == 0


def test_given_names_are_joined_in_groups() -> None:
    pairs = [pair("Speaker 1", "Ann", ALTERNATE), pair("Annie", "Ann", ALTERNATE)]

    (wide,) = joined([claim("per:friends", "speaker 1", "bo")], pairs)

    assert wide.x == {"speaker 1", "ann", "annie"}
    assert wide.y == {"bo"}


def test_naming_counts_names_of_people_only() -> None:
    naming = Naming()

    naming.count(
        [
            pair("Speaker 1", "Ann", ALTERNATE),
            pair("Speaker 1", "pal", ALTERNATE, y_type="STRING"),
            pair("Bo", "Speaker 2", ALTERNATE),
            pair("Speaker 3", "Speaker 2", ALTERNATE),
        ],
        [("Ann", "Speaker 1"), ("Speaker 2",), ("Speaker 4", "Dee"), ("Cy",)],
    )
    found = naming.figures()

    assert (found["speakers"], found["named"], found["named_right"]) == (2, 1, 1)
    assert (found["right"], found["claimed"], found["gold"]) == (1, 2, 2)


async def test_run_compares_facts_through_the_store(open_rules: OpenManager) -> None:
    lines = (
        ("Speaker 1", "My name is Ann."),
        ("Speaker 2", "My brother Bo lives in Lisbon."),
        ("Speaker 1", "My sister Cora is married to Dan."),
    )
    events = tuple(
        Event(
            id=f"e{number}",
            parts=(TextPart(text=text),),
            occurred_at=START + timedelta(minutes=number),
            session_id="s",
            author=who,
        )
        for number, (who, text) in enumerate(lines)
    )
    pairs = (
        pair("Speaker 2", "Bo", "per:siblings"),
        pair("Bo", "Lisbon", "per:place_of_residence", y_type="GPE"),
        pair("Lisbon", "Bo", "gpe:residents_of_place"),
        pair("Ann", "Cora", "per:siblings"),
        pair("Ann", "Speaker 1", ALTERNATE),
        pair("Bo", "Cora"),
    )

    figures = await run([Dialogue(id="0", events=events, pairs=pairs)], open_rules)

    strict = figures["strict"]
    assert (strict["pairs"], strict["answered"]) == (6, 4)
    assert strict["all"]["precision"] == strict["all"]["recall"] == 1
    assert figures["speakers"]["named_right"] == 1
    assert figures["names_given"]["answered"] == 4
    table = render(figures)
    assert "4 of 6 pairs answered, 3 relations claimed" in table
    assert "who a speaker is" in table

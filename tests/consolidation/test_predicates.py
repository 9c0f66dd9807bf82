"""The table of predicates as it ships, and what is refused of a user's own."""

import pytest

from graphmem.consolidation import predicates
from graphmem.errors import InvalidInput

ROW = 'text = "{s} is {o}"\n'


def test_what_the_shipped_table_closes_can_be_closed() -> None:
    table = predicates.load()
    closed = {name.partition("=")[0] for row in table.values() for name in row.closing}

    assert closed
    assert all(table[name].functional or not table[name].symmetric for name in closed)
    assert predicates.closed_whole(table) == {n for n in closed if not table[n].functional}
    assert "pet_of" in predicates.closed_whole(table)


def test_a_value_closes_whatever_its_case_and_any_value_what_all_do() -> None:
    closes = 'closes = { "" = ["a"], Gone = ["b"] }\n'
    row = predicates.parse(f"[mood]\n{ROW}{closes}", origin="own.toml")["mood"]

    assert row.closed_by("gone") == ("a", "b")
    assert row.closed_by("here") == row.closed_by(None) == ("a",)
    assert predicates.parse(f"[mood]\n{ROW}", origin="own.toml")["mood"].closed_by("gone") == ()


def test_what_is_final_is_so_whatever_its_case() -> None:
    row = predicates.parse(f'[mood]\n{ROW}final = ["Gone"]\n', origin="own.toml")["mood"]

    assert [row.lasts(v) for v in ("gone", "GONE", "here", "", None)] == [True, True, *[False] * 3]
    assert predicates.load()["status"].lasts("dead")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[mood]\n", "text"),
        (f"[mood]\n{ROW}colour = 1\n", "colour"),
        (f"[mood]\n{ROW}closes = 3\n", "closes"),
        (f'[mood]\n{ROW}closes = {{ gone = "lives_in" }}\n', "gone"),
        (f"[mood]\n{ROW}closes = {{ gone = [1] }}\n", "gone"),
        ("[mood\n", "TOML"),
        (f"[mood]\n{ROW}functional = 1\n", "functional must be true or false, not 1"),
        (f'[mood]\n{ROW}past = "gone"\n', "past must be a text that holds"),
        (f'[mood]\n{ROW}object = ["value", "pet"]\n', "object must be a list of some of"),
        (f"[mood]\n{ROW}importance = 2\n", "importance must be a number from 0 to 1"),
        (f"[mood]\n{ROW}importance = true\n", "importance"),
        (f'[mood]\n{ROW}type = "mild"\n', "type must be one of"),
        (f'[mood]\n{ROW}authority = "me"\n', "authority must be one of user, operator"),
        (f'[mood]\n{ROW}final = "gone"\n', "final must be a list of texts, not 'gone'"),
        (f"[mood]\n{ROW}final = [1]\n", "final must be a list of texts"),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as refused:
        predicates.parse(text, origin="own.toml")

    assert "own.toml" in str(refused.value)


def test_own_rows_stand_over_the_shipped_ones() -> None:
    text = f'[mood]\n{ROW}closes = {{ gone = ["mood=here", "lives_in"] }}\n[likes]\n{ROW}'
    own, shipped = predicates.with_own(text, origin="own.toml"), predicates.load()

    assert {*own} == {*shipped, "mood"}
    assert own["mood"].closed_by("gone") == ("mood=here", "lives_in")
    assert own["likes"].text == "{s} is {o}"
    assert own["lives_in"] is shipped["lives_in"]


@pytest.mark.parametrize(
    ("closed", "why"), [("moods", "no predicate"), ("friend_of", "mutual and many")]
)
def test_own_row_closes_only_what_can_be(closed: str, why: str) -> None:
    text = f'[mood]\n{ROW}closes = {{ gone = ["{closed}"] }}\n'

    with pytest.raises(InvalidInput, match=rf"own\.toml: .mood. closes '{closed}', which is {why}"):
        predicates.with_own(text, origin="own.toml")

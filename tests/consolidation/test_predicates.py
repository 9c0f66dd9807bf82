"""The table of predicates as it ships, and what is refused of a user's own."""

import pytest

from graphmem.consolidation import predicates
from graphmem.errors import InvalidInput

ROW = 'text = "{s} is {o}"\n'


def test_what_the_shipped_table_closes_can_be_closed() -> None:
    table = predicates.load()
    closed = {
        name.partition("=")[0]
        for row in table.values()
        for names in row.closes.values()
        for name in names
    }

    assert closed
    assert all(table[name].functional for name in closed)


def test_a_value_closes_whatever_its_case_and_any_value_what_all_do() -> None:
    closes = 'closes = { "" = ["a"], Gone = ["b"] }\n'
    row = predicates.parse(f"[mood]\n{ROW}{closes}", origin="own.toml")["mood"]

    assert row.closed_by("gone") == ("a", "b")
    assert row.closed_by("here") == row.closed_by(None) == ("a",)
    assert predicates.parse(f"[mood]\n{ROW}", origin="own.toml")["mood"].closed_by("gone") == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[mood]\n", "text"),
        (f"[mood]\n{ROW}colour = 1\n", "colour"),
        (f"[mood]\n{ROW}closes = 3\n", "closes"),
        (f'[mood]\n{ROW}closes = {{ gone = "lives_in" }}\n', "gone"),
        (f"[mood]\n{ROW}closes = {{ gone = [1] }}\n", "gone"),
        ("[mood\n", "TOML"),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as refused:
        predicates.parse(text, origin="own.toml")

    assert "own.toml" in str(refused.value)

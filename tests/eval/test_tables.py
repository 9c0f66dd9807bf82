from graphmem.eval.tables import cell, counts, table


def test_cells_by_kind() -> None:
    assert [cell(3), cell(0.5), cell("x"), cell(None)] == ["3", "0.500", "x", ""]


def test_columns_are_aligned_and_what_is_absent_is_blank() -> None:
    lines = table(("n", "recall"), {"all": {"n": 120, "recall": 0.25}, "rest": {"n": 3}})

    assert lines == ["        n  recall", "all   120   0.250", "rest    3        "]


def test_table_without_rows_is_its_head() -> None:
    assert table(("n",), {}) == ["  n"]


def test_counts_stand_under_each_other() -> None:
    assert counts({"a": 1, "long": 0.5}) == ["a     1", "long  0.500"]
    assert counts({}) == []

"""Figures as text tables. Knows no study."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Cell: TypeAlias = int | float | str | None


def cell(value: Cell) -> str:
    """Return counts as they are, shares with three places, and nothing for what is absent."""
    match value:
        case None:
            return ""
        case float():
            return f"{value:.3f}"
        case _:
            return str(value)


def table(columns: Sequence[str], rows: Mapping[str, Mapping[str, Cell]]) -> list[str]:
    """Return the lines of a table with a named row each; what a row lacks stays blank."""
    widths = [
        max([len(column), *(len(cell(row.get(column))) for row in rows.values())]) + 2
        for column in columns
    ]
    margin = max([0, *map(len, rows)])
    head = "".join(f"{column:>{width}}" for column, width in zip(columns, widths, strict=True))
    lines = [" " * margin + head]
    for name, row in rows.items():
        cells = [
            f"{cell(row.get(column)):>{width}}"
            for column, width in zip(columns, widths, strict=True)
        ]
        lines.append(f"{name:<{margin}}" + "".join(cells))
    return lines


def counts(found: Mapping[str, Cell]) -> list[str]:
    """Return one line per named figure."""
    margin = max([0, *map(len, found)])
    return [f"{name:<{margin}}  {cell(value)}" for name, value in found.items()]

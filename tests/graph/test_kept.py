from dataclasses import dataclass

from graphmem.graph.kept import Kept


@dataclass(frozen=True)
class Box:
    name: str
    bytes: int = 10


def test_value_is_kept_while_the_version_stands() -> None:
    kept: Kept[Box] = Kept(100)

    first = kept.get("a", 1, lambda _: Box("first"))

    assert kept.get("a", 1, lambda _: Box("again")) is first
    assert kept.get("a", 2, lambda _: Box("newer")).name == "newer"
    assert kept.get("a", 1, lambda _: Box("older")).name == "older", "any other version is another"
    assert kept.get("b", 1, lambda _: Box("other")).name == "other"


def test_what_was_used_longest_ago_goes_first() -> None:
    kept: Kept[Box] = Kept(20)
    made: list[str] = []

    for name in ("a", "b", "a", "c", "a", "b"):
        kept.get(name, 1, lambda _, name=name: made.append(name) or Box(name))

    assert made == ["a", "b", "c", "b"]


def test_a_newer_version_takes_the_room_of_the_older() -> None:
    kept: Kept[Box] = Kept(20)
    made: list[str] = []

    kept.get("a", 1, lambda _: Box("a"))
    for version in range(5):
        kept.get("b", version, lambda _: Box("b"))
    kept.get("a", 1, lambda _: made.append("a") or Box("a"))

    assert made == []


def test_one_value_larger_than_the_bound_is_kept() -> None:
    kept: Kept[Box] = Kept(5)

    first = kept.get("a", 1, lambda _: Box("a"))

    assert kept.get("a", 1, lambda _: Box("again")) is first


def test_what_was_kept_before_is_handed_over() -> None:
    kept: Kept[Box] = Kept(100)
    handed: list[tuple[int, Box] | None] = []

    first = kept.get("a", 1, lambda before: handed.append(before) or Box("first"))
    kept.get("a", 3, lambda before: handed.append(before) or Box("second"))

    assert handed == [None, (1, first)]

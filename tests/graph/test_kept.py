from dataclasses import dataclass

from graphmem.graph.kept import Kept


@dataclass(frozen=True)
class Box:
    name: str
    bytes: int = 10


def test_value_is_kept_while_the_version_stands() -> None:
    kept: Kept[Box] = Kept(100)

    first = kept.get("a", 1, lambda: Box("first"))

    assert kept.get("a", 1, lambda: Box("again")) is first
    assert kept.get("a", 2, lambda: Box("newer")).name == "newer"
    assert kept.get("a", 1, lambda: Box("older")).name == "older", "any other version is another"
    assert kept.get("b", 1, lambda: Box("other")).name == "other"


def test_what_was_used_longest_ago_goes_first() -> None:
    kept: Kept[Box] = Kept(20)
    made: list[str] = []

    for name in ("a", "b", "a", "c", "a", "b"):
        kept.get(name, 1, lambda name=name: made.append(name) or Box(name))

    assert made == ["a", "b", "c", "b"]


def test_a_newer_version_takes_the_room_of_the_older() -> None:
    kept: Kept[Box] = Kept(20)
    made: list[str] = []

    kept.get("a", 1, lambda: Box("a"))
    for version in range(5):
        kept.get("b", version, lambda: Box("b"))
    kept.get("a", 1, lambda: made.append("a") or Box("a"))

    assert made == []


def test_one_value_larger_than_the_bound_is_kept() -> None:
    kept: Kept[Box] = Kept(5)

    first = kept.get("a", 1, lambda: Box("a"))

    assert kept.get("a", 1, lambda: Box("again")) is first

import json
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from graphmem import ids

PARTS = st.lists(st.one_of(st.none(), st.integers(), st.text(st.characters(codec="utf-8"))))


@given(PARTS)
def test_derived_ids_are_uuids_of_version_5(parts: list[str | int | None]) -> None:
    """Also what earlier versions wrote with: no id may ever change."""
    found = ids.derive("kind", *parts)

    named = json.dumps(["kind", *parts], ensure_ascii=False)
    assert found == str(uuid5(UUID("5f0d5a4c-6d1c-5b57-9c53-6a8f2d8f6f11"), named))


@given(PARTS, PARTS)
def test_part_lies_beside_its_whole(
    whole: list[str | int | None], parts: list[str | int | None]
) -> None:
    home = ids.derive("episode", *whole)

    found = ids.within(home, "assertion", *parts)

    assert found[:18] == home[:18]
    assert str(UUID(found)) == found
    assert UUID(found).version == 5
    assert found == ids.within(home, "assertion", *parts)
    assert found != ids.within(home, "assertion", *parts, 0)
    assert found != ids.within(home, "other", *parts)
    assert found not in (home, ids.within(ids.derive("episode", *whole, 1), "assertion", *parts))

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

from dataclasses import fields, replace

import pytest

from graphmem.retrieval.recipes import ABLATIONS, DEFAULT


@pytest.mark.parametrize("name", sorted(ABLATIONS))
def test_ablation_differs_from_the_default_by_zeros_only(name: str) -> None:
    recipe = ABLATIONS[name]
    changed = {
        f.name for f in fields(recipe) if getattr(recipe, f.name) != getattr(DEFAULT, f.name)
    }

    assert recipe.name == name
    assert len(changed) >= 2
    assert all(not getattr(recipe, field) for field in changed - {"name"})


def test_boosts_of_the_default_are_within_their_bound() -> None:
    assert 0 <= DEFAULT.recency <= 0.1
    assert 0 <= DEFAULT.importance <= 0.1


def test_every_type_has_a_half_life() -> None:
    assert set(DEFAULT.half_life_days) == {"semantic", "episodic", "procedural"}
    assert replace(DEFAULT, name="x").half_life_days == DEFAULT.half_life_days

"""Who is meant."""

from graphmem.models import Entity
from tests.consolidation.world import Said, World, world


async def people(w: World) -> dict[str, tuple[str, ...]]:
    return {
        e.key: (e.name, *e.aliases)
        for e in await w.dump()
        if isinstance(e, Entity) and e.kind == "person"
    }


async def test_first_person_is_the_speaker() -> None:
    async with world() as w:
        await w.hear(Said("I|lives_in|Rome", 0, author="Tom"), Said("Tom|likes|'tea'", 1))

        assert set(await w.current()) == {"Tom lives in Rome", "Tom likes tea"}
        assert await people(w) == {"tom": ("Tom",)}


async def test_relation_names_its_bearer() -> None:
    async with world() as w:
        await w.hear(
            Said("(sister)|lives_in|Rome", 0),
            Said("Anna(sister)|works_at|Acme", 1),
            Said("Anna|likes|'tea'", 2),
        )

        assert set(await w.current()) == {
            "Anna lives in Rome", "Anna works at Acme", "Anna likes tea",
        }  # fmt: skip


async def test_namesake_is_somebody_else() -> None:
    async with world() as w:
        await w.hear(
            Said("Anna(sister)|lives_in|Rome", 0), Said("Anna(colleague)|lives_in|Oslo", 1)
        )

        assert (await w.current())["Anna lives in Rome"][1] is None
        assert (await w.current())["Anna lives in Oslo"][1] is None
        assert len([k for k in await people(w) if k.startswith("anna")]) == 2


async def test_bare_name_is_a_pets_where_no_person_bears_it() -> None:
    async with world() as w:
        await w.hear(
            Said("Rex(dog)|pet_of|I", 0),
            Said("Rex|likes|'tea'", 1),
            Said("Rex(colleague)|likes|'rum'", 2),
            Said("Rex|hobby|'chess'", 3),
        )
        by_value = {f.value: f.subject_id for f in await w.facts()}
        (pet,) = {f.subject_id for f in await w.facts() if f.predicate == "pet_of"}

        assert by_value["tea"] == pet
        assert by_value["rum"] != pet
        assert by_value["chess"] == by_value["rum"], "a person bears it now"


async def test_bare_name_of_two_goes_to_the_last_in_the_event() -> None:
    async with world() as w:
        await w.hear(
            Said("Anna(sister)|lives_in|Rome\nAnna(colleague)|lives_in|Oslo\nAnna|likes|'tea'", 0)
        )
        facts = {f.text: f for f in await w.facts()}

        assert facts["Anna likes tea"].subject_id == facts["Anna lives in Oslo"].subject_id


async def test_bare_name_of_two_stays_undecided() -> None:
    async with world() as w:
        await w.hear(
            Said("Anna(sister)|lives_in|Rome", 0),
            Said("Anna(colleague)|lives_in|Oslo", 1),
            Said("Anna|likes|'tea'", 2, session="s9"),
        )

        assert "Anna likes tea" not in await w.current()


async def test_another_anna_is_new() -> None:
    async with world() as w:
        await w.hear(Said("Anna|likes|'tea'", 0), Said("Anna(*)|likes|'rum'", 1))
        facts = {f.text: f.subject_id for f in await w.facts()}

        assert facts["Anna likes tea"] != facts["Anna likes rum"]


async def test_name_given_later_renames_everything() -> None:
    async with world() as w:
        await w.hear(Said("I|lives_in|Rome", 0), Said("I|has_name|'Ada'", 1))

        assert "Ada lives in Rome" in await w.current()
        await w.hear(Said("Ada|likes|'tea'", 2))
        facts = {f.text: f.subject_id for f in await w.facts()}
        assert facts["Ada likes tea"] == facts["Ada lives in Rome"]


async def test_place_and_person_of_one_name_differ() -> None:
    async with world() as w:
        await w.hear(Said("Paris|lives_in|Paris", 0))

        (fact,) = await w.facts()
        assert fact.subject_id != fact.object_id


async def test_epithet_tells_namesakes_apart() -> None:
    async with world() as w:
        await w.hear(
            Said("Anna(from choir)|lives_in|Rome", 0),
            Said("Anna(sister)|lives_in|Oslo", 1),
            Said("Anna(the dentist)|lives_in|Bonn", 2),
            Said("Anna(from choir)|likes|'tea'", 3),
            Said("Anna|likes|'rum'", 4),
        )

        assert set(await w.current()) == {
            "Anna from choir lives in Rome", "Anna lives in Oslo",
            "Anna the dentist lives in Bonn", "Anna from choir likes tea",
        }  # fmt: skip


async def test_epithet_may_say_again_what_is_known() -> None:
    async with world() as w:
        await w.hear(
            Said("Anna(dentist)|lives_in|Rome", 0),
            Said("Anna(the dentist)|likes|'tea'", 1),
            Said("Tom|lives_in|Oslo", 2),
            Said("Tom(from choir)|likes|'rum'", 3),
        )

        assert set(await w.current()) == {
            "Anna lives in Rome", "Anna likes tea", "Tom lives in Oslo", "Tom likes rum",
        }  # fmt: skip

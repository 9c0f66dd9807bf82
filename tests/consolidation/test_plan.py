"""The laws: idempotence, independence of order, deletion as if it had never been said, replay."""

from contextlib import suppress
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmem.consolidation import plan as planning
from graphmem.consolidation import predicates
from graphmem.consolidation.assertions import assert_all
from graphmem.consolidator import terms_of
from graphmem.errors import InvalidInput
from graphmem.models import Entity, Episode, SourceClass
from graphmem.testing.fakes import LineExtractor
from tests.consolidation.world import HERE, Said, believed, recorded, timeless, world

PEOPLE = st.sampled_from(
    ["I", "Tom", "Anna", "Anna(sister)", "Anna(colleague)", "(sister)", "Bo(*)", "Bo(dog of Anna)"]
)
PLACES = st.sampled_from(["Rome", "Oslo", "Lima"])
VALUES = st.sampled_from(["'tea'", "'rum'"])
PETS = st.sampled_from(["Rex(dog)", "Rex", "Bo(dog of Anna)", "Bo"])


@st.composite
def lines(draw: st.DrawFn, people: st.SearchStrategy[str]) -> str:
    who = draw(people)
    mark = draw(st.sampled_from(["", "", "!", "~"]))
    match draw(st.integers(0, 9)):
        case 0:
            return f"{who}|lives_in|{draw(PLACES)}"
        case 1:
            return f"!{who}|lives_in|{draw(PLACES)}"
        case 2:
            return f"{draw(st.sampled_from(['', '!', '~']))}{who}|likes|{draw(VALUES)}"
        case 3:
            return f"{who}|lives_in|{draw(PLACES)}|not={draw(PLACES)}"
        case 4:
            return f"{who}|has_name|'{draw(st.sampled_from(['Ada', 'Zoe']))}'"
        case 5:
            return f"{who}|marital_status|'{draw(st.sampled_from(['divorced', 'tired']))}'"
        case 6:
            return f"{mark}{who}|married_to|{draw(st.sampled_from(['Tom', 'I', 'Eve']))}"
        case 7:
            return f"{mark}{who}|friend_of|{draw(st.sampled_from(['Tom', 'I', 'Eve']))}"
        case 8:
            return f"{mark}{draw(PETS)}|pet_of|{draw(st.sampled_from(['Tom', 'I', 'Anna']))}"
        case _:
            dead = draw(st.sampled_from(["", "", "~"]))
            return f"{dead}{draw(PETS)}|status|'{draw(st.sampled_from(['dead', 'asleep']))}'"


@st.composite
def histories(draw: st.DrawFn, people: st.SearchStrategy[str] = PEOPLE) -> list[Said]:
    return [
        Said(
            "\n".join(draw(st.lists(lines(people), min_size=1, max_size=2))),
            draw(st.integers(0, 30)),
            id=f"e{i}",
            session=draw(st.sampled_from(["s1", "s2"])),
            source=draw(st.sampled_from([SourceClass.USER_DIRECT, SourceClass.TOOL])),
        )
        for i in range(draw(st.integers(1, 7)))
    ]


many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(histories(), st.data())
async def test_delete_equals_never_said(history: list[Said], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from([s.id for s in history])))
    async with world() as with_all, world() as without:
        await with_all.hear(*history)
        for said in history:
            if said.id in gone:
                await with_all.forget(said.id, session=said.session)
        for number, said in enumerate(history, 1):
            if said.id not in gone:
                await without.hear_at(number, said)
                await without.settle()

        left = [replace(x, seq=0) if isinstance(x, Episode) else x for x in await with_all.dump()]
        never = [replace(x, seq=0) if isinstance(x, Episode) else x for x in await without.dump()]
        assert left == never
        assert await with_all.graph.check() == []


@many
@given(histories(), st.integers(1, 4))
async def test_replay_rebuilds_the_same_graph(history: list[Said], batch: int) -> None:
    async with world() as first, world(batch=batch) as second:
        await first.hear(*history)
        if len(history) > 2:
            await first.forget(history[1].id, session=history[1].session)
        for event in await first.log.read(HERE.home):
            assert event.seq is not None
            assert event.recorded_at is not None
            scope = replace(HERE, session=event.session_id)
            await second.log.append(scope, [event], now=event.recorded_at)
        await second.settle()

        kept = [replace(x, seq=0) if isinstance(x, Episode) else x for x in await first.dump()]
        built = [replace(x, seq=0) if isinstance(x, Episode) else x for x in await second.dump()]
        assert kept == built


@many
@given(histories(), st.data(), st.integers(1, 4))
async def test_replay_rebuilds_merges_and_splits_and_erasures(
    history: list[Said], data: st.DataObject, batch: int
) -> None:
    async with world() as first, world(batch=batch) as second:
        for said in history:
            await first.hear(said)
            entities = [e for e in await first.dump() if isinstance(e, Entity)]
            alone = [e for e in entities if not e.same_as]
            trails = [e for e in entities if e.same_as]
            step = data.draw(st.integers(0, 3))
            if step == 0 and len(alone) > 1:
                keep, other = data.draw(st.permutations(alone))[:2]
                with suppress(InvalidInput):
                    await first.review.merge(HERE, keep.id, other.id)
            elif step == 1 and trails:
                await first.review.split(HERE, data.draw(st.sampled_from(trails)).id)
        for said in history:
            if data.draw(st.booleans()):
                await first.forget(said.id, session=said.session)
        for event in await first.log.read(HERE.home):
            assert event.recorded_at is not None
            scope = replace(HERE, session=event.session_id)
            await second.log.append(scope, [event], now=event.recorded_at)
        await second.settle()

        kept = [replace(x, seq=0) if isinstance(x, Episode) else x for x in await first.dump()]
        built = [replace(x, seq=0) if isinstance(x, Episode) else x for x in await second.dump()]
        assert kept == built
        assert await first.graph.check() == []


@many
@given(histories(), st.data())
async def test_split_undoes_a_merge(history: list[Said], data: st.DataObject) -> None:
    async with world() as merged, world() as plain:
        split = data.draw(st.integers(0, len(history)))
        await merged.hear(*history[:split])
        alone = [e for e in await merged.dump() if isinstance(e, Entity)]
        if len(alone) > 1:
            keep, other = data.draw(st.permutations(alone))[:2]
            with suppress(InvalidInput):
                await merged.review.merge(HERE, keep.id, other.id)
                await merged.hear(*history[split:])
                await merged.review.split(HERE, other.id)
                await plain.hear(*history)
                assert timeless(await merged.dump()) == timeless(await plain.dump())


@many
@given(
    st.lists(
        st.tuples(st.sampled_from(["Ada", "Tom", "Eve", "Bo"]), PLACES, st.integers(0, 30)),
        min_size=2, max_size=8, unique_by=lambda row: (row[0], row[2]),
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
async def test_order_of_arrival_does_not_matter(rows: list, random: object) -> None:
    history = [
        Said(f"{who}|lives_in|{where}", d, id=f"e{i}") for i, (who, where, d) in enumerate(rows)
    ]
    shuffled = list(history)
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue]  # a Random
    async with world() as one, world() as other:
        await one.hear(*history)
        await other.hear(*shuffled)

        assert believed(await one.facts()) == believed(await other.facts())


@many
@given(histories(st.sampled_from(["I", "Tom", "Eve"])))
async def test_planning_twice_changes_nothing(history: list[Said]) -> None:
    async with world() as w:
        await w.hear(*history)
        table = predicates.load()
        events = await w.log.read(HERE.home)
        extractions = await LineExtractor().extract(events)
        assertions = [
            a
            for event, extraction in zip(events, extractions, strict=True)
            for a in assert_all(HERE.home, event, extraction, table)
            if a.statement.predicate not in {"has_name", "mentioned"}
        ]
        known = await w.graph.known(HERE.home, planning.ask(assertions, table))

        again = planning.plan(
            HERE.home, assertions, known, watermark=None, table=table, analyse=terms_of
        )

        assert again.change.put_assertions == ()
        assert again.change.put_facts == ()
        assert again.change.delete_facts == ()
        assert again.outcomes == ()


async def test_apply_twice_is_once() -> None:
    async with world() as w:
        await w.hear(Said("I|lives_in|Rome", 0))
        before = await w.dump()
        change = planning.merge(
            [
                planning.plan(
                    HERE.home,
                    (),
                    await w.graph.known(HERE.home, planning.ask((), predicates.load())),
                    watermark=None,
                    table=predicates.load(),
                    analyse=terms_of,
                ).change
            ]
        )

        assert await w.graph.apply(change, fence=99)
        assert await w.dump() == before


async def test_forgotten_closing_revives_what_it_closed() -> None:
    async with world() as w:
        await w.hear(Said("I|lives_in|Lisbon", 0))
        before = await w.dump()
        await w.hear(Said("I|lives_in|Porto", 5))
        await w.forget("e2")

        assert await w.dump() == before
        assert recorded(1) in {f.recorded_at for f in await w.facts()}

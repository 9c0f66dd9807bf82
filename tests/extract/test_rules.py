"""The offline extractor against its hand-made sentences, its contract, and hostile texts."""

import asyncio
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphmem.extract.rules import RulesExtractor
from graphmem.models import Event, Extraction, Mention, Role, Statement, TextPart
from graphmem.testing.extractor import ExtractorConformance

CASES: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "cases.toml").read_text("utf-8")
)
ROWS: Final[list[list[str]]] = [
    row for name, rows in CASES.items() if name != "dialogues" for row in rows
]
EXTRACTOR: Final = RulesExtractor()
WEDNESDAY: Final = datetime(2023, 5, 10, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def extractor() -> RulesExtractor:
    return EXTRACTOR


def make_event(
    text: str, n: int = 0, *, author: str | None = None, session: str = "s", role: Role = "user"
) -> Event:
    return Event(
        id=f"e{n}", role=role, parts=(TextPart(text=text),), author=author, session_id=session,
        occurred_at=WEDNESDAY + timedelta(seconds=n),
    )  # fmt: skip


def named(mention: Mention) -> str:
    if mention.speaker:
        return "ME"
    if mention.name:
        return mention.name + "*" * mention.new
    whose = f"{mention.possessor}'s " if mention.possessor else ""
    return f"<{whose}{mention.descriptor}>"


def shown(s: Statement) -> str:
    """Write a statement as the rows of ``cases.toml`` do."""
    words = [] if s.polarity in ("affirm", "suppose") else [s.polarity]
    words += [named(s.subject), s.predicate, named(s.object) if s.object else s.value or ""]
    words += ["instead of", s.replaces] if s.replaces else []
    words += ["from", f"{s.valid_from:%Y-%m-%d}"] if s.valid_from else []
    words += ["to", f"{s.valid_to:%Y-%m-%d}"] if s.valid_to else []
    return " ".join(words)


async def read(extractor: RulesExtractor, *texts: str, speakers: Sequence[str] = ()) -> Extraction:
    """Extract the last of several messages, with the others as context."""
    events = [
        make_event(text, n, author=speakers[n % len(speakers)] if speakers else None)
        for n, text in enumerate(texts)
    ]
    (found,) = await extractor.extract(events[-1:], context=events[:-1])
    return found


async def states(extractor: RulesExtractor, *texts: str) -> list[str]:
    return sorted(map(shown, (await read(extractor, *texts)).statements))


class TestContract(ExtractorConformance):
    """The port's own conformance suite."""


def test_cases_are_many_and_a_third_negative() -> None:
    assert len(ROWS) >= 150
    assert sum(len(row) == 1 for row in ROWS) * 3 >= len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
async def test_sentence_states_what_it_should(extractor: RulesExtractor, row: list[str]) -> None:
    assert await states(extractor, row[0]) == sorted(row[1:])


@pytest.mark.parametrize("case", CASES["dialogues"], ids=lambda case: case["said"][-1][:60])
async def test_dialogue_states_what_it_should(
    extractor: RulesExtractor, case: dict[str, Any]
) -> None:
    found = await read(extractor, *case["said"], speakers=case.get("speakers", ()))

    supposed = [x for x in found.statements if x.polarity == "suppose"]
    said = [x for x in found.statements if x not in supposed]
    assert sorted(map(shown, said)) == sorted(case["states"])
    assert sorted(map(shown, supposed)) == sorted(case.get("supposes", ()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
async def test_quote_is_the_exact_span(extractor: RulesExtractor, row: list[str]) -> None:
    found = await read(extractor, row[0])

    for s in found.statements:
        assert row[0][s.quote.start : s.quote.end] == s.quote.text
        assert s.quote.text.strip() == s.quote.text


# --------------------------------------------------------------------------- hostile texts

HOSTILE: Final = {
    "one word": "my ",
    "possessives": "Anna's ",
    "capitals": "Anna Bell ",
    "commas": "my sister, ",
    "conjunctions": "and I live in ",
    "numbers": "2019-01-01 ",
    "quotes": "\"'“‘",
    "backticks": "`",
    "apostrophes": "'a",
    "hyphens": "a-",
    "dots": ".",
    "emoji": "👩‍🚀",
    "combining": "e\u0301",
    "links": "https://",
    "brackets": "<[image: ",
    "likes": "I love sushi and ramen and ",
    "lists": "Anna, Bell, Clara and ",
    "dates": "two and a half years ago for ",
    "corrections": "no, actually, sorry, it's ",
    "adverbs": "I really just now ",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=list(HOSTILE))
def test_work_grows_no_faster_than_the_text(extractor: RulesExtractor, unit: str) -> None:
    """Counted in steps, not seconds: four times the text, at most five times the work."""
    short, long = (extractor.steps(make_event(unit * n)) for n in (150, 600))

    assert long <= 5 * short + 200


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=list(HOSTILE))
async def test_hostile_text_of_64_kib_is_survived(extractor: RulesExtractor, unit: str) -> None:
    text = (unit * 65_536)[:65_536]

    found = await read(extractor, text)

    assert found.event_id == "e0"


async def test_line_of_ten_thousand_tokens_is_survived(extractor: RulesExtractor) -> None:
    found = await read(extractor, "I live in Lisbon with " + "my dear friend Anna and " * 2_000)

    assert all(s.quote.end <= 16_000 for s in found.statements)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(sorted({w for row in ROWS for w in row[0].split()})), max_size=30))
def test_any_order_of_words_keeps_the_contract(words: list[str]) -> None:
    text = " ".join(words)

    found = asyncio.run(read(EXTRACTOR, text))

    for s in found.statements:
        assert text[s.quote.start : s.quote.end] == s.quote.text
        assert s.object is None or s.value is None
        assert {s.subject, *([s.object] if s.object else [])} <= set(found.mentions)
        if s.valid_from is not None and s.valid_to is not None:
            assert s.valid_from <= s.valid_to


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_survived(text: str) -> None:
    found = asyncio.run(read(EXTRACTOR, text))

    assert found.extractor == "rules/5"


# --------------------------------------------------------------------------- who speaks


async def test_author_is_the_speaker(extractor: RulesExtractor) -> None:
    event = make_event("I live in Oslo.", author="Nora")

    (found,) = await extractor.extract([event])

    assert found.statements[0].subject == Mention(name="Nora", kind="person", speaker=True)


async def test_you_is_nobody_beside_an_assistant(extractor: RulesExtractor) -> None:
    asked = make_event("Hello!", 0, author="Helper", role="assistant")
    event = make_event("You live in Oslo.", 1, author="Nora")

    (found,) = await extractor.extract([event], context=[asked])

    assert found.statements == ()


async def test_correction_stays_in_its_session(extractor: RulesExtractor) -> None:
    before = make_event("I moved to Porto.", 0, session="other")
    event = make_event("Sorry, I meant Braga, not Porto.", 1)

    (found,) = await extractor.extract([event], context=[before])

    assert found.statements == ()


async def test_correction_sees_the_batch(extractor: RulesExtractor) -> None:
    events = [make_event("I moved to Porto."), make_event("Sorry, I meant Braga, not Porto.", 1)]

    _, found = await extractor.extract(events)

    assert [shown(s) for s in found.statements] == ["correct ME lives_in Braga instead of Porto"]


async def test_assistant_mentions_names_only(extractor: RulesExtractor) -> None:
    event = make_event(
        "Your sister Anna could visit Lisbon, and I live in Porto.", role="assistant"
    )

    (found,) = await extractor.extract([event])

    assert found.statements == ()
    assert {m.name for m in found.mentions} == {"Anna", "Lisbon", "Porto"}


async def test_question_takes_for_granted_what_it_does_not_ask(
    extractor: RulesExtractor,
) -> None:
    found = await read(extractor, "Does my sister Anna live in Porto?")

    assert [shown(s) for s in found.statements] == ["Anna sister_of ME"]
    assert {(m.name, m.descriptor) for m in found.mentions} >= {("Anna", "sister"), ("Porto", None)}


async def test_mentions_have_kinds(extractor: RulesExtractor) -> None:
    found = await read(extractor, "Anna from Halden Robotics met Dr. Silva in Porto.")

    assert {(m.name, m.kind) for m in found.mentions} >= {
        ("Anna", "person"), ("Halden Robotics", "organization"), ("Porto", "place"),
    }  # fmt: skip


async def test_answer_to_an_assistant_is_the_users_word(extractor: RulesExtractor) -> None:
    asked = make_event("Where does your sister live?", 0, role="assistant")
    event = make_event("In Porto.", 1)

    (found,) = await extractor.extract([event], context=[asked])

    assert [shown(s) for s in found.statements] == ["<sister> lives_in Porto"]
    assert found.statements[0].quote.text == "Porto"


async def test_pronoun_reaches_over_an_assistants_question(extractor: RulesExtractor) -> None:
    events = [
        make_event("My mum Greta moved to Lund.", 0),
        make_event("How is she?", 1, role="assistant"),
        make_event("She works at the museum.", 2),
    ]

    *_, found = await extractor.extract(events)

    assert [shown(s) for s in found.statements] == ["Greta works_at the museum"]


async def test_one_id_in_two_sessions_is_two_events(extractor: RulesExtractor) -> None:
    one, other = (
        make_event(text, session=session)
        for text, session in (("I live in Oslo.", "a"), ("I live in Bergen.", "b"))
    )

    found = await extractor.extract([one, other])

    assert [shown(s) for x in found for s in x.statements] == [
        "ME lives_in Oslo", "ME lives_in Bergen",
    ]  # fmt: skip


async def test_batches_do_not_change_what_is_read(extractor: RulesExtractor) -> None:
    texts = ("My sister Maren has a dog.", "She lives in Dover.", "Her dog is called Rex.")
    events = [make_event(text, n) for n, text in enumerate(texts)]

    together = await extractor.extract(events)
    apart = [
        (await extractor.extract([event], context=events[:n]))[0] for n, event in enumerate(events)
    ]

    assert [x.statements for x in together] == [x.statements for x in apart]


async def test_long_context_is_survived(extractor: RulesExtractor) -> None:
    events = [make_event("She laughed.", n) for n in range(2_000)]

    (found,) = await extractor.extract([make_event("She lives in Porto.", 2_000)], context=events)

    assert found.statements == ()


async def test_short_name_is_another_name(extractor: RulesExtractor) -> None:
    events = [
        make_event("What a day.", 0, author="Melina"),
        make_event("Thanks, Mela! Good night.", 1, author="Ivo"),
        make_event("Thanks, Melanie! Good night.", 2, author="Ivo"),
    ]

    *_, found, longer = await RulesExtractor({"given": {"either": " Mela"}}).extract(events)

    assert [shown(s) for s in found.statements] == ["Melina known_as Mela"]
    assert longer.statements == ()


async def test_capitals_and_lower_case_name_one_place(extractor: RulesExtractor) -> None:
    found = [
        await read(extractor, t)
        for t in ("I live in Lisbon", "i live in lisbon", "I LIVE IN LISBON")
    ]

    assert {s.object for x in found for s in x.statements} == {Mention(name="Lisbon", kind="place")}

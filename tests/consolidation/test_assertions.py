"""What becomes of an extraction before anything of the graph is known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from graphmem.consolidation import predicates
from graphmem.consolidation.assertions import assert_all
from graphmem.models import (
    Event,
    Extraction,
    Mention,
    Polarity,
    Quote,
    Scope,
    Statement,
    TextPart,
)

ADA = Mention(name="Ada", kind="person", speaker=True)
NOW = datetime(2024, 2, 5, tzinfo=UTC)
BEFORE = datetime(2024, 1, 29, tzinfo=UTC)


def stated(
    text: str, quote: str, subject: Mention, predicate: str, object: Mention, polarity: Polarity
) -> Statement:
    start = text.index(quote)
    return Statement(
        subject=subject,
        predicate=predicate,
        object=object,
        polarity=polarity,
        valid_to=BEFORE if polarity == "end" else None,
        quote=Quote(text=quote, start=start, end=start + len(quote)),
    )


def asserted(text: str, statements: Sequence[Statement]) -> list[tuple[str, str]]:
    """Return predicate and polarity of what is made of the statements, mentions apart."""
    event = Event(
        id="e1",
        parts=(TextPart(text=text),),
        occurred_at=NOW,
        session_id="s1",
        author="Ada",
        seq=1,
        recorded_at=NOW,
    )
    extraction = Extraction(event_id="e1", extractor="x/1", statements=tuple(statements))
    made = assert_all(Scope(user="ada"), event, extraction, predicates.load())
    return [
        (a.statement.predicate, a.statement.polarity)
        for a in made
        if a.statement.predicate != "mentioned"
    ]


@pytest.mark.parametrize(
    ("text", "named", "name", "predicate", "turned", "left"),
    [
        ("My dog Rex died last week", "My dog Rex", "Rex", "pet_of", False, 1),
        # What is mutual and one at most ends for both.
        ("I left my husband Tor", "my husband Tor", "Tor", "married_to", True, 2),
    ],
)
def test_what_is_named_on_the_way_to_its_end_is_not_said_to_be_so(
    text: str, named: str, name: str, predicate: str, turned: bool, left: int
) -> None:
    other = Mention(name=name, kind="person")
    ends = (ADA, other) if turned else (other, ADA)
    holds = stated(text, named, other, predicate, ADA, "affirm")
    over = stated(text, text, ends[0], predicate, ends[1], "end")

    assert asserted(text, [holds, over]) == [(predicate, "end")] * left
    assert (predicate, "affirm") in asserted(text, [holds])


def test_what_is_said_beside_an_end_stays() -> None:
    text = "I left Oslo in January, and now I am back in Oslo"
    oslo = Mention(name="Oslo", kind="place")
    over = stated(text, "I left Oslo in January", ADA, "lives_in", oslo, "end")
    back = stated(text, "I am back in Oslo", ADA, "lives_in", oslo, "affirm")
    whole = Quote(text=text, start=0, end=len(text))

    both = [("lives_in", "end"), ("lives_in", "affirm")]
    assert asserted(text, [over, back]) == both
    # An extractor that quotes the sentence for both does not say which of them is the other's part.
    quoted = [replace(over, quote=whole), replace(back, quote=whole)]
    assert asserted(text, quoted) == both
    since = [replace(over, quote=whole), replace(back, valid_from=NOW)]
    assert asserted(text, since) == both
    other = Mention(name="Lima", kind="place")
    assert asserted(text, [replace(over, quote=whole), replace(back, object=other)]) == both

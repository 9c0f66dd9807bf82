"""Which sentences of facts are embedded anew."""

from datetime import UTC, datetime, timedelta

from graphmem.consolidation.plan import fresh_texts
from graphmem.models import Fact, Scope, SourceClass

START = datetime(2024, 1, 1, tzinfo=UTC)


def version(number: int, text: str) -> Fact:
    return Fact(
        id="f", scope=Scope(user="ada"), slot="s", subject_id="ada", predicate="lives_in",
        object_id=None, value="Oslo", text=text, terms=text, confidence=0.9, importance=0.5,
        source_class=SourceClass.USER_DIRECT, origin="implicit", valid_from=None, valid_to=None,
        recorded_at=START + timedelta(days=number),
    )  # fmt: skip


LIVED, LIVES, AGAIN = version(1, "lived"), version(2, "lives"), version(3, "lived")


def test_what_reads_as_it_did_once_is_embedded_again() -> None:
    assert fresh_texts([LIVED, LIVES], [AGAIN], []) == {"f": "lived"}


def test_what_reads_as_before_is_not() -> None:
    assert fresh_texts([LIVED, LIVES], [version(3, "lives")], []) == {}
    assert fresh_texts([LIVED, LIVES], [LIVED], []) == {}, "an older version changed, no more"


def test_a_version_that_goes_leaves_the_one_before() -> None:
    assert fresh_texts([LIVED, LIVES], [], [("f", LIVES.recorded_at)]) == {"f": "lived"}
    assert fresh_texts([LIVED], [], [("f", LIVED.recorded_at)]) == {}, "nothing is left of it"


def test_what_is_new_is_embedded() -> None:
    assert fresh_texts([], [LIVES, LIVED], []) == {"f": "lives"}

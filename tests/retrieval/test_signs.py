"""What a question wants, and what a text tells, by their words alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.retrieval.signs import MOST_READ, told, wanted
from tests.retrieval.pools import some


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who carved the spoon?", "who"),
        ("Whose glasses were under the cushion?", "who"),
        ("When is the open day?", "time"),
        ("On which day do I clean for her?", "time"),
        ("How many rolls go to the café?", "number"),
        ("How cold is the cellar?", "number"),
        ("What does a ferry ticket cost?", "number"),
        ("Until when is the fair?", "time"),
        ("Where does the daughter study?", "place"),
        ("What does the man who trained me do for a living?", "work"),
        ("What's the job of my neighbour?", "work"),
        ("Why couldn't he help?", "reason"),
        ("Which instrument does she play?", "thing"),
        ("Which Nino bakes?", "thing"),
    ],
)
def test_question_wants_a_kind(question: str, kind: str) -> None:
    assert wanted(question).kind == kind


@pytest.mark.parametrize(
    ("question", "head"),
    [
        ("Which instrument does she play?", ("instrument",)),
        ("What kind of sweet must I not hand out?", ("sweet",)),
        ("On which river did Dag not write?", ("river",)),
        ("What is her job?", ()),
        ("Where is it?", ()),
    ],
)
def test_head_is_what_is_asked_for(question: str, head: tuple[str, ...]) -> None:
    assert wanted(question).head == head


def test_question_asks_for_what_is_not_so_and_for_owners() -> None:
    assert wanted("What can't Orla eat?").negated
    assert wanted("Which service have I stopped offering?").negated
    assert not wanted("What does Orla eat?").negated
    assert wanted("Who does the saw belong to?").whose
    assert not wanted("Who came?").whose
    assert wanted("Which herb do we leave out?").negated
    assert wanted("What offer did I turn down?").negated
    assert not wanted("What did the Bo with no hair paint?").negated


@pytest.mark.parametrize(
    ("question", "whose"),
    [
        ("Who did the stool come from?", True),
        ("From whom are the sunflowers?", True),
        ("Who made the yellow blanket?", True),
        ("Who's the owner of the van?", True),
        ("What did the stable owner's son do?", False),
        ("Who is our vet?", False),
    ],
)
def test_question_asks_for_an_owner_or_a_giver(question: str, whose: bool) -> None:
    assert wanted(question).whose == whose


def test_question_word_is_no_possessor() -> None:
    assert wanted("What does the judge's brother paint?").described
    assert not wanted("When's the camp?").described


def test_question_asks_how_things_stand_unless_it_asks_how_they_stood() -> None:
    assert wanted("Where am I working these days?").now
    assert not wanted("Where did I work before?").now


def test_question_asks_how_things_stand_by_its_tense_too() -> None:
    assert wanted("When is the rehearsal?").present
    assert not wanted("When is the rehearsal?").now
    assert not wanted("Where is the house we had before?").present
    assert wanted("Where is the house we had before?").once
    assert not wanted("Until when is the fair?").once


def test_who_left_something_is_only_asked_for_by_who() -> None:
    assert wanted("Who left the umbrella?").whose
    assert not wanted("What does the man who left the umbrella teach?").whose


def test_clauses_begin_with_whom_they_tell_of() -> None:
    (found,) = told("so the miller is off to Kent, and our vet took her dog").sentences

    assert {"miller", "vet"} <= found.leads
    assert not {"kent", "the", "our", "dog"} & found.leads


def test_text_is_read_once() -> None:
    assert told("the mill is shut") is told("the mill is shut")


def test_kin_is_whom_a_possessor_leads_to() -> None:
    assert "brother" in wanted("What does the judge's brother paint?").kin
    assert "daughter" in wanted("Where is the daughter of the vet?").kin
    assert not wanted("Where is the vet?").kin


@pytest.mark.parametrize(
    ("text", "owned"),
    [
        ("those'll be Pauline's, she was squinting", True),
        ("it's the caretaker's", True),
        ("On loan since 1974", True),
        ("it's from the boatbuilder Nyström", True),
        ("The stool is from her aunt", True),
        ("It was left behind by a dancer", True),
        ("must be the notary's", False),
        ("aunt Sina's, I bet", False),
        ("is it Tal's?", False),
        ("it's not mine", False),
        ("it isn't ours, it's Bo's", True),
        ("what a fine ladder", False),
        ("it's late again", False),
    ],
)
def test_text_says_whose_something_is(text: str, owned: bool) -> None:
    assert told(text).owned == owned


@pytest.mark.parametrize(
    ("text", "kind", "tells"),
    [
        ("we meet on Thursday", "time", True),
        ("we meet at 8", "time", True),
        ("we meet soon", "time", False),
        ("we sold 85 of them", "number", True),
        ("she is at art school in Dundee", "place", True),
        ("she is at home", "place", False),
        ("her partner makes wooden boats", "work", True),
        ("he was a lighthouse keeper", "work", True),
        ("he is my brother", "work", False),
        ("because of the rain", "reason", True),
    ],
)
def test_text_tells_a_kind(text: str, kind: str, tells: bool) -> None:
    assert told(text).tells(kind, frozenset()) == tells


def test_what_the_question_says_itself_is_no_answer() -> None:
    assert not told("the Thursday class").tells("time", frozenset({"thursday"}))


def test_sentences_know_whether_they_ask() -> None:
    found = told("Whose is this? It isn't mine. Nobody knows")

    assert [sentence.asks for sentence in found.sentences] == [True, False, False]
    assert found.asks
    assert "negation" in found.sentences[1].cues


def test_names_begin_no_sentence() -> None:
    found = told("Lovely weather. We met Ida in Kranj")

    assert found.names == {"ida", "kranj"}
    assert found.where == {"kranj"}


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert "end" not in told("x " * MOST_READ + "end").words


@some
@given(st.text())
def test_any_text_is_accepted(text: str) -> None:
    wanted(text)
    told(text).tells("work", frozenset())


def test_text_says_what_somebody_is_called_and_how_things_were() -> None:
    assert told("the contact is Mr. Boateng").introduces
    assert told("our son Jannik does the hay").introduces
    assert not told("the hay is dry").introduces
    assert told("she used to sail").past
    assert not told("she sails").past

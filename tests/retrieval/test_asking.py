"""What is read out of a question, and the way through the graph that it describes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.consolidation import predicates
from graphmem.models import Entity, Fact, Scope, SourceClass
from graphmem.retrieval.asking import (
    MAX_STEPS,
    Asked,
    Described,
    answers,
    ask,
    between,
    follow,
    keys_of,
    language,
    ways,
)

NOW = datetime(2024, 5, 1, tzinfo=UTC)
HERE = Scope(user="ada")


def about(question: str) -> Described:
    asked = ask(question)
    assert asked is not None, question
    return asked.about


@pytest.mark.parametrize(
    ("question", "anchor", "steps", "name"),
    [
        ("Where does Ivo live?", "ivo", (), ""),
        ("Where does my sister work?", "", ("sister",), ""),
        ("Where does the user's sister work?", "", ("sister",), ""),
        ("Where does the user work?", "", (), ""),
        ("Where do I work?", "", (), ""),
        ("What is Mrs Okafor's dog called?", "mrs okafor", ("dog",), ""),
        ("What car does the boyfriend of Ivo's sister drive?", "ivo", ("sister", "boyfriend"), ""),
        ("What does my brother's new girlfriend do?", "", ("brother", "girlfriend"), ""),
        ("Where does the user's sister Anna live?", "", ("sister",), "anna"),
        ("Which instrument does colleague Anna play?", "", ("colleague",), "anna"),
        ("What must the sister of the user not eat?", "", ("sister",), ""),
        ("What is my mum's job?", "", ("mother",), ""),
        ("Does Ivo\u2019s sister like tea?", "ivo", ("sister",), ""),
        ("How old are my kids?", "", ("child",), ""),
    ],
)
def test_whom_a_question_is_about(
    question: str, anchor: str, steps: tuple[str, ...], name: str
) -> None:
    found = about(question)

    assert (found.anchors, found.steps, found.name) == ((anchor,) if anchor else (), steps, name)


def test_a_thing_without_a_name_is_looked_for_by_its_words() -> None:
    found = about("Where does the owner of the blue kayak work?")

    assert found.steps == ("owner",)
    assert "the blue kayak" in found.anchors
    assert found.anchors[0] == "the blue kayak work", "the longest comes first"


def test_the_place_of_a_description_is_its_words() -> None:
    question = "Where does my brother's girlfriend work?"

    found = about(question)

    assert question[found.start : found.end] == "my brother's girlfriend"


@pytest.mark.parametrize(
    "question", ["Whose car is my brother's girlfriend driving?", "Straße: my brother's girlfriend"]
)
def test_the_place_is_that_in_the_whole_question(question: str) -> None:
    found = about(question)

    assert question[found.start : found.end] == "my brother's girlfriend"


@pytest.mark.parametrize(
    ("question", "predicate", "end"),
    [
        ("Where does Ivo live?", "lives_in", True),
        ("Who does Ivo live with?", "lives_with", None),
        ("What does Ivo do for a living?", "has_job", True),
        ("What does Ivo not eat?", "does_not_eat", True),
        ("What is Ivo allergic to?", "allergic_to", True),
        ("Who owns the Tern?", "owns", False),
        ("Whose boat is Tern?", "owns", False),
        ("Whose dog is Comet?", "pet_of", True),
        ("How old is Ivo?", "age", True),
        ("Who is Ivo married to?", "married_to", None),
    ],
)
def test_what_would_answer(question: str, predicate: str, end: bool | None) -> None:
    asked = ask(question)

    assert asked is not None
    assert asked.predicates[predicate] is end


@pytest.mark.parametrize(
    "question",
    [
        "What does Ivo do to relax on Sundays?",
        "Which painter does Ivo like best?",
        "Which island is my friend's workshop on?",
        "Where does my business partner work?",
        "What is Ivo's favourite dish from the cooking show?",
    ],
)
def test_what_asks_for_more_is_left_to_other_arms(question: str) -> None:
    asked = ask(question)

    assert asked is None or not asked.predicates


def test_a_relation_itself_may_be_asked_for() -> None:
    boss, dog = ask("Who is Petra's boss now?"), ask("Whose puppy is Trolle?")

    assert boss is not None
    assert (boss.about.anchors, boss.about.steps, boss.relation) == (("petra",), (), "manager")
    assert dog is not None
    assert (dog.about.anchors, dog.relation, dog.whose) == (("trolle",), "dog", True)


@pytest.mark.parametrize("question", ["", "What is new?", "violin", "?!", "Whose is it?", "the of"])
def test_about_nobody_in_particular(question: str) -> None:
    assert ask(question) is None


@given(st.text(max_size=80) | st.lists(st.sampled_from(
    ["my", "Anna", "'s", "sister", "of", "the", "user's", "Ivo's", "whose", "is", "dog's", "'"]
), max_size=12).map(" ".join))  # fmt: skip
def test_any_text_is_understood_or_left(question: str) -> None:
    asked = ask(question)

    if asked is not None:
        found = asked.about
        assert len(found.steps) <= MAX_STEPS
        assert 0 <= found.start <= found.end <= len(question)


# the tables


def test_tables_name_predicates_that_there_are() -> None:
    known = language()
    named = {p for links in known.relations.values() for p in links}
    named |= {p for row in known.asks for p in row.predicates}

    assert named <= {*predicates.load()}
    assert {*known.same.values()} <= {*known.relations}


# the way


def person(name: str) -> Entity:
    key = name.casefold()
    return Entity(
        id=key, scope=HERE, key=key, name=name, kind="person", created_at=NOW, updated_at=NOW
    )


def fact(
    subject: str,
    predicate: str,
    object_id: str | None,
    value: str | None = None,
    *,
    until: datetime | None = None,
) -> Fact:
    text = f"{subject} {predicate} {object_id or value}"
    return Fact(
        id=text, scope=HERE, slot=text, subject_id=subject, predicate=predicate,
        object_id=object_id, value=value, text=text, terms=text, confidence=0.9, importance=0.5,
        source_class=SourceClass.USER_DIRECT, origin="implicit", valid_from=None, valid_to=until,
        recorded_at=NOW,
    )  # fmt: skip


def test_follow_takes_the_right_end() -> None:
    facts = [fact("oda", "child_of", "ada"), fact("ada", "child_of", "eve")]

    assert follow("child", ["ada"], facts, [], as_of=NOW) == {"oda"}
    assert follow("mother", ["ada"], facts, [], as_of=NOW) == {"eve"}
    assert follow("sister", ["ada"], facts, [], as_of=NOW) == frozenset()


def test_follow_prefers_whom_the_word_was_said_of() -> None:
    facts = [fact("ines", "relative_of", "ada"), fact("tom", "relative_of", "ada")]

    assert follow("aunt", ["ada"], facts, [person("Ines")], as_of=NOW) == {"ines"}
    assert follow("aunt", ["ada"], facts, [], as_of=NOW) == {"ines", "tom"}
    assert follow("aunt", ["ada"], [], [person("Ines")], as_of=NOW) == {"ines"}
    assert "mum@ada" in keys_of("mother", ["ada"])


def found(
    asked: Asked, whom: list[str], facts: list[Fact], *, past: bool = False
) -> dict[str, float]:
    return dict(answers(asked, whom, facts, past=past, as_of=NOW))


def test_what_has_ended_answers_the_past() -> None:
    asked = ask("Where does Oda live?")
    assert asked is not None
    now, once = fact("oda", "lives_in", "oslo"), fact("oda", "lives_in", "rome", until=NOW)

    assert found(asked, ["oda"], [now, once]) == {now.id: 1}
    assert found(asked, ["oda"], [now, once], past=True) == {now.id: 0.5, once.id: 1}


def test_no_longer_asks_for_what_has_ended_only() -> None:
    asked = ask("Where does Oda not live any more?")
    assert asked is not None
    assert asked.no_longer
    now, once = fact("oda", "lives_in", "oslo"), fact("oda", "lives_in", "rome", until=NOW)

    assert found(asked, ["oda"], [now, once]) == {once.id: 1}


def test_an_ex_wife_was_a_wife() -> None:
    asked = ask("Where does my former wife work?")
    assert asked is not None
    assert asked.about.steps == ("ex-wife",)
    now, once = fact("ada", "married_to", "tom"), fact("ada", "married_to", "ben", until=NOW)

    assert follow("ex-wife", ["ada"], [now, once], [], as_of=NOW) == {"ben"}
    assert follow("wife", ["ada"], [now, once], [], as_of=NOW) == {"tom"}
    assert "ex-wife@ada" in keys_of("ex-wife", ["ada"])


@pytest.mark.parametrize(
    ("question", "core", "aside"),
    [
        ("Where did I work before the bakery?", "Where did I work", "the bakery?"),
        ("Where did I work before?", "Where did I work before?", ""),
        ("What has Ivo got now instead of the boat?", "What has Ivo got now", "the boat?"),
        ("What can't Ivo do, although he has a boat?", "What can't Ivo do", ""),
        ("I'm not a cook, so what do I do?", "what do I do?", "I'm not a cook, so "),
    ],
)
def test_what_is_said_beside_a_question(question: str, core: str, aside: str) -> None:
    asked = ask(question)

    assert asked is not None
    begin, end = asked.core
    assert (question[begin:end], asked.aside) == (core, aside)


def test_ways_are_made_of_relations() -> None:
    known = language()

    assert ("child", "spouse") in ways("son-in-law")
    for ways_of in known.ways.values():
        assert all(known.relation(word) == word for way in ways_of for word in way)
    assert {*known.ways, *known.compounds} <= {*known.relations}


def test_answers_are_of_whom_it_is_about_at_the_right_end() -> None:
    asked = ask("Where does Oda live?")
    assert asked is not None
    facts = [fact("oda", "lives_in", "oslo"), fact("tom", "lives_in", "rome")]

    assert found(asked, ["oda"], facts) == {facts[0].id: 1.0}
    assert found(asked, ["oslo"], facts) == {}


def test_the_predicate_named_first_answers_best() -> None:
    asked = ask("What does Oda do?")
    assert asked is not None
    facts = [fact("oda", "works_at", "lab"), fact("oda", "has_job", None, "nurse")]

    worth = found(asked, ["oda"], facts)

    assert 0.5 <= worth[facts[0].id] < worth[facts[1].id] == 1


@pytest.mark.parametrize(("question", "whom"), [("Who is Petra's boss?", "petra"),
                                                ("Whose manager is Amal?", "amal")])  # fmt: skip
def test_answers_of_a_relation(question: str, whom: str) -> None:
    asked = ask(question)
    assert isinstance(asked, Asked)
    facts = [fact("amal", "manager_of", "petra"), fact("petra", "manager_of", "sami")]

    assert found(asked, [whom], facts) == {facts[0].id: 1.0}


def test_between_is_what_links_the_two() -> None:
    facts = [fact("oda", "sister_of", "ada"), fact("oda", "works_at", "lab")]

    assert between(["ada"], ["oda"], facts) == between(["oda"], ["ada"], facts) == {facts[0].id}

"""What stands beside a name in a question, and in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.retrieval.epithets import beside, epithets
from graphmem.retrieval.query import Epithet
from graphmem.retrieval.text import analyse


@pytest.mark.parametrize(
    ("question", "name", "words"),
    [
        ("What does my landlady Mina do?", "mina", "landlady"),
        ("Where does Mina from the ballet class work?", "mina", "ballet class"),
        ("Who is the wife of Jonas the guitarist?", "jonas", "guitarist"),
        ("What keeps my mum's mother Ines?", "ines", "mum's mother"),
        ("What does Mina, my dentist, drive?", "mina", "dentist"),
    ],
)
def test_words_beside_a_name(question: str, name: str, words: str) -> None:
    assert epithets(question) == (Epithet(analyse(name), frozenset(analyse(words))),)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        "Where does Mina live?",
        "What did Mina do on the 16 August?",
        "Who sang at the concert at Mina's?",
        "How was the trip with Mina in May?",
    ],
)
def test_a_name_alone_has_none(question: str) -> None:
    assert epithets(question) == ()


def test_the_nearest_occurrence_of_the_name_counts() -> None:
    mina = epithets("What does Mina from the ballet class do?")[0]

    near = ["mina", "from", "the", "ballet", "class", "drives", "a", "truck"]
    far = [
        "mina",
        "came",
        "and",
        "then",
        "somebody",
        "told",
        "us",
        "what",
        "had",
        "been",
        "said",
        "at",
        "ballet",
    ]

    assert beside(mina, near) == 1
    assert beside(mina, far) == 0
    assert beside(mina, [*far, *near]) == 1
    assert beside(mina, ["the", "ballet", "class"]) == 0, "without the name it says nothing"
    assert beside(mina, ["the", "mina", "of", "the", "ballet"]) == 0.5


def test_a_name_of_several_words() -> None:
    ana = epithets("What does my aunt Ana Maria keep?")[0]

    assert beside(ana, [*ana.name, "my", "aunt"]) == 1
    assert beside(ana, ["ana", "my", "aunt"]) == 0


@given(st.text(max_size=60))
def test_any_text_has_words_beside_names_or_none(question: str) -> None:
    for epithet in epithets(question):
        assert epithet.name
        assert epithet.words
        assert 0 <= beside(epithet, list(analyse(question))) <= 1

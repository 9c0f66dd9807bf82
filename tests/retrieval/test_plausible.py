"""The first hits by how much each looks like an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmem.errors import InvalidInput
from graphmem.models import Candidate
from graphmem.retrieval.circumstances import CIRCUMSTANCES
from graphmem.retrieval.compared import compare
from graphmem.retrieval.features import FEATURES
from graphmem.retrieval.likeness import likeness
from graphmem.retrieval.plausible import (
    ARM,
    NAMES,
    Weighed,
    by_plausibility,
    rows_of,
    weigh,
    weights,
    wordings,
)
from graphmem.retrieval.rank import Ranked, merge
from graphmem.retrieval.recipes import DEFAULT
from graphmem.retrieval.scoring import score
from tests.retrieval.pools import NOW, asked, episode, fact, some


def hits(*found: Candidate) -> tuple[Ranked, ...]:
    return tuple(
        Ranked(
            candidate=candidate,
            score=2.0 - place / 10,
            arms={"text": 2.0 - place / 10},
            event_ids=candidate.event_ids,
            members=(candidate.id,),
        )
        for place, candidate in enumerate(found)
    )


def said(*texts: str) -> tuple[tuple[Ranked, ...], dict[str, str]]:
    """Return hits on what was said one after the other, by one who gives no name."""
    found = [episode(place, text, author=None, cosine=0.3) for place, text in enumerate(texts)]
    return hits(*found), {c.id: text for c, text in zip(found, texts, strict=True)}


def by_what_is_told(
    found: Sequence[Ranked], question: str, texts: Mapping[str, str], *, first: int = 12
) -> tuple[Ranked, ...]:
    query = asked(question)
    return by_plausibility(found, query, weigh(found[:first], query, texts, pool=40))


def order(question: str, *texts: str) -> list[str]:
    found, by_id = said(*texts)
    ranked = by_what_is_told(found, question, by_id)
    return [by_id[hit.candidate.id] for hit in ranked]


def feature(name: str, question: str, *texts: str) -> list[float]:
    found, by_id = said(*texts)
    table = rows_of(found, asked(question), by_id, pool=40)
    return [round(float(value), 3) for value in table[:, NAMES.index(name)]]


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        (
            "Whose glasses were under the cushion?",
            (
                "Found a pair of reading glasses under the cushion. Anyone?",
                "those'll be Pauline's, she was squinting at the menu",
            ),
        ),
        (
            "Which nights am I working these days?",
            (
                "I'm on Thursday and Friday nights this time",
                "new plan is up. From April I work Sunday nights now",
            ),
        ),
        (
            "What must never go in with the snacks?",
            (
                "the snacks went down well with all the girls",
                "no peanut bars in the snack box, Hana carries an epipen",
            ),
        ),
    ],
)
def test_what_answers_comes_before_what_was_asked(question: str, texts: tuple[str, ...]) -> None:
    assert order(question, *texts)[0] == texts[-1]


def test_features_have_their_meaning() -> None:
    assert feature("negates", "What don't I eat?", "no fish for me", "I like plums") == [1, 0]
    assert feature("negates", "What do I eat?", "no fish for me", "I like plums") == [0, 0]
    assert feature("owned", "Whose hat is it?", "it's Ida's", "a red hat") == [1, 0]
    assert feature("late", "Where do I live now?", "in Rome", "in Oslo") == [0, 1]
    assert feature("late", "Where did I live before?", "in Rome", "in Oslo") == [0, 0]
    assert feature("no kind", "When is it?", "on Monday", "soon enough") == [0, 1]
    assert feature("place", "Who came?", "a", "b", "c") == [1, 0.5, 0.333]
    assert feature("head", "Which instrument has he?", "a violin", "a spoon")[1] == 0
    assert feature("kin", "What does Bo's son do?", "his son sails", "a boat sails") == [1, 0]
    assert feature("goes on", "Who is the vet?", "we saw the vet", "She was kind")[1] > 0


def test_what_is_told_later_counts_by_what_is_asked() -> None:
    two = ("we meet in the barn", "we meet in the mill")

    assert feature("late", "Where do we meet now?", *two) == [0, 1]
    assert feature("news", "Where do we meet now?", *two) == [0, 0]
    assert feature("news", "What became of the miller?", *two)[1] > 0
    assert feature("news", "What did we not bring?", *two) == [0, 0]
    assert feature("news", "What became of the miller in May 2024?", *two) == [0, 0]
    assert feature("news", "What became of the miller?", "he left", "did he?") == [0, 0]


def test_later_of_what_is_about_the_same_counts() -> None:
    two = ("the choir is here", "the choir went")

    told = feature("late told", "Where is the choir now?", *two)
    aside = feature("late told", "Where is the choir now?", "rain again", "the choir is here")

    assert told[0] == 0
    assert told[1] > 0
    assert aside == [0, 0]
    assert feature("late told", "Where was the choir before?", *two) == [0, 0]
    assert feature("late told", "Whose choir is it?", *two) == [0, 0]


def test_who_settles_an_owner_counts_and_who_guesses_does_not() -> None:
    question = "Whose scarf is it?"
    texts = (
        "a scarf! it's Kuba's, I guess",
        "the scarf is not Kuba's",
        "found out: the scarf belongs to Tormod",
    )

    assert feature("owned", question, *texts) == [0, 0, 1]
    assert feature("settles", question, *texts) == [0, 0, 1]
    assert feature("late owner", question, *texts)[2] > 0
    assert feature("late owned", question, *texts)[1] == 0
    assert feature("late owned", question, *texts)[2] > 0
    assert feature("late owned", "Where is the scarf?", *texts) == [0, 0, 0]


def test_denial_counts_by_what_its_sentence_has_of_the_question() -> None:
    question = "What do we not serve at lunch?"

    denies = feature("negates it", question, "no soup at lunch", "lunch was good. no rain today")

    assert denies[0] > denies[1] == 0
    assert feature("negates it", "What do we serve at lunch?", "no soup at lunch") == [0]


def test_past_and_introductions_count_by_what_is_asked() -> None:
    two = ("Signe is called in", "she used to sail")

    assert feature("past", "What was Signe before?", *two)[1] > 0
    assert feature("past", "What is Signe?", *two) == [0, 0]
    assert feature("introduces", "What does our vet sail?", "our vet is Signe", "a vet")[0] > 0
    assert feature("introduces", "Who is our vet?", "our vet is Signe", "a vet") == [0, 0]


def test_who_leads_on_to_a_later_hit_is_told_apart() -> None:
    leads = feature(
        "leads on",
        "What became of the man who does the hops?",
        "Ottmar is the man who does the hops for us",
        "so Ottmar is off to Kent",
    )

    assert leads[0] > 0
    assert leads[1] == 0


def test_change_and_what_is_wanted_stand_in_one_sentence() -> None:
    question = "When is the choir?"

    assert feature("changes to", question, "moved to Friday", "it moved. Friday was nice") == [1, 0]
    assert feature("changes to", "When was the choir before?", "moved to Friday") == [0]
    assert feature("changes to", "Where are we?", "we moved to Kranj", "we are in Kranj") == [1, 0]


def test_other_value_is_told_after_the_best_match() -> None:
    question = "What is the rent of the barn now?"

    assert feature("other value", question, "the rent of the barn is 40", "45 it is, sadly") == [
        0,
        1,
    ]
    assert feature("other value", question, "the rent of the barn", "45 it is, sadly") == [0, 0]


def test_description_begins_the_clause_that_tells_of_whom_it_means() -> None:
    led = feature(
        "led",
        "Where has our man Ottmar, who does the beer, gone?",
        "Ottmar is the one who does the hops for us",
        "so the hop man is off to Kent",
        "the rain man is off, and we have more of those hops",
        "so the milk man is off to Hull",
    )

    assert led[1] > 0
    assert led[2] == led[3] == 0


def test_lead_counts_apart_where_nobody_is_described() -> None:
    texts = ("Ottmar is the one who does the hops for us", "so the hop man is off to Kent")

    assert feature("led plain", "Where has Ottmar gone?", *texts)[1] > 0
    assert feature("led", "Where has Ottmar gone?", *texts) == [0, 0]
    assert feature("led plain", "Whose hops has Ottmar?", *texts) == [0, 0]


def test_description_is_read_early() -> None:
    question = "What became of the man who tunes the organ?"

    early = feature("early bridge", question, "a man tunes the organ", "he went to sea")

    assert early[0] > 0
    assert early[1] == 0
    assert feature("early bridge", "When is the organ tuned?", "we tune the organ", "soon") == [
        0,
        0,
    ]


def test_somebody_told_of_elsewhere_links_two_hits() -> None:
    linked = feature(
        "told of",
        "What does the man who does the rota make for a living?",
        "today Benedikt does the rota",
        "so then Benedikt makes hats in Hull",
        "so then Ottilie makes hats in Hull",
    )

    assert linked[1] > 0
    assert linked[2] == 0


def test_moved_hits_keep_scores_in_order_and_arms_that_add_up() -> None:
    found, texts = said("Whose hat is this?", "it's Ida's hat", "rain again")

    ranked = by_what_is_told(found, "Whose hat is it?", texts)

    assert [hit.score for hit in ranked] == [hit.score for hit in found]
    assert ranked[0].candidate.id == "e1"
    assert ranked[0].arms[ARM] == pytest.approx(0.1)
    for hit in ranked:
        assert sum(hit.arms.values()) == pytest.approx(hit.score)


def test_only_the_first_are_looked_at() -> None:
    found, texts = said("Whose hat is this?", "it's Ida's hat")

    assert by_what_is_told(found, "Whose hat?", texts, first=0) == found
    assert by_what_is_told(found, "Whose hat?", texts, first=1) == found
    assert by_what_is_told((), "Whose hat?", {}) == ()


def test_what_the_graph_answers_is_passed_by_nothing_else() -> None:
    question = "Whose hat is it?"
    found, texts = said("the hat is new", "it's Ida's hat")
    answer = replace(found[0], arms={"text": 1.0, "answer": 1.0})

    first, *_ = by_what_is_told(found, question, texts)
    ranked = by_what_is_told((answer, found[1]), question, texts)

    assert first.candidate == found[1].candidate
    assert ranked == (answer, found[1])


def test_what_has_ended_passes_nothing_that_holds() -> None:
    found, texts = said("the hat is new", "it's Ida's hat")
    ended = replace(found[1], ended=True)

    ranked = by_what_is_told((found[0], ended), "Whose hat is it?", texts)

    assert ranked == (found[0], ended)


def merged(question: str, *, answers: Mapping[str, float] | None = None) -> Sequence[Ranked]:
    """Return the hits of an episode and of a fact that was read from it, and scores above it."""
    query = replace(asked(question), answers=frozenset((answers or {}).items()))
    pool = [
        episode(1, "My cousin Ida comes on Thursday at eight", cosine=0.45),
        fact("f1", "Ida is a relative of Kwame", cosine=0.5),
    ]
    return merge(score(pool, query, recipe=DEFAULT, now=NOW), query, as_of=NOW)


WORDS = {
    "e1": "My cousin Ida comes on Thursday at eight",
    "f1": "Ida is a relative of Kwame",
}


def test_episode_stands_for_a_fact_that_tells_less() -> None:
    question = "When does Kwame's relative Ida come?"
    found = merged(question)

    ranked = by_what_is_told(found, question, WORDS)

    assert [hit.candidate.id for hit in found] == ["f1"]
    assert [hit.candidate.id for hit in ranked] == ["e1"]
    assert ranked[0].event_ids == found[0].event_ids
    assert ranked[0].arms["fact"] > 0
    assert sum(ranked[0].arms.values()) == pytest.approx(ranked[0].score)


def test_fact_that_answers_stands_for_itself() -> None:
    found = merged("Who is Ida?", answers={"f1": 1.0})

    assert [hit.candidate.id for _, hit in wordings(found)] == ["f1"]


def test_absent_texts_stand_for_nothing() -> None:
    question = "When does Kwame's relative Ida come?"

    ranked = by_what_is_told(merged(question), question, {"f1": WORDS["f1"]})

    assert [hit.candidate.id for hit in ranked] == ["f1"]


def test_every_weight_has_a_feature() -> None:
    assert weights().shape == (len(FEATURES),)
    assert np.all(weights() != 0)


@some
@given(st.text(max_size=60), st.lists(st.text(max_size=80), min_size=1, max_size=5))
def test_any_text_is_accepted(question: str, texts: list[str]) -> None:
    found, by_id = said(*texts)

    ranked = by_what_is_told(found, question, by_id)

    assert {hit.candidate.id for hit in ranked} == set(by_id)


# what has been read


def weighed(*values: float) -> Weighed:
    found, _ = said(*(f"text {place}" for place in range(len(values))))
    return Weighed(tuple(enumerate(found)), np.array(values))


def test_the_best_are_in_doubt_in_the_order_they_were_told() -> None:
    assert weighed(0.0, 3.0, 2.0, 2.5, 1.0).doubtful(3, sure=0.9) == (1, 2, 3)
    assert weighed(0.0, 0.1).doubtful(6, sure=0.9) == (0, 1)


def test_who_is_told_of_last_is_read_last() -> None:
    found = weighed(2.0, 1.0)
    late = replace(
        found.hits[0][1],
        candidate=replace(found.hits[0][1].candidate, occurred_at=NOW + timedelta(days=900)),
    )

    swapped = Weighed(((0, late), found.hits[1]), found.values)

    assert swapped.doubtful(2, sure=0.99) == (1, 0)


@pytest.mark.parametrize("values", [(), (1.0,), (9.0, 1.0, 0.0)])
def test_nothing_is_in_doubt_where_one_stands_out(values: tuple[float, ...]) -> None:
    assert weighed(*values).doubtful(6, sure=0.9) == ()


def test_none_are_to_be_read() -> None:
    assert weighed(1.0, 1.0).doubtful(0, sure=0.9) == ()


def test_what_was_read_counts_with_its_weight_and_stays_before_the_rest() -> None:
    found = weighed(2.0, 1.0, 0.5)

    read = found.read((0, 1), np.array([-4.0, 4.0], dtype=np.float32), 0.5)

    assert (read.values[1] - read.values[0]).tolist() == pytest.approx(3.0)
    assert read.values.argsort().tolist() == [2, 0, 1]
    assert found.values.tolist() == [2.0, 1.0, 0.5], "a copy"


@pytest.mark.parametrize("scores", [[1.0], [1.0, float("nan")], [[1.0], [2.0]]])
def test_scores_that_are_none_are_refused(scores: list[float]) -> None:
    with pytest.raises(InvalidInput, match="scores of shape"):
        weighed(1.0, 2.0).read((0, 1), np.array(scores, dtype=np.float32), 1.0)


def circumstance(name: str, question: str, *texts: str) -> list[float]:
    assert name in CIRCUMSTANCES
    return feature(name, question, *texts)


def test_how_things_stood_is_told_early_and_not_by_what_changed_them() -> None:
    """ "Before the rise": the event is in the message that tells the new price."""
    question = "What was the rent before the landlord raised it?"
    texts = (
        "Found a flat, the rent is 700",
        "The landlord raised the rent, so it's 820 from May",
        "The cat likes it here",
    )
    assert feature("early told", question, *texts) > [0.0, 0.0, 0.0]
    first, second, _ = feature("early told", question, *texts)
    assert first > second
    assert feature("early kind", question, *texts)[0] > 0.0
    first, second, third = feature("until", question, *texts)
    assert second > first >= third
    assert feature("became", question, *texts)[0] < feature("became", question, *texts)[1]
    assert feature("until", "What is the rent?", *texts) == [0.0, 0.0, 0.0]
    assert feature("became", "What is the rent?", *texts) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "question",
    [
        "Where did I use to work?",
        "When was the lamp supposed to come?",
        "What did he charge to begin with?",
        "Which room had been planned?",
        "Who ran the class when I joined?",
        "What was the old price?",
    ],
)
def test_question_for_how_things_stood(question: str) -> None:
    assert feature("once", question, "We open at ten", "The cat sleeps") == [1.0, 1.0]
    assert feature("now", question, "We open at ten", "The cat sleeps") == [0.0, 0.0]


@pytest.mark.parametrize(
    "question",
    ["What do I use to clean it?", "How old is Ann?", "Until what time are they open now?"],
)
def test_no_question_for_how_things_stood(question: str) -> None:
    assert feature("once", question, "We open at ten", "The cat sleeps") == [0.0, 0.0]


@pytest.mark.parametrize(
    "text",
    [
        "We got bumped to the 19th",
        "Sixty it is, then",
        "The bank said no, so it's a used one for 40",
        "From next month I charge 50",
        "The rent has gone up to 820",
        "In the end we settled on the 4th",
    ],
)
def test_what_becomes_otherwise_is_seen_in_many_words(text: str) -> None:
    texts = (text, "Lunch at one with Bo")
    assert feature("becomes", "When is the party?", *texts) == [1.0, 0.0]
    assert feature("becomes it", "When is the party?", *texts) == [1.0, 0.0]
    assert feature("becomes it", "Why is there a party?", *texts) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What am I not allowed on the boat?", "The kiln is out of bounds"),
        ("Which song did we drop?", "Paper Lantern is out, it drags"),
        ("Which oil did I give up?", "I've thrown out the palm oil"),
        ("What is prohibited in the house?", "no durian, please"),
    ],
)
def test_what_is_refused_is_seen_in_more_words_than_one(question: str, text: str) -> None:
    assert feature("refuses", question, text, "We sing on Monday") == [1.0, 0.0]
    assert feature("refuses", "When do we sing?", text, "We sing on Monday") == [0.0, 0.0]


@pytest.mark.parametrize(
    ("question", "whose"),
    [
        ("Who'd actually made the pasta?", True),
        ("The purple umbrella: who had left it?", True),
        ("Who was the builder of the trapdoor?", True),
        ("Where does the man who made the cake live?", False),
        ("Who is coming on Friday?", False),
    ],
)
def test_question_for_an_owner_or_maker(question: str, whose: bool) -> None:
    assert feature("whose", question, "It was Ann", "The cat sleeps") == [whose, whose]


def test_likeness_has_its_meaning() -> None:
    question = "What time is choir practice?"
    texts = (
        "Choir practice is at seven in the chapel",
        "The chapel has no heating",
        "Choir practice moves to eight",
    )
    assert feature("asked before", question, *texts)[0] == 0.0
    assert feature("asked before", question, *texts)[2] > 0.0
    assert feature("asked after", question, *texts)[0] > 0.0
    assert feature("kind before", question, *texts)[2] > 0.0
    assert feature("kind before", question, *texts)[1] == 0.0
    assert feature("like before", question, *texts)[1] > 0.0  # the chapel
    assert feature("like a match before", question, *texts)[1] > 0.0
    assert feature("like a match after", question, *texts)[1] == 0.0
    assert feature("like a change after", question, *texts) == [
        pytest.approx(feature("like after", question, *texts)[0], abs=0.01),
        0.0,
        0.0,
    ]
    assert feature("asked in a change", question, *texts)[0] > 0.0
    assert feature("changes it", question, *texts)[:2] == [0.0, 0.0]
    assert feature("values it", question, *texts)[0] > 0.0
    assert feature("a change", question, *texts) == [0.0, 0.0, 1.0]
    assert feature("a kind", question, *texts) == [1.0, 0.0, 1.0]
    assert feature("many before", question, *texts) == [0.0, 0.0, 1.0]
    assert feature("many after", question, *texts) == [1.0, 0.0, 0.0]


def test_circumstances_have_their_meaning() -> None:
    two = ("Where is the boat?", "Karl said: maybe in Oslo, on Monday. He rowed it")
    question = "Where is the boat of Ada?"

    assert circumstance("asks", question, *two) == [1, 0]
    assert circumstance("guesses", question, *two) == [0, 1]
    assert circumstance("sentences", question, *two) == [1, 2]
    assert circumstance("a time", question, *two) == [0, 1]
    assert circumstance("new names", question, *two) == [0, 1]
    assert circumstance("told late", question, *two) == [0, 1]
    assert circumstance("messages on", question, *two) == [0, 1]
    assert circumstance("its author", question, *two) == [1, 1]
    assert circumstance("answers one", question, *two) == [0, 1]
    assert circumstance("message after", question, *two) == [1, 0]
    assert circumstance("share", question, *two)[0] == 1
    assert circumstance("message before", question, *two)[1] > 0
    assert circumstance("since match", question, *two)[1] > 0
    assert circumstance("names asked", question, *two) == [1, 1]
    assert circumstance("who", "Who rows?", "Karl rows") == [1]
    assert circumstance("a pronoun", "Who rowed it?", "we met. He rowed it") == [1]


def test_best_sentence_need_not_be_the_first() -> None:
    question = "Who repairs the engine?"
    texts = ("rain again. Karl repairs the engine", "Karl repairs the engine. rain again")

    best = circumstance("best sentence", question, *texts)
    first = circumstance("first sentence", question, *texts)

    assert best[0] == best[1] == first[1] > first[0] == 0
    assert circumstance("rarest", question, *texts)[0] > 0
    assert circumstance("length", question, "a b", "a b c d")[1] > 0


def test_what_shares_no_session_with_the_best_match_is_far() -> None:
    near, far = episode(1, "the boat is red"), episode(2, "we baked", session_id="s2")
    texts = {"e1": "the boat is red", "e2": "we baked"}

    rows = rows_of(hits(near, far), asked("Which boat?"), texts, pool=2)

    assert rows[:, NAMES.index("messages on")].tolist() == [0, -13]
    assert np.isfinite(rows).all()


def test_memory_of_two_puts_what_matches_first() -> None:
    """Trees that had only seen whole stories put whatever was told last first."""
    assert order("Which boat?", "the boat is red", "we baked bread")[0] == "the boat is red"
    assert order("Who came?", "Karl came", "the bread is done")[0] == "Karl came"
    assert (
        order("Where is the key?", "the key is in the shed", "bye")[0] == "the key is in the shed"
    )


def test_sums_are_added_in_one_order() -> None:
    """Sets of strings are ordered anew in every process, and a rounding depends on the order."""
    words = "hop mill brewery barge lock river miller horse cart stable cider orchard ferry"
    found, texts = said(words, " ".join(reversed(words.split())), f"{words}. {words}")

    match = compare(found, asked(f"Who told Ida of the {words}?"), texts, 9).match

    for has in (*match.texts, *(part for parts in match.sentences for part in parts)):
        assert len(has) > 10
        assert list(has) == sorted(has)


def test_likeness_does_not_depend_on_the_order_of_terms() -> None:
    words = [f"hop{number}" for number in range(60)]
    texts = [" ".join(w for n, w in enumerate(words) if n % (p + 2)) for p in range(10)]
    found, by_id = said(*texts)
    seen = compare(found, asked("Who told Ida of hop7?"), by_id, 40)
    assert len(seen.holding) > 50

    def table(*, backwards: bool) -> bytes:
        holding = dict(sorted(seen.holding.items(), reverse=backwards))
        return likeness(replace(seen, holding=holding)).tobytes()

    assert table(backwards=False) == table(backwards=True)

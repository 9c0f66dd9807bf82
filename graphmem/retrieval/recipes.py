"""The weights and limits of recall as one value, and the ablations by name.

Knows no data. ``docs/decisions/0013-rank-in-python.md`` says how the defaults were found: tuned on
the first five conversations of LoCoMo only, and reported on all ten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from graphmem.models import MemoryType


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a pool of candidates becomes a ranking.

    ``k1`` and ``b`` are BM25's (Robertson and Zaragoza, 2009, section 3.2). BM25 over its maximum,
    raised to ``text_power``, and the cosine above ``cosine_floor`` make the base score. ``near``
    and ``far`` are the shares of it that go to the neighbours one and two places away along NEXT,
    ``reply`` the share that a question hands to what follows it. ``session``, ``speaker`` (whom the
    question names), ``asker`` (who asks it), ``time``, ``dated`` and ``answer`` (of a
    fact that the graph gives as the answer) are shares of the highest score after spreading.
    ``asking`` and ``length`` are how much a question loses and how much a text gains per e-fold of
    length. ``recency`` and ``importance`` are the most that those two may raise or lower a score
    by, at most 0.1; ``half_life_days`` is the age at which half of a memory's recency is gone.
    ``given`` is what the score of a fact that the question itself states is worth, ``unasked`` that
    of one which says something else than what is asked. ``related`` is what a word related to a
    term of the question counts for, as a fraction of an occurrence. ``named_only`` is what the text
    match of a fact is worth that shares nothing but names with the question, ``epithet`` the share
    of the highest score for who calls somebody as the question does. ``restated`` is how far
    behind, as a share of the best score, a newer statement of the same may be and still come first,
    where somebody asks how things stand. ``rewritten`` is the share of its score that a hit keeps
    which only another wording of the question has found. ``plausible`` is how many first hits are
    put in the order of how much they look like an answer, 0 for none: with ten, who is shown ten
    sees the same ones. ``read`` is how many of those are read beside each other, 0 for none,
    unless the best one has the share ``sure`` of all odds; ``reading`` is what that counts.
    """

    name: str = "default"
    k1: float = 0.9
    b: float = 0.6
    text: float = 1.0
    text_power: float = 1.5
    related: float = 0.5
    vector: float = 1.0
    cosine_floor: float = 0.15
    near: float = 0.35
    far: float = 0.15
    reply: float = 0.3
    reach: int = 2
    session: float = 0.3
    session_best: int = 3
    speaker: float = 0.15
    asker: float = 0.3
    time: float = 0.3
    dated: float = 0.05
    answer: float = 1.5
    epithet: float = 0.3
    named_only: float = 0.5
    given: float = 0.5
    unasked: float = 0.6
    asking: float = 0.1
    length: float = 0.1
    support: float = 1.0
    recency: float = 0.02
    importance: float = 0.02
    restated: float = 0.6
    rewritten: float = 0.8
    plausible: int = 10
    read: int = 6
    reading: float = 0.6
    sure: float = 0.9
    half_life_days: Mapping[MemoryType, float] = field(
        default_factory=lambda: MappingProxyType(
            {"semantic": 365.0, "episodic": 90.0, "procedural": 730.0}
        )
    )
    text_limit: int = 30
    vector_limit: int = 30
    fact_limit: int = 15
    neighbours: int = 2
    seeds: int = 20


DEFAULT: Final = Recipe()

ABLATIONS: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            replace(DEFAULT, name="without text", text=0.0),
            replace(DEFAULT, name="without related terms", related=0.0),
            replace(DEFAULT, name="without vector", vector=0.0),
            replace(DEFAULT, name="without neighbours", near=0.0, far=0.0, reply=0.0),
            replace(DEFAULT, name="without session", session=0.0),
            replace(DEFAULT, name="without speaker", speaker=0.0, asker=0.0),
            replace(DEFAULT, name="without time", time=0.0, dated=0.0),
            replace(DEFAULT, name="without answer", answer=0.0),
            replace(DEFAULT, name="without epithets", epithet=0.0),
            replace(DEFAULT, name="without form", asking=0.0, length=0.0),
            replace(DEFAULT, name="without recency", recency=0.0),
            replace(DEFAULT, name="without restatements", restated=0.0),
            replace(DEFAULT, name="without importance", importance=0.0),
            replace(DEFAULT, name="without reading", read=0),
            replace(DEFAULT, name="without plausibility", plausible=0),
        )
    }
)
"""The default recipe with one arm switched off each."""

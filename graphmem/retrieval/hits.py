"""What a caller gets of a ranked memory: its words, and in words why it is a hit.

Knows no store and no score's making, only which arms there are.
"""

from typing import Final

from graphmem.models import Hit
from graphmem.retrieval.query import Query
from graphmem.retrieval.rank import Ranked
from graphmem.retrieval.reorder import ARM

_WORTH_TELLING: Final = 0.1  # arms that made less of the score are left out of the reason


def hit_of(item: Ranked, text: str, query: Query) -> Hit:
    """Return the hit; ``query`` is told with the terms of all its wordings."""
    found = item.candidate
    return Hit(
        id=found.id,
        kind=found.kind,
        text=text,
        score=item.score,
        confidence=found.confidence,
        valid_from=found.valid_from,
        valid_to=found.valid_to,
        occurred_at=found.occurred_at,
        recorded_at=found.recorded_at,
        event_ids=item.event_ids,
        session_id=found.session_id,
        author=found.author,
        source_class=found.source_class,
        type=found.type,
        ended=item.ended,
        partly_ended=found.partly_ended,
        status=found.status,
        arms=item.arms,
        reason=reason(item, query),
    )


def reason(item: Ranked, query: Query) -> str:
    """Say in words why this is a hit, the weightiest reason first."""
    found = item.candidate
    words = frozenset(found.terms.split())
    matched = ", ".join(term for term in query.terms if term in words)
    told = {
        "text": f"text match ({matched})",
        "vector": f"similar in meaning ({found.cosine or 0.0:.2f})",
        "neighbours": "next to a match",
        "session": "in a session that fits",
        "speaker": f"said by {found.author or found.role}",
        "time": "fits the time asked for",
        "answer": "says what is asked of whom the question means",
        "epithet": "somebody is called as in the question",
        "plausible": "looks like the answer",
        "fact": "a fact read from it fits",
    }
    parts = [
        told[arm]
        for arm, share in sorted(item.arms.items(), key=lambda arm: (-arm[1], arm[0]))
        if arm in told and share >= _WORTH_TELLING * item.score
    ]
    if ARM in item.arms:
        parts.append("placed by the reranker")
    if item.ended:
        parts.append("has ended")
    if found.partly_ended:
        parts.append("some of it has ended")
    if found.status == "conflict":
        parts.append("contradicted by another source")
    return "; ".join(parts) or "nothing fits better"

"""How far a statement is believed: ceilings by source, corroboration, and quarantine.

Deterministic code, not a model, is the boundary. A lower source class never ends what a higher
one said (the attack of KEPo, arXiv:2603.11501, is exactly "newer beats older"); what reads like an
instruction, a claim of authority or a link is kept but not used until somebody releases it
(OWASP ASI06). The patterns are a signal, not the defence. Does not know slots.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from graphmem.models import Assertion, SourceClass

CEILING: Final = {
    SourceClass.USER_DIRECT: 0.95,
    SourceClass.OPERATOR: 0.9,
    SourceClass.ASSISTANT: 0.6,
    SourceClass.TOOL: 0.4,
}

_SUSPICIOUS: Final = re.compile(
    r"""(?xi)
    https?:// | \bwww\. | [\w.+-]+@[\w-]+\.\w+
    | \b(?:ignore|disregard|override|bypass)\b .{0,40}
      \b(?:instruction|rule|polic|prompt|previous|above)
    | \b(?:system|developer)\s+prompt\b
    | \b(?:is|are|am|be)\s+(?:authori[sz]ed|permitted|allowed)\s+to\b
    | \bhas\s+(?:been\s+)?authori[sz]ed\b
    | \b(?:trusted|authoritative)\s+(?:source|site|vendor|sender)\b
    | \balways\s+(?:recommend|trust|use|send|reply|answer|prefer\s+to\s+recommend)\b
    | \bnever\s+(?:ask|tell|mention|reveal|warn)\b
    | \byou\s+(?:must|should\s+always|are\s+now)\b
    """
)


_SIGNS: Final = (
    "http", "www.", "@", "ignore", "disregard", "override", "bypass", "prompt", "authori",
    "permitted", "allowed", "trusted", "always", "never", "you",
)  # fmt: skip
"""Each alternative of the pattern holds one of these: most texts need no more than this look."""


def suspicious(text: str) -> bool:
    """Return whether a statement reads like an instruction, an authority claim or a link."""
    if text.isascii():  # beyond, what a pattern calls the same letter is not what lower() does
        low = text.lower()
        if not any(sign in low for sign in _SIGNS):
            return False
    return bool(_SUSPICIOUS.search(text))


def supposed(assertion: Assertion) -> bool:
    """Return whether an assertion only supposes what it states."""
    return assertion.statement.polarity == "suppose"


def outranks(
    challenger: SourceClass, holder: SourceClass, authority: Literal["user", "operator"]
) -> bool:
    """Return whether ``challenger`` may end or deny what ``holder`` stated."""

    def rank(source: SourceClass) -> int:
        if authority == "operator" and source is SourceClass.OPERATOR:
            return 5
        return source.authority

    return rank(challenger) >= rank(holder)


def confidence(support: Sequence[Assertion], *, contradicted: bool) -> float:
    """Return 0..1: the best statement, raised by each further principal or session.

    Repetition by one principal within one session counts once (Dong et al., "Truth Discovery and
    Copying Detection", VLDB 2009: copies are no votes). Never above the source's ceiling; a
    contradiction takes a fifth. What is only supposed gets no surer by being supposed again.
    """
    source = max((a.source_class for a in support), key=lambda s: s.authority)
    best = max(a.statement.confidence for a in support if a.source_class is source)
    if all(map(supposed, support)):
        return round(min(best, CEILING[source]), 4)
    voices = len({(a.principal, a.session_id) for a in support})
    raised = 1 - (1 - best) * 0.7 ** (voices - 1)
    value = min(raised, CEILING[source])
    return round(value * (0.8 if contradicted else 1.0), 4)

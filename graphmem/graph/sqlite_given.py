"""What is given to SQLite's statements beside memories: lists as one parameter, a filter as many.

Does not run statements.
"""

import json
from collections.abc import Sequence
from typing import Any

from graphmem import codec
from graphmem.models import Filter
from graphmem.times import BEGINNING, FOREVER, end_us, start_us, to_us


def array(values: Sequence[str] | Sequence[int]) -> str:
    """Return a list as the JSON that ``json_each`` reads: lists reach SQL as one parameter."""
    return json.dumps(list(values))


def filter_keys(f: Filter) -> dict[str, Any]:
    """Return the parameters of the filter fragments."""
    by_episode = bool(f.session or f.metadata or f.occurred_from or f.occurred_to)
    return {
        "f_kinds": array(f.kinds) if f.kinds is not None else None,
        "f_type": f.type,
        "f_topic": f.topic,
        "f_predicate": f.predicate,
        "f_source": f.source.value if f.source else None,
        "f_session": f.session,
        "f_entity": f.entity,
        "f_importance": f.min_importance,
        "f_confidence": f.min_confidence,
        "f_occurred_from": start_us(f.occurred_from),
        "f_occurred_to": end_us(f.occurred_to),
        "f_valid_from": BEGINNING - 1 if f.valid_from is None else to_us(f.valid_from),
        "f_valid_to": FOREVER + 1 if f.valid_to is None else to_us(f.valid_to),
        "f_recorded_from": start_us(f.recorded_from),
        "f_recorded_to": end_us(f.recorded_to),
        "f_metadata": codec.dumps(dict(f.metadata)) if f.metadata is not None else None,
        "f_by_episode": int(by_episode),
    }

"""Candidates from Neo4j: all arms of one question in one statement and one record.

Chooses how vectors are searched, see decision 0026: by an index that knows scopes and clocks, by
one that does not, or by looking at every vector of the scopes. Nothing is ranked here. Does not
know how candidates are fused.
"""

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from neo4j.vector import Vector as TypedVector

from graphmem.errors import EmbeddingMismatch
from graphmem.graph import neo4j_rows as rows
from graphmem.graph import rows as values
from graphmem.graph.neo4j_connection import Connection, StoreFault, Values
from graphmem.graph.neo4j_schema import Model
from graphmem.models import CandidatePool, CandidateQuery, Filter, MemoryKind, Scope, Vector
from graphmem.retrieval.columns import Columns, Fixed
from graphmem.retrieval.seeds import RANK_OFFSET
from graphmem.times import to_us

_SIMILARITY: Final = re.compile(
    r"vector\.similarity\.cosine\((\w+\.embedding___slot__), \$vector\)"
)
_PARAMETER: Final = re.compile(r"\$(\w+)")
_WORD: Final = re.compile(r"[0-9A-Za-z\u0080-\U0010ffff]+")
_MOST: Final = 1000  # matches that the engine hands over, before the clocks and the filter
_KINDS: Final[tuple[MemoryKind, ...]] = ("episode", "fact")
_TWICE: Final = 2  # so many times what is kept an engine hands over,
_LEAST: Final = 40  # and so many however few are kept
_MOST_SCOPES: Final = 10_000  # whose sizes are remembered
_FEW: Final = 300  # items in which it costs nothing
_MOST_OVER: Final = 2000
_WIDER: Final = 4  # so many times more is asked of an index that gave too little
_SIZES_FOR_S: Final = 30.0  # how much there is to search is asked this seldom
_INDEXED: Final = ("kinds", "occurred_from", "occurred_to")
_ANY: Final = Filter()


@dataclass(frozen=True, slots=True)
class _Sizes:
    here: int
    everywhere: int
    asked_at: float


class Finder:
    """Answers CandidateQueries from one database.

    ``filtered`` says that the vector indexes know scopes and clocks, and that vectors are values of
    their own. ``exact`` has every vector of a scope looked at, whatever its size: for tests that
    compare stores.
    """

    def __init__(
        self,
        connection: Connection,
        statements: Mapping[str, str],
        *,
        filtered: bool,
        exact: bool = False,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._statement = statement_of(statements, filtered=filtered)
        self._plain = self._statement
        for kind in _KINDS:
            self._plain = self._plain.replace(statements[f"fragment/{kind}_filter"], "true")
        # A time that nothing asks for costs as much as one that is: 50 µs to pack.
        self._asked_plainly = frozenset(_PARAMETER.findall(self._plain))
        self._sizes_statement = statements["read/sizes"]
        self._filtered = filtered
        self._exact = exact
        self._timer = timer
        self._sizes: dict[tuple[str, ...], _Sizes] = {}
        self._many: set[tuple[str, ...]] = set()  # scopes that were seen to hold more than a few

    async def find(
        self, scopes: Sequence[Scope], query: CandidateQuery, model: Model
    ) -> CandidatePool:
        """Return the pool; see ``GraphStore.candidates``. ``model`` is the active one."""
        keys = _keys(scopes, query, dimension=model.dimension if self._filtered else None)
        levels = tuple(keys["scopes"])
        by_vector = keys["vector"] is not None
        exact = by_vector and (self._exact or _narrow(query.filter))
        over = dict.fromkeys(_KINDS, 0)
        if by_vector and not exact and not self._filtered:
            sizes = await self._sizes_of(levels)
            share = max(sizes.everywhere, 1) / max(sizes.here, 1)
            over = {kind: _looked_at(query.limits(kind)[1] * share) for kind in _KINDS}
            # Where an index would have to hand over as many as there are here, it helps nobody.
            exact = sizes.here <= over["episode"]
        statement = self._plain if query.filter == _ANY else self._statement
        statement = statement.replace("__slot__", model.slot).replace(
            "__reach__", str(int(query.neighbours))
        )
        # One that has lost most since: the worst is the fault that is gone round below.
        few = 0 if levels in self._many else _FEW
        keys |= {"exact": exact, "few": few}
        keys |= {f"{kind}_over": min(_MOST_OVER, over[kind]) for kind in _KINDS}
        if query.filter == _ANY:
            keys = {name: keys[name] for name in self._asked_plainly}
        try:
            found = await self._connection.run(statement, keys)
        except StoreFault:
            # Neo4j 2026.08 fails inside Lucene where few of an index's rows pass and some are gone.
            if exact or not by_vector:
                raise
            found = await self._connection.run(statement, keys | {"exact": True})
        if over["episode"] and not exact:
            # Others stand nearer, or the index gave up a part of itself too early: what is left is
            # too little to be this scope's nearest. Asked for more it looks further, at a
            # hundredth of what it costs to look at every vector of a large scope.
            further: list[dict[str, Any]] = [*_wider(keys), {"exact": True}]
            for more in further:
                if not _starved(found, keys, query):
                    break
                found = await self._connection.run(statement, keys | more)
        if few and not found["few_episodes"] and not found["few_facts"]:
            if len(self._many) > _MOST_SCOPES:
                self._many.clear()
            self._many.add(levels)
        if by_vector and found["model"] != query.model_id:
            raise EmbeddingMismatch(found["model"] or "none", query.model_id or "none")
        return CandidatePool(
            candidates=_columns_of(found, query, frozenset(levels), searched=by_vector),
            version=found["version"],
        )

    async def _sizes_of(self, scopes: tuple[str, ...]) -> _Sizes:
        known = self._sizes.get(scopes)
        if known is None or self._timer() - known.asked_at > _SIZES_FOR_S:
            found = await self._connection.run(self._sizes_statement, {"scopes": list(scopes)})
            known = _Sizes(found["here"], found["everywhere"], self._timer())
            if len(self._sizes) > _MOST_SCOPES:
                self._sizes.clear()
            self._sizes[scopes] = known
        return known


def statement_of(statements: Mapping[str, str], *, filtered: bool) -> str:
    """Return the statement of recall; ``filtered`` as of ``Finder``."""
    statement = statements["read/candidates"]
    if filtered:
        for kind in _KINDS:
            statement = statement.replace(
                statements[f"fragment/{kind}_near_index"],
                statements[f"fragment/{kind}_near_filtered"],
            )
        typed = statements["fragment/similarity_typed"]
        statement = _SIMILARITY.sub(lambda m: typed.replace("item.embedding", m[1]), statement)
    return statement


def _wider(keys: Values) -> Iterator[dict[str, Any]]:
    """Yield what asks an index for more than ``keys`` do, where it would hand over more."""
    over = {f"{kind}_over": keys[f"{kind}_over"] for kind in _KINDS}
    more = {name: min(_MOST_OVER, _WIDER * asked) for name, asked in over.items()}
    if more != over:
        yield more


def _starved(found: Values, keys: Values, query: CandidateQuery) -> bool:
    """Return whether a vector arm found less of a kind than it may, and there is more of it."""
    return any(
        keys[f"f_{kind}s"]
        and found[f"near_{kind}s"] < query.limits(kind)[1]
        and not found[f"few_{kind}s"]
        for kind in _KINDS
    )


def _narrow(f: Filter) -> bool:
    """Return whether a filter asks what no vector index knows: it could leave nothing over."""
    return replace(f, **dict.fromkeys(_INDEXED)) != _ANY


def _keys(
    scopes: Sequence[Scope], query: CandidateQuery, *, dimension: int | None
) -> dict[str, Any]:
    """Return a question's parameters; with ``dimension`` its vector as a value of that type."""
    levels = sorted({scope.key for scope in scopes})
    words = list(dict.fromkeys(w for t in query.terms for w in _WORD.findall(t)))
    asked = rows.filter_keys(query.filter)
    as_of = rows.bounded(query.as_of, rows.FOREVER_AT)
    vector: list[float] | TypedVector | None = None
    if query.vector is not None and query.model_id is not None and np.any(query.vector):
        vector = query.vector.tolist() if dimension is None else _typed(query.vector)
    # Our own terms and nothing else: no text of a user reaches a query parser.
    matching = " ".join(f'"{token}"' for level in levels for token in rows.tokens(level, words))
    kept: dict[str, int] = {}
    for kind in _KINDS:
        text, near = query.limits(kind)
        kept |= {f"{kind}_text": text, f"{kind}_handed": _looked_at(text)}
        kept |= {f"{kind}_vector": near, f"{kind}_beam": _looked_at(near)}
    return (asked | kept) | {
        "scopes": levels,
        "as_of": as_of,
        "known_at": rows.bounded(query.known_at, rows.FOREVER_AT),
        "alive": rows.BEGINNING_AT if query.ended else as_of,
        "last": min(as_of, asked["f_occurred_to"] - rows.TICK),
        "match": matching if words and levels and query.text_limit > 0 else None,
        "padded": [f" {term} " for term in dict.fromkeys(query.terms)],
        "most": _MOST,
        "k1": 1.2,
        "b": 0.75,
        "rank_offset": RANK_OFFSET,
        "seeds": query.seeds,
        "vector": vector if query.vector_limit > 0 else None,
        "dimension": dimension or 1,  # of no model, nothing has a vector
    }


def _looked_at(kept: float) -> int:
    """Return how many an engine hands over, for what is exact to choose so many from."""
    return max(_LEAST, int(_TWICE * kept))


def _typed(vector: Vector) -> TypedVector:
    return TypedVector.from_numpy(vector)  # pyright: ignore[reportUnknownMemberType]  # untyped


def _columns_of(
    found: Values, query: CandidateQuery, levels: Collection[str], *, searched: bool
) -> Columns:
    as_of, known_at = to_us(query.as_of), to_us(query.known_at)
    windows: dict[str, float] = {}
    for episode, similarity in found["windows"]:
        if similarity is not None:
            windows[episode] = max(similarity, windows.get(episode, 0.0))
    fixed: list[Fixed] = []
    cosines: list[float | None] = []
    endings: list[tuple[bool, bool]] = []
    for candidate, slot, spans, similarity in found["episodes"]:
        row = rows.candidate_of(candidate, slot)
        if row[8] > as_of or row[9] > known_at or row[2] not in levels:
            continue  # what stands beside an episode is not asked for its time
        best = windows.get(row[0]) if windows else None
        if best is not None and similarity is not None:
            similarity = max(best, similarity)
        fixed.append(row)
        cosines.append(_cosine(similarity, searched))
        held = None if slot is None else _spans(spans or ())
        endings.append(values.ending(held, as_of=as_of, known_at=known_at, said_at=row[8]))
    for candidate, seq, session, author, occurred, similarity in found["facts"]:
        row = rows.candidate_of(candidate)
        if occurred is not None:
            row = (*row[:4], seq, session, author, None, occurred, *row[9:])
        fixed.append(row)
        cosines.append(_cosine(similarity, searched))
        endings.append((False, False))
    return Columns(fixed, cosine=cosines, endings=endings)


def _cosine(similarity: float | None, searched: bool) -> float | None:
    return None if similarity is None or not searched else 2.0 * similarity - 1.0


def _spans(numbers: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return in threes what is stored in a row: recorded, retired, end, and so on."""
    return list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))

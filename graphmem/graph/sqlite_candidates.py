"""Candidates from a SQLite file: the arms of one question on one snapshot.

Each arm finds row numbers; the union is widened along NEXT and read once. Nothing is ranked here
but to cut an arm to its limit. Does not know how candidates are fused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from graphmem.errors import EmbeddingMismatch
from graphmem.graph import sqlite_rows as rows
from graphmem.graph.vectors import Matrices, Matrix, best, build
from graphmem.models import Candidate, CandidatePool, CandidateQuery, Fact, Scope, SourceClass
from graphmem.retrieval.rank import bm25
from graphmem.sqlite.connection import Transaction
from graphmem.sqlite.times import bound, from_us, to_us

_HANDED_OVER: Final = 2000  # so many matches are scored by us; beyond, the engine's rank cuts
_CUT: Final = 500
_WORD: Final = re.compile(r"[0-9A-Za-z\u0080-\U0010ffff]+")

Keys = dict[str, Any]


class Finder:
    """Answers CandidateQueries; keeps the matrices of the scopes used last."""

    def __init__(self, sql: Mapping[str, str], matrices: Matrices) -> None:
        self._sql = sql
        self._matrices = matrices

    def find(self, c: Transaction, scopes: Sequence[Scope], query: CandidateQuery) -> CandidatePool:
        """Return the pool; see ``GraphStore.candidates``."""
        known = rows.by_key(scopes)
        keys: Keys = {
            **rows.filter_keys(query.filter),
            "scopes": rows.array(list(known)),
            "as_of": to_us(query.as_of),
            "known_at": to_us(query.known_at),
            "ended": int(query.ended),
        }
        versions = dict(c.rows(self._sql["scope_versions"], keys))
        episodes: set[int] = set()
        facts: set[int] = set()
        if words := _words(query.terms):
            match = _match(list(known), words)
            episodes |= self._text(c, "match_episodes", match, keys, query)
            facts |= self._text(c, "match_facts", match, keys, query)
        matrices = self._load(c, list(known), versions, query.model_id)
        cosine: dict[str, float] = {}
        if query.vector is not None:
            ranked, cosine = best(matrices, query.vector)
            episodes |= self._nearest(c, ranked, "episode", keys, query.vector_limit)
            facts |= self._nearest(c, ranked, "fact", keys, query.vector_limit)
        hops = self._named(c, keys, query)
        facts |= set(hops)
        if episodes and query.neighbours:
            near = keys | {"ns": rows.array(sorted(episodes)), "reach": query.neighbours}
            episodes |= {r[0] for r in c.rows(self._sql["neighbours"], near)}
        found = self._episodes(c, episodes, cosine, keys)
        found += self._facts(c, facts, cosine, hops)
        return CandidatePool(
            candidates=tuple(found),
            total=sum(len(m.items) for m in matrices),
            version=sum(versions.values()),
        )

    def facts(self, c: Transaction, ns: Sequence[int], known: rows.Scopes) -> list[Fact]:
        """Return whole facts by row number."""
        found: list[Fact] = []
        for n in ns:
            row = c.one(self._sql["fact_by_n"], {"n": n})
            if row is not None:
                found.append(rows.fact_of(row, known))
        return found

    # the arms -------------------------------------------------------------------------------

    def _text(
        self, c: Transaction, name: str, match: str, keys: Keys, query: CandidateQuery
    ) -> set[int]:
        asked = keys | {"match": match, "cap": _HANDED_OVER + 1}
        found = c.rows(self._sql[name], asked)
        if len(found) > _HANDED_OVER:
            asked["cap"] = _CUT
            found = c.rows(self._sql[f"{name}_ranked"], asked)
        if len(found) <= query.text_limit:
            return {r[0] for r in found}
        scores = bm25(query.terms, [r[1] for r in found])
        order = np.lexsort(([r[0] for r in found], -scores))
        return {found[i][0] for i in order[: query.text_limit]}

    def _load(
        self,
        c: Transaction,
        scopes: Sequence[str],
        versions: Mapping[str, int],
        model: str | None,
    ) -> list[Matrix]:
        active = c.one(self._sql["active_model"])
        if active is None or model is None:
            return []
        key, stored, dimension = active
        if stored != model:
            raise EmbeddingMismatch(stored, model)

        def load(scope: str) -> Callable[[], Matrix]:
            asked = {"scope": scope, "model": key}
            return lambda: build(c.rows(self._sql["load_vectors"], asked), dimension)

        return [
            self._matrices.get(scope, key, versions[scope], load(scope))
            for scope in scopes
            if scope in versions
        ]

    def _nearest(
        self,
        c: Transaction,
        ranked: Sequence[tuple[float, str, str]],
        kind: str,
        keys: Keys,
        limit: int,
    ) -> set[int]:
        """Return the nearest items of a kind that pass the filter, asking for more as needed."""
        sql = self._sql[f"live_{kind}s"]
        order = [item for _, item, k in ranked if k == kind]
        found: set[int] = set()
        start, step = 0, limit + limit // 4
        while start < len(order) and len(found) < limit:
            ids = order[start : start + step]
            n_of: dict[str, int] = {i: n for n, i in c.rows(sql, keys | {"ids": rows.array(ids)})}
            found |= set([n_of[i] for i in ids if i in n_of][: limit - len(found)])
            start, step = start + step, step * 2
        return found

    def _named(self, c: Transaction, keys: Keys, query: CandidateQuery) -> dict[int, int]:
        """Return fact rows by their distance from an entity that the question names."""
        hops: dict[int, int] = {}
        if not query.names or not query.entity_limit:
            return hops
        asked = keys | {"names": rows.array(query.names), "limit": query.entity_limit}
        seen: set[str] = set()
        edge = [r[0] for r in c.rows(self._sql["named_entities"], asked)]
        for hop in range(max(1, query.hops)):
            far: list[str] = []
            for entity in sorted(set(edge) - seen):
                seen.add(entity)
                for n, *ends in c.rows(self._sql["facts_of_entity"], asked | {"entity": entity}):
                    hops.setdefault(n, hop)
                    far += [i for i in ends if i]
            # Beyond the named ones only a bounded step: a hub leads everywhere.
            edge = list(dict.fromkeys(far))[: query.entity_limit]
            asked["limit"] = max(1, query.entity_limit // 5)
        return hops

    # the rows -------------------------------------------------------------------------------

    def _episodes(
        self, c: Transaction, ns: set[int], cosine: Mapping[str, float], keys: Keys
    ) -> list[Candidate]:
        found = c.rows(self._sql["candidate_episodes"], {"ns": rows.array(sorted(ns))})
        ids = {"ids": rows.array([r[0] for r in found])}
        who: dict[str, set[str]] = {}
        for episode, subject, object_ in c.rows(self._sql["candidate_entities"], ids):
            who.setdefault(episode, set()).update(i for i in (subject, object_) if i)
        states = {
            episode: (slot, live)
            for episode, slot, live in c.rows(self._sql["episode_facts"], keys | ids)
        }
        out: list[Candidate] = []
        for r in found:
            slot, live = states.get(r[0], (None, 1))
            out.append(
                Candidate(
                    id=r[0],
                    kind="episode",
                    scope_key=r[1],
                    terms=r[2],
                    cosine=cosine.get(r[0]),
                    seq=r[3],
                    session_id=r[4],
                    author=r[5],
                    role=r[6],
                    occurred_at=from_us(r[7]),
                    recorded_at=from_us(r[8]),
                    slot=slot,
                    confidence=1.0,
                    importance=0.5,
                    source_class=SourceClass(r[9]),
                    type="episodic",
                    episode_ids=(r[0],),
                    event_ids=(r[10],),
                    entity_ids=tuple(sorted(who.get(r[0], ()))),
                    ended=not live,
                )
            )
        return out

    def _facts(
        self, c: Transaction, ns: set[int], cosine: Mapping[str, float], hops: Mapping[int, int]
    ) -> list[Candidate]:
        keys = {"ns": rows.array(sorted(ns))}
        support: dict[int, list[tuple[Any, ...]]] = {}
        for n, *row in c.rows(self._sql["candidate_support"], keys):
            support.setdefault(n, []).append(tuple(row))
        out: list[Candidate] = []
        for r in c.rows(self._sql["candidate_facts"], keys):
            read = support.get(r[0], [])
            first = next((s for s in read if s[2] is not None), None)
            # In parallel: an event's own id is unique in its session only.
            events = {s[0]: s[1] for s in read}
            out.append(
                Candidate(
                    id=r[1],
                    kind="fact",
                    scope_key=r[2],
                    terms=r[3],
                    cosine=cosine.get(r[1]),
                    hop=hops.get(r[0]),
                    seq=first[3] if first else 0,
                    session_id=first[4] if first else "",
                    author=first[5] if first else None,
                    role=None,
                    occurred_at=from_us(
                        max((s[2] for s in read if s[2] is not None), default=r[4])
                    ),
                    recorded_at=from_us(r[4]),
                    valid_from=bound(r[5]),
                    valid_to=bound(r[6]),
                    status=r[7],
                    slot=r[8],
                    confidence=r[9],
                    importance=r[10],
                    source_class=SourceClass(r[11]),
                    type=r[12],
                    episode_ids=tuple(events),
                    event_ids=tuple(events.values()),
                    entity_ids=tuple(i for i in (r[13], r[14]) if i),
                )
            )
        return out


def _match(scopes: Sequence[str], words: Sequence[str]) -> str:
    """Return the full-text expression: our own tokens, quoted, so that none can be syntax."""
    levels = " OR ".join(f'"{s}"' for s in scopes)
    terms = " OR ".join(f'"{w}"' for w in words)
    return f"scope : ({levels}) AND terms : ({terms})"


def _words(terms: Sequence[str]) -> list[str]:
    """Return what the index's tokenizer makes of the terms, a word each and once.

    The analyser's terms are words already. Two in one would be a phrase, which this index (without
    positions) refuses.
    """
    return list(dict.fromkeys(w for t in terms for w in _WORD.findall(t)))

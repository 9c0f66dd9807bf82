"""Candidates from a SQLite file: the arms of one question on one snapshot.

What the arms search is kept in memory by scope, see ``shelves``: vectors, NEXT, the clocks, and
full text once a scope is asked again; the first time FTS5 finds the texts, with the scope inside
the match. SQL is asked for the scopes' versions, for what a filter lets pass, and for the rows of
the final candidates. Nothing is ranked here but to cut an arm to its limit. Does not know how
candidates are fused.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from graphmem.errors import EmbeddingMismatch
from graphmem.graph import rows, vectors
from graphmem.graph import sqlite_given as given
from graphmem.graph.kept import Kept
from graphmem.graph.postings import Text
from graphmem.graph.search import Passing, Search, nearness
from graphmem.graph.shelves import Part, Row, Shelf, chain_of, items_of
from graphmem.graph.vectors import Matrix, Places
from graphmem.models import (
    CandidatePool,
    CandidateQuery,
    Fact,
    Filter,
    Scope,
    SourceClass,
)
from graphmem.retrieval.columns import Columns, Fixed, Floats, Integers, Words
from graphmem.sqlite.connection import Transaction
from graphmem.times import BEGINNING, FOREVER, from_us, to_us

TOLD: Final = 4096  # versions back for which the store lists what went: migration 0004
_DEAD: Final = 256  # rows that have gone and are carried along, or a quarter of all
_HANDED_OVER: Final = 2000  # so many matches of FTS5 are taken; beyond, memory is asked
_WORD: Final = re.compile(r"[0-9A-Za-z\u0080-\U0010ffff]+")
_NOTHING: Final = Filter()
_SOURCES: Final = {source.value: source for source in SourceClass}

Keys = dict[str, Any]
Read = Callable[[Transaction, Keys], dict[int, Row]]


class Finder:
    """Answers CandidateQueries; keeps the parts of the scopes used last."""

    def __init__(self, sql: Mapping[str, str], most_bytes: int) -> None:
        self._sql = sql
        self._parts: Kept[Part] = Kept(most_bytes)

    def find(self, c: Transaction, scopes: Sequence[Scope], query: CandidateQuery) -> CandidatePool:
        """Return the pool; see ``GraphStore.candidates``."""
        known = rows.by_key(scopes)
        keys: Keys = {
            **given.filter_keys(query.filter),
            "scopes": given.array(list(known)),
            "as_of": to_us(query.as_of),
            "known_at": to_us(query.known_at),
            "ended": int(query.ended),
        }
        versions: dict[str, int] = dict(c.rows(self._sql["scope_versions"], keys))
        model = self._model(c, query.model_id)
        parts = [self._part(c, s, versions[s], model) for s in known if s in versions]
        near = nearness(parts, query.vector if model else None)
        filtered = query.filter != _NOTHING
        episodes = Search(
            "episode", parts, near, query, self._passing(c, "live_episodes", keys, filtered)
        )
        facts = Search("fact", parts, near, query, self._passing(c, "live_facts", keys, filtered))
        for side, name in ((episodes, "match_episodes"), (facts, "match_facts")):
            matched = self._matched(c, name, side.shelves, list(known), query.terms)
            side.take_matches(query.terms, matched)
            side.take_nearest()
        episodes.take_neighbours(query.neighbours, query.seeds)
        clocks = {"as_of": keys["as_of"], "known_at": keys["known_at"]}
        until = [s.until(**clocks) for p in parts for s in (p.episodes, p.facts)]
        return CandidatePool(
            candidates=self._read(c, episodes, facts, query),
            version=sum(versions.values()),
            holds_until=_moment(holds for holds, _ in until),
            known_until=_moment(known for _, known in until),
        )

    def facts(self, c: Transaction, ns: Sequence[int], known: rows.Scopes) -> list[Fact]:
        """Return whole facts by row number."""
        found: list[Fact] = []
        for n in ns:
            row = c.one(self._sql["fact_by_n"], {"n": n})
            if row is not None:
                found.append(rows.fact_of(row, known))
        return found

    # loading --------------------------------------------------------------------------------

    def _model(self, c: Transaction, asked: str | None) -> tuple[int, int] | None:
        """Return (key, dimension) of the model asked for; None if there is none to search by."""
        active = c.one(self._sql["active_model"])
        if active is None or asked is None:
            return None
        key, stored, dimension = active
        if stored != asked:
            raise EmbeddingMismatch(stored, asked)
        return key, dimension

    def _part(
        self, c: Transaction, scope: str, version: int, model: tuple[int, int] | None
    ) -> Part:
        key, dimension = model or (-1, 1)
        asked = {"scope": scope, "model": key, "after": -1}

        def make(before: tuple[int, Part] | None) -> Part:
            if before is not None and 0 < version - before[0] <= TOLD:
                grown = self._grown(c, asked, before[0], before[1])
                if grown is not None:
                    return grown
            matrix = vectors.build(c.rows(self._sql["load_vectors"], asked), dimension)
            return Part(
                episodes=_episodes_of(c.rows(self._sql["load_episodes"], asked), matrix),
                facts=_facts_of(c.rows(self._sql["load_facts"], asked), matrix),
                matrix=matrix,
            )

        return self._parts.get((scope, model and model[0]), version, make)

    def _grown(self, c: Transaction, asked: Keys, since: int, old: Part) -> Part | None:
        """Return a part brought up to date by what has changed; None where to load it is better.

        What is here now and was not then has a higher number than all that was here throughout: a
        number is given out again only when all from it upwards have gone. An episode goes when it
        is erased: then all is loaded anew, and nothing of it stays in memory.
        """
        gone: dict[str, set[int]] = {"episode": set(), "fact": set(), "vector": set()}
        for kind, n in c.rows(self._sql["gone_since"], asked | {"since": since}):
            gone[kind].add(n)
        dead = int(np.count_nonzero(old.facts.n < 0)) + len(gone["fact"])
        if gone["episode"] or dead > max(_DEAD, len(old.facts.n) // 4):
            return None
        matrix = old.matrix.without(gone["vector"])
        if matrix is None or int(np.count_nonzero(matrix.numbers < 0)) > max(
            _DEAD, len(matrix.numbers) // 4
        ):
            return None

        def after(name: str, ns: Integers, without: set[int]) -> list[Row]:
            left = ns[~np.isin(ns, list(without))] if without else ns
            return c.rows(self._sql[name], asked | {"after": int(left.max(initial=-1))})

        matrix = matrix.plus(after("load_vectors", matrix.numbers, set()))
        if matrix is None:
            return None
        return old.grown(
            _episodes_of(after("load_episodes", old.episodes.n, set()), matrix),
            _facts_of(after("load_facts", old.facts.n, gone["fact"]), matrix),
            matrix,
            gone=gone["fact"],
            moved=bool(gone["vector"]),
        )

    def _matched(
        self,
        c: Transaction,
        name: str,
        shelves: Sequence[Shelf],
        scopes: Sequence[str],
        terms: Sequence[str],
    ) -> Integers | None:
        """Return the numbers of all that hold a term, by FTS5; None where memory is to be asked.

        That is on the second question to a shelf, and where there are more matches than are worth
        handing over: no engine's rank, which other scopes would move, cuts them.
        """
        wanted = [shelf.text.wanted() for shelf in shelves]
        words = _words(terms)
        if all(wanted) or not words:
            return None
        found = c.rows(self._sql[name], {"match": _match(scopes, words), "cap": _HANDED_OVER + 1})
        return None if len(found) > _HANDED_OVER else _times([r[0] for r in found])

    # the rows -------------------------------------------------------------------------------

    def _passing(self, c: Transaction, name: str, keys: Keys, filtered: bool) -> Passing | None:
        """Return what asks a statement which numbers pass the filter; None if all do."""

        def passing(ns: Integers) -> Integers:
            found = c.rows(self._sql[name], keys | {"ns": given.array(ns.tolist())})
            return np.array([r[0] for r in found], dtype=np.int64)

        return passing if filtered else None

    def _read(
        self,
        c: Transaction,
        episodes: Search,
        facts: Search,
        query: CandidateQuery,
    ) -> Columns:
        """Return the rows of all that was found, read where no shelf remembers them."""
        fixed: list[Fixed] = []
        cosines: list[float | None] = []
        endings: list[tuple[bool, bool]] = []
        counts: list[Floats] = [np.zeros((len(query.terms), 0))]
        lengths: list[Floats] = []
        as_of, known_at = to_us(query.as_of), to_us(query.known_at)
        for side, read in ((episodes, self._read_episodes), (facts, self._read_facts)):
            for shelf, places, near in side.found():
                ns: list[int] = shelf.n[places].tolist()
                whole = self._rows(c, shelf, places, ns, read)
                fixed += [row[0] for row in whole]
                endings += [
                    rows.ending(times, as_of=as_of, known_at=known_at, said_at=row[8])
                    for row, times in whole
                ]
                cosines += near
                if shelf.text.indexed:
                    counts.append(shelf.text.postings.count(query.terms, places))
                    lengths.append(shelf.text.postings.lengths[places])
        words = Words(query.terms, np.hstack(counts), np.concatenate([np.zeros(0), *lengths]))
        if len(words.lengths) < len(fixed):
            words = None  # a shelf without an index: ranking counts for itself
        return Columns(fixed, cosine=cosines, endings=endings, words=words)

    def _rows(
        self, c: Transaction, shelf: Shelf, places: Places, ns: Sequence[int], read: Read
    ) -> list[Row]:
        """Return rows by number, from the shelf's memory where it has them.

        None is missing: the shelf is of the version that this snapshot has.
        """
        found = {n: row for n in ns if (row := shelf.known.get(n)) is not None}
        if len(found) < len(ns):
            held: list[int] = places.tolist()
            asked = {n: shelf.ids[at] for at, n in zip(held, ns, strict=True) if n not in found}
            keys = {"ns": given.array(list(asked)), "ids": given.array(list(asked.values()))}
            fresh = read(c, keys)
            shelf.remember(fresh)
            found |= fresh
        return [found[n] for n in ns]

    def _read_episodes(self, c: Transaction, asked: Keys) -> dict[int, Row]:
        stated = _grouped(c.rows(self._sql["candidate_statements"], {"ids": asked["ids"]}))
        found = c.rows(self._sql["candidate_episodes"], {"ns": asked["ns"]})
        return {r[0]: _episode(r, stated.get(r[1], ())) for r in found}

    def _read_facts(self, c: Transaction, asked: Keys) -> dict[int, Row]:
        asked = {"ns": asked["ns"]}
        support = _grouped(c.rows(self._sql["candidate_support"], asked))
        found = c.rows(self._sql["candidate_facts"], asked)
        return {r[0]: _fact(r, support.get(r[0], ())) for r in found}


def _moment(times: Iterable[int]) -> datetime:
    """Return the first of these times; where there is none, the store's end of time."""
    return from_us(min((FOREVER, *times)))


def _grouped(found: Iterable[Row]) -> dict[Any, list[Row]]:
    """Return rows by their first column."""
    groups: dict[Any, list[Row]] = {}
    for row in found:
        groups.setdefault(row[0], []).append(row)
    return groups


# what is loaded of a scope ----------------------------------------------------------------------


def _columns(found: Sequence[Row], count: int) -> list[tuple[Any, ...]]:
    return list(zip(*found, strict=True)) if found else [()] * count


def _times(values: Sequence[int]) -> Integers:
    return np.array(values, dtype=np.int64)


def _episodes_of(found: Sequence[Row], matrix: Matrix) -> Shelf:
    n, ids, terms, occurred, recorded, session, seq = _columns(found, 7)
    return Shelf(
        n=_times(n),
        ids=ids,
        text=Text(terms),
        item=items_of(ids, matrix),
        order=np.argsort(_times(n)),
        recorded=_times(recorded),
        begins=_times(occurred),
        chain=chain_of(session, seq),
    )


def _facts_of(found: Sequence[Row], matrix: Matrix) -> Shelf:
    n, ids, terms, recorded, retired, valid_from, valid_to = _columns(found, 7)
    return Shelf(
        n=_times(n),
        ids=ids,
        text=Text(terms),
        item=items_of(ids, matrix),
        order=np.argsort(_times(n)),
        recorded=_times(recorded),
        begins=_times(valid_from),
        retired=_times(retired),
        ends=_times(valid_to),
    )


# what is read of a candidate: the same for every question ---------------------------------------

Times = tuple[tuple[int, int, int], ...]


def _episode(r: Row, stated: Sequence[Row]) -> tuple[Fixed, Times | None]:
    """Return an episode's columns, and (recorded, retired, ended) of the facts it is behind.

    Those are the facts that it affirms; None where it affirms nothing.
    """
    slot, times = None, None
    affirmed = [s for s in stated if s[1] is not None]
    if affirmed:
        slot = max([s[1] for s in affirmed])
        times = tuple({s[2:5] for s in affirmed if s[2] is not None})
    return (
        r[1],
        "episode",
        *r[2:10],
        None,
        None,
        "active",
        slot,
        1.0,
        0.5,
        _SOURCES[r[10]],
        "episodic",
        (r[1],),
        (r[11],),
        None,
    ), times


def _fact(r: Row, support: Sequence[Row]) -> tuple[Fixed, None]:
    """Return a fact version's columns; it stands where the first of its episodes does."""
    read = [s for s in support if s[3] is not None]
    # In parallel: an event's own id is unique in its session only.
    events = {s[1]: s[2] for s in support}
    seq, session, author = read[0][4:7] if read else (0, "", None)
    return (
        r[1],
        "fact",
        r[2],
        r[3],
        seq,
        session,
        author,
        None,
        max((s[3] for s in read), default=r[4]),
        r[4],
        r[5] if r[5] != BEGINNING else None,
        r[6] if r[6] != FOREVER else None,
        r[7],
        r[8],
        r[9],
        r[10],
        _SOURCES[r[11]],
        r[12],
        tuple(events),
        tuple(events.values()),
        None,
    ), None


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

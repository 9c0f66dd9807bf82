"""Speed of both stores, all figures from one run: ``python -m tests.bench``.

Prints p50, p95 and p99 in milliseconds, rates a second, statements, round trips and bytes. Nothing
here asserts a time. The embedding of a question is measured apart from recall. The default takes a
minute or two; the sizes that the targets speak of are given by flag, want some 8 KB of disk a fact
in ``--folder`` (Neo4j 20), and over an hour: ``--facts 1000 20000 100000 --scopes 1000 --per-scope
1000 --neo4j 2026 5.26``. With ``--write`` the figures also go into a page, with the machine and the
command that gave them.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from graphmem import Scope
from graphmem.testing.neo4j.jars import RELEASES, Line
from tests.bench import embedded, neo4j
from tests.bench.load import WordEmbedder
from tests.bench.report import Report


async def run(given: argparse.Namespace) -> None:
    report = Report()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder, embedder = Path(name), WordEmbedder(given.dimension)
        await embedded.append(report, folder, embedder)
        await embedded.writing(report, folder, given.events)
        for n in given.facts:
            report.pace()
            await embedded.one_scope(report, folder, n, embedder)
    for line in given.neo4j or ():
        await in_neo4j(report, line, given, embedder)
    if given.scopes > 1:
        # Last: the gigabytes that are kept for it are missing to a server's files ever after.
        report.pace()
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            await embedded.many_scopes(
                report, Path(name), given.scopes, given.per_scope, embedder, given.keep_mb
            )
    page = report.end()
    if given.write is not None:
        await asyncio.to_thread(given.write.write_text, page, encoding="utf-8")


async def in_neo4j(
    report: Report, line: Line, given: argparse.Namespace, embedder: WordEmbedder
) -> None:
    """Measure one line, alone: two servers beside each other would share the cores.

    With a log of its own: what one has consolidated, the other has not.
    """
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        own = (given.keep or Path(name)) / line
        await asyncio.to_thread(own.mkdir, parents=True, exist_ok=True)
        async with neo4j.started(own, line) as server:
            bench = neo4j.Bench(report, own, server, embedder)
            for held in sizes(given):
                report.pace()
                await bench.measure(held)
            if given.tenants:
                await neo4j.small_tenants(report, server, given.tenants, embedder)


def sizes(given: argparse.Namespace) -> list[neo4j.Held]:
    """Return what a graph in Neo4j is to hold, one after the other."""
    found = [
        neo4j.Held(f"{n:,} facts in one scope", [Scope(user=f"one {n}")], n) for n in given.facts
    ]
    many, each = given.scopes, given.per_scope
    if many > 1:
        users = [Scope(user=f"u{i}") for i in range(many)]
        found.append(neo4j.Held(f"{many * each:,} facts over {many:,} scopes", users, each))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, nargs="*", default=[1000, 5000])
    parser.add_argument("--scopes", type=int, default=30, help="1: no memory of many scopes")
    parser.add_argument("--per-scope", type=int, default=200)
    parser.add_argument("--keep-mb", type=int, help="ask again with so much memory for scopes")
    parser.add_argument("--neo4j", nargs="*", choices=list(RELEASES), help="these lines as well")
    parser.add_argument("--tenants", type=int, default=0, help="vectors of 100 scopes, in Neo4j")
    parser.add_argument("--events", type=int, default=500, help="consolidated, encoder stubbed")
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument(
        "--keep", type=Path, help="leave Neo4j's data here; what is there is not loaded again"
    )
    parser.add_argument("--folder", type=Path, help="where the files are made and removed")
    parser.add_argument("--write", type=Path, help="the page that the figures go into")
    parser.add_argument("--rss", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rss:
        asyncio.run(embedded.grown(Path(given.rss[0]), given.rss[1:], given.dimension))
    else:
        asyncio.run(run(given))


main()

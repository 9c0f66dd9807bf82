"""The command that measures: eval, one study at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer

from graphmem.bootstrap import make_embedder, open_memory, system_clock
from graphmem.cli.options import AsJson, guarded, out, progress, say_json
from graphmem.errors import InvalidInput
from graphmem.manager import MemoryManager

app = typer.Typer()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What a study is run with. ``only`` cuts a data set to its first conversations."""

    data: Path
    path: Path | None
    only: int | None
    ablation: bool
    open_manager: Callable[[], AbstractAsyncContextManager[MemoryManager]]
    tell: Callable[[str, int, int], None]


_Report = tuple[dict[str, Any], Callable[[Mapping[str, Any]], str]]


async def _recall(name: str, given: _Given) -> _Report:
    from graphmem.eval import datasets, runner
    from graphmem.retrieval.recipes import ABLATIONS

    found = await runner.run(
        datasets.load(name, given.data).head(given.only),
        given.open_manager,
        clock=system_clock,
        ablations=ABLATIONS if given.ablation else {},
        progress=given.tell,
    )
    return found, runner.render


async def _temporal(name: str, given: _Given) -> _Report:
    from graphmem.eval import datasets, temporal

    dataset = datasets.load(name, given.data).head(given.only)
    found = await temporal.run(dataset, given.open_manager, clock=system_clock, progress=given.tell)
    return found, temporal.render


async def _updates(name: str, given: _Given) -> _Report:
    from graphmem.eval import datasets, updates

    dataset = datasets.load("beam100k", given.data).head(given.only)
    found = await updates.run(dataset, given.open_manager, clock=system_clock, progress=given.tell)
    return found, updates.render


async def _dialogre(name: str, given: _Given) -> _Report:
    from graphmem.eval import dialogre, dialogues

    found = await dialogre.run(
        dialogues.load_dialogre(given.data)[: given.only], given.open_manager, progress=given.tell
    )
    return found, dialogre.render


async def _characters(name: str, given: _Given) -> _Report:
    from graphmem.eval import characters, dialogues

    cast = dialogues.load_characters(given.data)
    return await characters.run(cast, given.open_manager, progress=given.tell), characters.render


async def _facts(name: str, given: _Given) -> _Report:
    from graphmem.eval import stories

    told = stories.load(given.path, now=system_clock())[: given.only]
    found = await stories.run(told, given.open_manager, clock=system_clock, progress=given.tell)
    return found, stories.render


async def _abstain(name: str, given: _Given) -> _Report:
    from graphmem.eval import abstain, datasets

    dataset = datasets.load("locomo", given.data).head(given.only)
    found = await abstain.run(dataset, given.open_manager, clock=system_clock, progress=given.tell)
    return found, abstain.render


_STUDIES: Final[Mapping[str, Callable[[str, _Given], Awaitable[_Report]]]] = {
    "locomo": _recall,
    "beam100k": _recall,
    "temporal": _temporal,
    "updates": _updates,
    "dialogre": _dialogre,
    "characters": _characters,
    "facts": _facts,
    "abstain": _abstain,
}


@app.command("eval")
def evaluate(
    study: Annotated[str, typer.Argument(help=f"One of {', '.join(_STUDIES)}.")] = "locomo",
    path: Annotated[
        Path | None, typer.Argument(help="A file or folder of stories, for the study of facts.")
    ] = None,
    data: Annotated[Path, typer.Option("--data", help="The folder of the data sets.")] = Path(
        "data"
    ),
    conversations: Annotated[
        int | None,
        typer.Option("--conversations", min=1, help="Only the first so many (not characters)."),
    ] = None,
    ablation: Annotated[
        bool, typer.Option(help="Switch off each arm in turn (locomo, beam100k).")
    ] = True,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Keep embeddings here between runs.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option("--store", help="A store used for this alone; default: a file of its own."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure recall, facts and identity on a data set, through the real store."""
    from graphmem.eval.cached import CachedEmbedder

    async def work() -> _Report:
        chosen = _chosen(study, path)
        with TemporaryDirectory(prefix="graphmem-eval-") as folder, progress() as bar:
            task = bar.add_task("reading", total=None)

            def tell(what: str, done: int, of: int) -> None:
                bar.update(task, description=what, completed=done, total=of)

            def open_manager() -> AbstractAsyncContextManager[MemoryManager]:
                own = f"sqlite:///{Path(folder) / 'eval.db'}"
                # A file holds its log too, so that it can be asked again without another ingestion.
                log = store if store and store.startswith("sqlite:") else own
                return open_memory(store or own, log=log, worker="off", embedder=encoder)

            encoder = CachedEmbedder(make_embedder("onnx"), cache or Path(folder))
            given = _Given(
                data=data,
                path=path,
                only=conversations,
                ablation=ablation,
                open_manager=open_manager,
                tell=tell,
            )
            return await chosen(study, given)

    report, render = guarded(lambda: asyncio.run(work()))
    if as_json:
        say_json(report)
    else:
        out.print(render(report), soft_wrap=True, highlight=False, markup=False)


def _chosen(study: str, path: Path | None) -> Callable[[str, _Given], Awaitable[_Report]]:
    if study not in _STUDIES:
        raise InvalidInput(
            f"study {study!r} is unknown; expected one of {', '.join(sorted(_STUDIES))}"
        )
    if path is not None and study != "facts":
        raise InvalidInput(
            f"study {study!r} reads its data set from --data; it takes no path ({str(path)!r})"
        )
    return _STUDIES[study]

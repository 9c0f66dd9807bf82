"""Is this memory well? Looks, says what it found, changes nothing but what it is asked to.

Does not know which backend it looks at: a store checks its own insides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from graphmem.errors import EmbeddingMismatch
from graphmem.models import Embedding, StreamState
from graphmem.ports import Embedder, GraphStore, SessionStore
from graphmem.retrieval.text import embedded_text

_BATCH: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Complaints, a sentence each, and the streams that wait or stand still.

    ``remarks`` are no complaints; ``repaired`` is what was done before it was looked at.
    """

    complaints: tuple[str, ...]
    streams: tuple[StreamState, ...]
    remarks: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        return not self.complaints


async def examine(sessions: SessionStore, graph: GraphStore, *, repair: bool = False) -> Diagnosis:
    """Check the graph against itself, and the log for streams that stand still.

    With ``repair`` what is derived in the graph is made anew first.
    """
    repaired = await graph.repair() if repair else ()
    complaints = list(await graph.check())
    streams = await sessions.streams(pending=True)
    for stream in streams:
        if stream.parked:
            complaints.append(
                f"user {stream.scope.user!r} of app {stream.scope.app!r} is parked at event "
                f"{stream.done_seq + 1}: {stream.reason}"
            )
        marks = await graph.watermark(stream.stream)
        if marks.get("facts", 0) < stream.done_seq:
            complaints.append(
                f"user {stream.scope.user!r}: the log says {stream.done_seq} events are "
                f"consolidated, the graph knows {marks.get('facts', 0)}"
            )
    return Diagnosis(
        complaints=tuple(complaints),
        streams=tuple(streams),
        remarks=tuple(await graph.remarks()),
        repaired=tuple(repaired),
    )


async def reembed(graph: GraphStore, embedder: Embedder, *, progress: Callable[[int], None]) -> int:
    """Give every item a vector of this embedder, then switch to it; return how many were made.

    Online: recall goes on with the old model until the switch, which happens in one transaction
    and only when nothing lacks its new vector. ``progress`` is told the size of each batch.
    """
    made = 0
    while True:
        items = await graph.unembedded(embedder.model_id, limit=_BATCH)
        if not items:
            if await graph.adopt_model(embedder.model_id, embedder.dimension):
                return made
            continue
        texts: list[str] = []
        owners: list[int] = []
        for i, (_, kind, text, author, occurred_at) in enumerate(items):
            windows: Sequence[str] = (text,)
            if kind == "episode" and occurred_at is not None:
                windows = [embedded_text(author, occurred_at, w) for w in embedder.windows(text)]
            texts += windows
            owners += [i] * len(windows)
        vectors = await embedder.embed(texts, purpose="document")
        if vectors.shape != (len(texts), embedder.dimension):
            raise EmbeddingMismatch(
                f"{embedder.dimension} dimensions", f"an array of shape {vectors.shape}"
            )
        await graph.put_embeddings(
            embedder.model_id,
            [
                Embedding(
                    item_id=item[0],
                    kind=item[1],
                    vectors=vectors[[n for n, owner in enumerate(owners) if owner == i]],
                )
                for i, item in enumerate(items)
            ],
        )
        made += len(items)
        progress(len(items))

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from graphmem.eval.cached import CachedEmbedder
from graphmem.models import Vector
from graphmem.testing.fakes import HashEmbedder


class Counting(HashEmbedder):
    """A HashEmbedder that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str], *, purpose: Literal["query", "document"]) -> Vector:
        self.asked += texts
        return await super().embed(texts, purpose=purpose)


async def test_second_run_asks_the_model_nothing(tmp_path: Path) -> None:
    first = await CachedEmbedder(Counting(), tmp_path).embed(["a b", "c"], purpose="document")
    model = Counting()

    again = await CachedEmbedder(model, tmp_path).embed(["c", "a b", "c"], purpose="document")

    assert model.asked == []
    assert np.array_equal(again, first[[1, 0, 1]])


async def test_only_what_is_missing_is_asked_once(tmp_path: Path) -> None:
    model = Counting()
    cached = CachedEmbedder(model, tmp_path)
    await cached.embed(["a"], purpose="document")

    found = await cached.embed(["a", "b", "b"], purpose="document")

    assert model.asked == ["a", "b"]
    assert found.shape == (3, cached.dimension)
    assert found.dtype == np.float32


async def test_purposes_are_kept_apart(tmp_path: Path) -> None:
    model = Counting()
    cached = CachedEmbedder(model, tmp_path)

    await cached.embed(["a"], purpose="document")
    await cached.embed(["a"], purpose="query")

    assert model.asked == ["a", "a"]


def tear(folder: Path) -> None:
    """Cut the last bytes of the vectors off, as a crash would."""
    (vectors,) = folder.glob("*.f32")
    vectors.write_bytes(vectors.read_bytes()[:-3])


async def test_half_written_rows_are_cut_off(tmp_path: Path) -> None:
    cached = CachedEmbedder(Counting(), tmp_path)
    expected = await cached.embed(["a", "b"], purpose="document")
    tear(tmp_path)
    model = Counting()

    found = await CachedEmbedder(model, tmp_path).embed(["a", "b"], purpose="document")

    assert model.asked == ["b"]
    assert np.array_equal(found, expected)
    after = Counting()
    await CachedEmbedder(after, tmp_path).embed(["a", "b"], purpose="document")
    assert after.asked == []


async def test_nothing_asked_is_an_empty_matrix(tmp_path: Path) -> None:
    cached = CachedEmbedder(HashEmbedder(), tmp_path)

    assert (await cached.embed([], purpose="query")).shape == (0, cached.dimension)
    assert cached.model_id == HashEmbedder().model_id
    assert cached.windows("a b") == HashEmbedder().windows("a b")
    await cached.close()

"""What every ``Embedder`` must do, as a pytest class: subclass it and provide ``embedder``.

Knows no implementation. The fixture may have any scope; the suite never closes what it is given.
Needs pytest with ``asyncio_mode = "auto"``.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from graphmem.ports import Embedder

# Batches of another make-up round differently; a real difference is far larger.
NOISE: Final = 2e-5
SHORT: Final = "Mara keeps two goats behind the mill."
MIXED: Final = (
    "Mara keeps two goats behind the mill. " * 12,
    "yes",
    "The ferry to Senja leaves at seven.",
    "Who is she? " * 40,
    "no",
    SHORT,
)
ODD: Final = (
    "",
    " ",
    "\n\t\r\n",
    "naïve Ångström cafe\u0301",
    "日本語のテキスト、漢字とかな",
    "العربية من اليمين \u202eto left\u202c",
    "👩‍👩‍👧‍👦🏳️‍🌈 emoji \U0001f9ff",
    "\u200b\u200d\ufeff zero width",
    "<|endoftext|> [SEP] [PAD] </s>",
    "x" * 5000,
    "\U0010ffff\ufffd\x01\x7f",
)
LONG: Final = " ".join(f"word{number % 97}" for number in range(5000))
"""More than 10,000 tokens in every vocabulary in use."""

# Numbered, so that a window is found at one place only.
COUNTED: Final = tuple(
    "".join(f"{part}{number}" for number in range(2000))
    for part in (" goat ", "日本語 ", " 👩‍👩‍👧 día\n")
)


def assert_unit_rows(vectors: npt.NDArray[np.float32], rows: int, columns: int) -> None:
    """Fail unless this is float32, of this shape, finite, and every row of length 1."""
    assert vectors.dtype == np.float32
    assert vectors.shape == (rows, columns)
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


class EmbedderConformance:
    """The contract of the port; a subclass gives the fixture ``embedder``."""

    @pytest.fixture
    def embedder(self) -> Embedder:
        """The embedder under test."""
        raise NotImplementedError("the subclass provides this fixture")

    def test_model_id_is_stable_text(self, embedder: Embedder) -> None:
        assert embedder.model_id
        assert embedder.model_id == embedder.model_id

    async def test_query_has_the_dimension(self, embedder: Embedder) -> None:
        vectors = await embedder.embed([SHORT], purpose="query")

        assert_unit_rows(vectors, 1, embedder.dimension)

    async def test_documents_are_unit_rows(self, embedder: Embedder) -> None:
        vectors = await embedder.embed(MIXED, purpose="document")

        assert_unit_rows(vectors, len(MIXED), embedder.dimension)

    async def test_same_text_same_vector(self, embedder: Embedder) -> None:
        first = await embedder.embed([SHORT], purpose="document")
        second = await embedder.embed([SHORT], purpose="document")

        np.testing.assert_array_equal(first, second)

    async def test_other_text_other_vector(self, embedder: Embedder) -> None:
        one, other = await embedder.embed([SHORT, "The lease ends in May."], purpose="document")

        assert float(one @ other) < 0.95

    @pytest.mark.parametrize("purpose", ["query", "document"])
    async def test_no_texts_no_rows(self, embedder: Embedder, purpose: str) -> None:
        vectors = await embedder.embed([], purpose="query" if purpose == "query" else "document")

        assert vectors.shape == (0, embedder.dimension)
        assert vectors.dtype == np.float32

    async def test_mixed_lengths_keep_order(self, embedder: Embedder) -> None:
        together = await embedder.embed(MIXED, purpose="document")
        alone = [(await embedder.embed([text], purpose="document"))[0] for text in MIXED]

        np.testing.assert_allclose(together, np.stack(alone), atol=NOISE)

    async def test_more_than_a_batch_keeps_order(self, embedder: Embedder) -> None:
        texts = [f"{'far ' * (number % 7)}note {number}" for number in range(70)]

        together = await embedder.embed(texts, purpose="document")
        picked = [0, 15, 16, 17, 63, 64, 69]
        alone = [(await embedder.embed([texts[row]], purpose="document"))[0] for row in picked]

        np.testing.assert_allclose(together[picked], np.stack(alone), atol=NOISE)

    @pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
    async def test_odd_text_is_embedded(self, embedder: Embedder, text: str) -> None:
        assert embedder.windows(text)

        assert_unit_rows(await embedder.embed([text], purpose="document"), 1, embedder.dimension)

    async def test_long_text_is_embedded(self, embedder: Embedder) -> None:
        windows = embedder.windows(LONG)

        vectors = await embedder.embed([LONG, windows[0], windows[-1]], purpose="document")

        assert len(windows) > 1
        assert_unit_rows(vectors, 3, embedder.dimension)

    @pytest.mark.parametrize("text", ["", "yes", SHORT])
    def test_short_text_is_its_window(self, embedder: Embedder, text: str) -> None:
        assert embedder.windows(text) == (text,)

    @pytest.mark.parametrize("text", COUNTED, ids=["ascii", "kanji", "emoji"])
    def test_windows_cover_and_overlap(self, embedder: Embedder, text: str) -> None:
        windows = embedder.windows(text)

        assert len(windows) > 2
        begin, covered = -1, 0
        for window in windows:
            begin = text.find(window, begin + 1)
            assert begin >= 0, "a window is not a piece of the text, or not after the one before"
            assert begin == 0 or begin < covered, "a window does not overlap the one before"
            covered = begin + len(window)
        assert covered == len(text)

    async def test_windows_of_a_window(self, embedder: Embedder) -> None:
        """A window fits in the model: cutting it again leaves it nearly whole."""
        window = embedder.windows(LONG)[1]

        again = embedder.windows(window)

        assert max(map(len, again)) >= 0.9 * len(window)
        assert len(again) <= 2

    async def test_concurrent_calls_agree(self, embedder: Embedder) -> None:
        expected = await embedder.embed(MIXED, purpose="query")

        answers = await asyncio.gather(*(embedder.embed(MIXED, purpose="query") for _ in range(4)))

        for answer in answers:
            np.testing.assert_allclose(answer, expected, atol=NOISE)

    def test_two_threads_two_loops(self, embedder: Embedder) -> None:
        def embed_in_a_loop(_: int) -> npt.NDArray[np.float32]:
            async def work() -> npt.NDArray[np.float32]:
                await embedder.embed([SHORT], purpose="query")
                return await embedder.embed(MIXED, purpose="document")

            return asyncio.run(work())

        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(embed_in_a_loop, range(4)))

        for answer in answers:
            assert_unit_rows(answer, len(MIXED), embedder.dimension)
            np.testing.assert_allclose(answer, answers[0], atol=NOISE)

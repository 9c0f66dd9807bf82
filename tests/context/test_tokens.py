"""Token counters: the numbers tiktoken gives, without its network."""

import hashlib
import lzma
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import tiktoken_ext.openai_public as published
from hypothesis import given
from hypothesis import strategies as st

import graphmem
from graphmem.context import tokens
from graphmem.context.tokens import counter, starts
from graphmem.errors import InvalidInput

ENCODINGS = ("o200k_base", "cl100k_base")
ASSETS = Path(graphmem.__file__).parent / "assets" / "tiktoken"
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200)


@pytest.mark.parametrize(
    ("text", "o200k", "cl100k"),
    [
        ("", 0, 0),
        ("hello", 1, 1),
        ("hello world", 2, 2),
        ("tiktoken is great!", 6, 6),
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 8, 9),
        ("don't stop", 2, 3),
    ],
)
def test_known_counts(text: str, o200k: int, cl100k: int) -> None:
    """Read off ``tiktoken.get_encoding`` with its own files."""
    assert counter("o200k_base")(text) == o200k
    assert counter("cl100k_base")(text) == cl100k


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_files_and_patterns_are_tiktokens(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask tiktoken for its own definition, with the download replaced by what it would check."""
    expected: dict[str, str] = {}

    def load(url: str, expected_hash: str) -> dict[bytes, int]:
        expected[url.rpartition("/")[2]] = expected_hash
        return {}

    monkeypatch.setattr(published, "load_tiktoken_bpe", load)
    definition: dict[str, Any] = published.ENCODING_CONSTRUCTORS[encoding]()

    unpacked = lzma.decompress((ASSETS / f"{encoding}.tiktoken.xz").read_bytes())
    assert expected == {f"{encoding}.tiktoken": hashlib.sha256(unpacked).hexdigest()}
    assert tokens._PATTERNS[encoding] == definition["pat_str"]


def test_default_is_o200k() -> None:
    assert counter() is counter()
    assert counter()("お誕生日おめでとう") == counter("o200k_base")("お誕生日おめでとう") == 8


def test_unknown_encoding_names_the_known() -> None:
    with pytest.raises(InvalidInput, match="cl100k_base, o200k_base"):
        counter("p50k_base")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", ["<|endoftext|>", "<|endofprompt|>", "<|fim_prefix|>"])
def test_special_tokens_are_text(encoding: str, text: str) -> None:
    assert counter(encoding)(text) > 3


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXT)
def test_count_is_bounded_by_bytes(encoding: str, text: str) -> None:
    count = counter(encoding)(text)

    assert (count > 0) == bool(text)
    assert count <= len(text.encode())


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(one=TEXT, other=TEXT)
def test_text_is_no_dearer_after_a_newline(encoding: str, one: str, other: str) -> None:
    """Parts put together cost no more than a few tokens above the sum of the parts."""
    count = counter(encoding)

    assert count(f"{one}\n\n{other}") <= count(one) + count("\n\n") + count(other) + 3


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXT)
def test_starts_agree_with_count(encoding: str, text: str) -> None:
    found = starts(text, encoding)

    assert len(found) == counter(encoding)(text)
    assert found == sorted(found)
    assert found[:1] == ([0] if text else [])
    assert all(0 <= start < len(text) for start in found)


def test_starts_are_where_words_begin() -> None:
    assert starts("hello world") == [0, 5]
    assert starts("👩‍👩‍👧")[0] == 0


def test_lone_surrogates_are_counted() -> None:
    assert counter()("a\ud800b") == counter()("a\ufffdb")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "unit", ["a", "^", " ", "\n", "\t", "=", "字", "👩", "7", "A", "\u0301", "'", " x", "aA1 "]
)
def test_repetition_is_linear(encoding: str, unit: str) -> None:
    """A hundred thousand letters in one word: quadratic would be minutes, linear is .1 s."""
    count = counter(encoding)
    text = unit * (100_000 // len(unit))
    began = time.perf_counter()

    found = count(text)

    assert time.perf_counter() - began < 5
    assert 0 < found <= len(text.encode())


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("blank", [" ", "\u3000"])
def test_endless_blanks_are_counted(encoding: str, blank: str) -> None:
    """Past a million of these tiktoken alone aborts the interpreter's call, with no Exception."""
    count = counter(encoding)

    found = count(f"{blank * 1_000_100}x")

    whole = 2 * count(blank * 500_000)
    assert whole < found <= whole + 100


def test_endless_blanks_have_starts() -> None:
    text = f"{' ' * 1_000_100}x"

    found = starts(text)

    assert len(found) == counter()(text)
    assert found == sorted(found)
    assert found[-1] >= 1_000_000


def test_import_loads_no_tiktoken() -> None:
    program = "import sys, graphmem.context.tokens; print('tiktoken' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_counting_opens_no_connection(encoding: str) -> None:
    """In a fresh process whose every attempt to reach the network would end it."""
    program = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    if event.startswith('socket.'): raise SystemExit(event)\n"
        "sys.addaudithook(refuse)\n"
        "from graphmem.context.tokens import counter\n"
        f"print(counter({encoding!r})('hello world'))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "2\n"

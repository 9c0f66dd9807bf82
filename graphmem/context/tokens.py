"""Count tokens exactly and offline, with the byte-pair ranks that ship in ``graphmem/assets``.

Knows nothing of budgets, models or prices: a counter is a plain function from text to a number,
handed to the pure parts of this package. It never reads the network, the environment or a cache
folder, unlike ``tiktoken.get_encoding``. tiktoken itself is loaded with the first counter, since
importing it takes longer than most programs that import this module want to wait.
"""

import lzma
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from graphmem.errors import InvalidInput

if TYPE_CHECKING:
    from tiktoken import Encoding

_ASSETS: Final = Path(__file__).parent.parent / "assets" / "tiktoken"

# Both patterns as in tiktoken_ext/openai_public.py of tiktoken 0.14.0 (a test compares them). The
# special tokens of the encodings are left out on purpose: "<|endoftext|>" in somebody's message is
# text, and is counted as text.
_PATTERNS: Final = {
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    ),
    "o200k_base": "|".join(
        (
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
}

# tiktoken's pattern engine keeps a step of memory for every character of a run of white space and
# aborts past 1,000,000 of them (measured: 999,773 pass). Half of that leaves room on both sides.
_LONGEST_BLANK: Final = 500_000
_BLANK_RUN: Final = re.compile(
    rf"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]{{{_LONGEST_BLANK}}}"
)


@cache
def counter(encoding: str = "o200k_base") -> Callable[[str], int]:
    """Return the function that counts the tokens of a text in this encoding.

    ``o200k_base`` or ``cl100k_base``; InvalidInput on another name. The counter is exact, safe to
    call from many threads, linear in the text, and the same object on every call. The first call
    for an encoding reads and builds it: .4 to .9 s, and up to 100 MB at its peak.

    Two limits: lone surrogates, which are not text, count as U+FFFD; and runs of more than 500,000
    characters of white space are counted in pieces of that length, which can add a few tokens a
    piece.
    """
    built = _build(encoding)

    def count(text: str) -> int:
        return sum(len(built.encode_ordinary(part)) for part in _parts(text))

    return count


def starts(text: str, encoding: str = "o200k_base") -> list[int]:
    """Return the character offset at which each token of a text begins, in ascending order.

    Tokens that share a character, as parts of an emoji do, share its offset. There are as many
    offsets as ``counter(encoding)`` counts; the same limits and errors apply.
    """
    built = _build(encoding)
    found: list[int] = []
    before = 0
    for part in _parts(text):
        _, offsets = built.decode_with_offsets(built.encode_ordinary(part))
        found.extend(before + offset for offset in offsets)
        before += len(part)
    return found


@cache
def _build(encoding: str) -> "Encoding":
    """Build tiktoken's own encoder from the shipped ranks, without special tokens."""
    if encoding not in _PATTERNS:
        names = ", ".join(sorted(_PATTERNS))
        raise InvalidInput(f"no token counter for the encoding {encoding!r}; choose one of {names}")
    from tiktoken import Encoding

    packed = _ASSETS / f"{encoding}.tiktoken.xz"
    lines = lzma.decompress(packed.read_bytes()).split()
    ranks = {
        b64decode(token): int(rank) for token, rank in zip(lines[::2], lines[1::2], strict=True)
    }
    return Encoding(
        name=encoding, pat_str=_PATTERNS[encoding], mergeable_ranks=ranks, special_tokens={}
    )


def _parts(text: str) -> Iterator[str]:
    """Yield the text, cut only inside runs of white space that would abort the encoder."""
    if len(text) < _LONGEST_BLANK:
        yield text
        return
    start = 0
    for run in _BLANK_RUN.finditer(text):
        yield text[start : run.end()]
        start = run.end()
    yield text[start:]

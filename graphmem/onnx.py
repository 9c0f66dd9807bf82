"""A model's file on ONNX Runtime, loaded when it is first asked, and the tokenizer before it.

Knows no model by name. Models run in the thread that asks, and in that one alone: a step of these
small graphs is over before a second core has heard of it, and whoever has many texts asks from many
threads.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]  # it ships no types
from tokenizers import Encoding, Tokenizer

from graphmem.errors import InvalidInput

_runtime = cast("Any", onnxruntime)

ASSETS: Final = Path(__file__).parent / "assets"

Array = npt.NDArray[Any]


class Model:
    """One session for any number of threads; loading takes a fifth of a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._session: Any = None

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        with self._lock:
            return self._session is not None

    def digest(self) -> str:
        """Return the first 12 digits of the SHA-256 of the file, which is read for it."""
        return hashlib.sha256(self._path.read_bytes()).hexdigest()[:12]

    def run(self, inputs: Mapping[str, Array]) -> Sequence[npt.NDArray[np.float32]]:
        """Return the outputs of the graph."""
        return cast("Sequence[npt.NDArray[np.float32]]", self._loaded().run(None, dict(inputs)))

    def unload(self) -> None:
        """Free the memory, until the next call."""
        with self._lock:
            self._session = None

    def _loaded(self) -> Any:
        with self._lock:
            if self._session is None:
                options = _runtime.SessionOptions()
                options.intra_op_num_threads = 1
                options.inter_op_num_threads = 1
                options.log_severity_level = 3
                self._session = _runtime.InferenceSession(
                    str(self._path), options, providers=["CPUExecutionProvider"]
                )
            return self._session


def load_tokenizer(path: Path) -> Tokenizer:
    """Return a tokenizer that neither pads nor cuts; encoding changes nothing in it."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def encode(tokenizer: Tokenizer, text: str, *, special: bool) -> Encoding:
    """Return the tokens of a text, with those of the model around them if ``special``.

    InvalidInput on lone surrogates.
    """
    try:
        return tokenizer.encode(text, add_special_tokens=special)
    except TypeError as error:
        raise InvalidInput(f"text that is not valid Unicode: {text[:40]!r}") from error

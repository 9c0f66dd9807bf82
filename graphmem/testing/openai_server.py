"""A local server that speaks a little of OpenAI's protocol, for tests without network or key.

Knows no graphmem. It answers ``POST /v1/embeddings`` with vectors computed from the text alone,
``/v1/rerank`` (Jina's; Cohere's is ``/v2/rerank``) by their cosines, and ``/v1/chat/completions``
with what ``reply`` makes of the messages. It can be told to fail and to keep clients waiting, and
keeps what it was asked. Standard library and numpy only.
"""

import hashlib
import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Final, Self, cast

import numpy as np
import numpy.typing as npt

Body = Mapping[str, Any]
Route = Callable[[Body], Body]
Reply = Callable[[Sequence[Mapping[str, str]]], str]

_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as the server saw it."""

    path: str
    body: Body


def hashed_vector(text: str, dimension: int) -> npt.NDArray[np.float32]:
    """Return a vector of length 1 that depends on the text alone: equal words, similar vectors.

    Every lower-case word adds its own random direction; the text as a whole adds a shorter one,
    so that no two texts are equal and no text has none.
    """

    def direction(seed: str) -> npt.NDArray[np.float64]:
        digest = hashlib.sha256(seed.encode("utf-8", "replace")).digest()
        return np.random.default_rng(int.from_bytes(digest)).standard_normal(dimension)

    total = 0.1 * direction(f"text:{text}")
    for word in _WORD.findall(text.lower()):
        total += direction(f"word:{word}")
    return (total / np.linalg.norm(total)).astype(np.float32)


def relevance(query: str, text: str, dimension: int) -> float:
    """Return 0 to 1, by the words that a question and a text share."""
    cosine = hashed_vector(query, dimension) @ hashed_vector(text, dimension)
    return float((1 + cosine) / 2)


def echo(messages: Sequence[Mapping[str, str]]) -> str:
    """Return the last message's text: a chat model that says what it was told."""
    return messages[-1]["content"]


class OpenAIServer:
    """The server, on a free port of the loopback interface, as a context manager.

    >>> with OpenAIServer(dimension=8) as server:
    ...     server.base_url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, *, dimension: int = 64) -> None:
        self.dimension = dimension
        self.requests: list[Request] = []
        self.reply: Reply = echo
        self.routes: dict[str, Route] = {
            "/v1/embeddings": self._embeddings,
            "/v1/rerank": self._rerank,
            "/v2/rerank": self._rerank,
            "/v1/chat/completions": self._chat,
        }
        self._answers = Event()
        self._answers.set()
        self._waits = Event()
        self._failures: list[int] = []
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        """What a client takes as ``api_base``."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def fail(self, times: int, *, status: int = 503) -> None:
        """Answer the next ``times`` requests with this status and OpenAI's form of an error."""
        with self._lock:
            self._failures.extend([status] * times)

    @contextmanager
    def held(self) -> Generator[Event]:
        """Answer nothing until the block ends; what it gets is set once a request waits."""
        self._waits.clear()
        self._answers.clear()
        try:
            yield self._waits
        finally:
            self._answers.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, body: Body) -> tuple[int, Body]:
        """Return status and body for one request; what the handler calls."""
        with self._lock:
            self.requests.append(Request(path=path, body=body))
            status = self._failures.pop(0) if self._failures else 200
        if not self._answers.is_set():
            self._waits.set()
            self._answers.wait()
        if status != 200:
            return status, _error(f"told to fail with {status}")
        if path not in self.routes:
            return 404, _error(f"no such path: {path}")
        return 200, self.routes[path](body)

    def _embeddings(self, body: Body) -> Body:
        asked = cast("str | list[str]", body["input"])
        texts = [asked] if isinstance(asked, str) else asked
        width = cast("int", body.get("dimensions") or self.dimension)
        rows: list[Body] = [
            {
                "object": "embedding",
                "index": index,
                "embedding": hashed_vector(text, width).tolist(),
            }
            for index, text in enumerate(texts)
        ]
        words = sum(len(text.split()) for text in texts)
        # Back to front: a client that does not look at the index is found out.
        return {
            "object": "list",
            "model": body.get("model", ""),
            "data": rows[::-1],
            "usage": {"prompt_tokens": words, "total_tokens": words},
        }

    def _rerank(self, body: Body) -> Body:
        texts = cast("list[str]", body["documents"])
        rows: list[Body] = [
            {"index": index, "relevance_score": relevance(body["query"], text, self.dimension)}
            for index, text in enumerate(texts)
        ]
        rows.sort(key=lambda row: -row["relevance_score"])
        return {
            "id": f"rerank-{len(self.requests)}",
            "model": body.get("model", ""),
            "results": rows[: body.get("top_n") or len(rows)],
            "usage": {"total_tokens": sum(len(text.split()) for text in texts)},
            "meta": {"api_version": {"version": "1"}, "billed_units": {"search_units": 1}},
        }

    def _chat(self, body: Body) -> Body:
        messages = cast("list[Mapping[str, str]]", body["messages"])
        said = self.reply(messages)
        asked_words = sum(len(message["content"].split()) for message in messages)
        said_words = len(said.split())
        return {
            "id": f"chat-{len(self.requests)}",
            "object": "chat.completion",
            "created": 0,
            "model": body.get("model", ""),
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": said},
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": asked_words,
                "completion_tokens": said_words,
                "total_tokens": asked_words + said_words,
            },
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                status, body = server.answer(self.path, json.loads(self.rfile.read(length)))
                payload = json.dumps(body).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(payload)))
                    self.end_headers()
                    self.wfile.write(payload)
                except ConnectionError:
                    self.close_connection = True  # who asked did not wait

            def log_message(self, format: str, *args: object) -> None:
                """Stay silent; the requests are kept instead."""

        return Handler


def _error(message: str) -> Body:
    return {"error": {"message": message, "type": "test", "param": None, "code": None}}

"""mem0 in an environment of its own: the sentences and vectors it is given, timed; prints JSON.

Run by ``tests.bench.peers`` with that environment's python; imports nothing of graphmem. mem0 as it
installs (embedded Qdrant, SQLite history), without a model: ``infer=False`` stores what it is told,
and the embedder looks vectors up, so that neither costs anything.
"""

import json
import os
import sys
import time
from pathlib import Path

ADDED = 200  # through mem0's own ``add``, the rest into its vector store in bulk
BATCH = 1000

folder = Path(sys.argv[1])
os.environ |= {
    "MEM0_TELEMETRY": "False",
    "OPENAI_API_KEY": "none",
    "MEM0_DIR": str(folder / "mem0"),
}

import mem0  # noqa: E402  # pyright: ignore[reportMissingImports]  # in an environment of its own
import numpy as np  # noqa: E402


class Known:
    """Gives the vector of a text that is known."""

    def __init__(self, texts, vectors):
        self.of = {text: [float(x) for x in v] for text, v in zip(texts, vectors, strict=True)}

    def embed(self, text, *_given, **_named):
        return self.of[text]

    def embed_batch(self, texts, *_given, **_named):
        return [self.of[text] for text in texts]


def main():
    told = json.loads((folder / "told.json").read_text())
    vectors = np.load(folder / "vectors.npy")
    facts, questions = told["facts"], told["questions"]
    memory = mem0.Memory.from_config(
        {
            "vector_store": {
                "provider": "qdrant",
                "config": {
                    "path": str(folder / "qdrant"),
                    "on_disk": True,
                    "collection_name": "bench",
                    "embedding_model_dims": vectors.shape[1],
                },
            },
            "history_db_path": str(folder / "history.db"),
        }
    )
    memory.embedding_model = Known([*facts, *questions], vectors)
    began = time.perf_counter()
    for text in facts[:ADDED]:
        memory.add(text, user_id="ada", infer=False)
    adding = ADDED / (time.perf_counter() - began)
    for start in range(ADDED, len(facts), BATCH):
        texts = facts[start : start + BATCH]
        memory.vector_store.insert(
            vectors=[memory.embedding_model.of[text] for text in texts],
            payloads=[{"user_id": "ada", "data": text} for text in texts],
            ids=[start + n for n in range(len(texts))],
        )
    for text in questions[:5]:
        memory.search(text, filters={"user_id": "ada"}, top_k=10)
    times = []
    for text in questions:
        began = time.perf_counter()
        found = memory.search(text, filters={"user_id": "ada"}, top_k=10)
        times.append(time.perf_counter() - began)
        assert found["results"], "nothing found: the peer was not asked as it should be"
    print(json.dumps({"version": mem0.__version__, "adding": adding, "search": times}))


main()

"""Write the table of related terms that ships with the package, from the bundled encoder.

    .venv/bin/python tools/build_related_terms.py

The words are the whole words of the encoder's own vocabulary, in its order (the commoner first).
Each is encoded by itself; words of one stem share the vector of the first. Two stems are related
by how far the cosine of their vectors lies above FLOOR; each keeps at most MOST others.

The file is a .npz of `stems` (blank-separated text as UTF-8 bytes), `starts` (uint32, one more than
there are stems), `others` (uint16, numbers of stems, the closest first) and `closeness` (uint8,
1 to 255: (cosine - FLOOR) / (1 - FLOOR) times 255).
"""

import asyncio
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from graphmem.embed.onnx import OnnxEmbedder
from graphmem.onnx import ASSETS
from graphmem.retrieval.text import analyse

FLOOR = 0.45
MOST = 40
TARGET = Path(__file__).resolve().parent.parent / "graphmem" / "assets" / "related" / "english.npz"


def words() -> dict[str, str]:
    """Return the first word of each stem, by stem."""
    tokenizer = json.loads((ASSETS / "minilm" / "tokenizer.json").read_text("utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    found: dict[str, str] = {}
    for word in sorted(vocabulary, key=vocabulary.__getitem__):
        if word.isascii() and word.isalpha() and len(word) > 2:
            stems = analyse(word)
            if len(stems) == 1:
                found.setdefault(stems[0], word)
    return found


async def encode(texts: list[str]) -> np.ndarray:
    encoder = OnnxEmbedder()
    try:
        return await encoder.embed(texts, purpose="document")
    finally:
        await encoder.close()


def main() -> None:
    by_stem = words()
    vectors = asyncio.run(encode(list(by_stem.values())))
    starts, others, closeness = [0], [], []
    for row in range(len(vectors)):
        cosines = vectors @ vectors[row]
        cosines[row] = -1.0
        near = np.argsort(-cosines, kind="stable")[:MOST]
        near = near[cosines[near] > FLOOR]
        others.append(near)
        closeness.append((cosines[near] - FLOOR) / (1 - FLOOR))
        starts.append(starts[-1] + len(near))
    TARGET.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        TARGET,
        stems=np.frombuffer(" ".join(by_stem).encode(), dtype=np.uint8),
        starts=np.array(starts, dtype=np.uint32),
        others=np.concatenate(others).astype(np.uint16),
        closeness=np.maximum(np.rint(np.concatenate(closeness) * 255), 1).astype(np.uint8),
    )
    digest = hashlib.sha256(TARGET.read_bytes()).hexdigest()
    sys.stdout.write(f"{digest}  {TARGET.name}: {len(by_stem)} stems, {starts[-1]} relations\n")


if __name__ == "__main__":
    main()

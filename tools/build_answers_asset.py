"""Write the answer selector that ships with the package, from weights that fit_answers.py learnt.

    python -m pip install numpy==2.4.6 onnx==1.23.2
    python tools/build_answers_asset.py WEIGHTS.npz

The layers are those of sentence-transformers/all-MiniLM-L6-v2, learnt on. Its table of words is
the embedding model's own, unchanged, so it is not kept twice: ``words.json`` says where in that
file it is. As in ``build_embedding_asset.py`` the graph is written node by node, with one product
for query, key and value. Here each product takes its inputs as int8 with a scale that is found at
the time (``DynamicQuantizeMatMul``): an order of six hits does not hang on the third digit, and
there is only ever one list, so nothing depends on what else is in a batch.

Inputs, of L tokens and n hits: ``words``, float32, (L, 384), their rows of that table; ``marks``,
int64, (n,), at which token each hit begins; ``shares``, float32, (n, L), rows of sum 1, the tokens
of each hit. Output: ``scores``, float32, (n,).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, cast

import build_embedding_asset as minilm
import numpy as np
import onnx
from build_embedding_asset import Array, Graph, digest
from onnx import TensorProto, helper, numpy_helper

ASSETS = minilm.ASSETS.parent / "answers"
OPSET = minilm.OPSET


class QuantisedGraph(Graph):
    """A graph whose products are of int8 on both sides."""

    def dense(self, x: str, weights: Array, bias: Array, *, name: str) -> str:
        """Multiply by int8 weights, (in, out), with a scale for each column, and add the bias."""
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-12) / 127.0
        q = self.constant(f"{name}.weight", np.rint(weights / scale), np.int8)
        s = self.constant(f"{name}.scale", scale, np.float32)
        b = self.constant(f"{name}.bias", bias, np.float32)
        self.nodes.append(
            helper.make_node(
                "DynamicQuantizeMatMul",
                [x, q, s, "", b],
                [f"{name}.sum"],
                name=f"{name}.sum",
                domain="com.microsoft",
            )
        )
        return f"{name}.sum"


def place(graph: Graph, weights: dict[str, Array]) -> str:
    """Add the rows of positions to those of words; the token type is always 0."""
    prefix = "embeddings"
    positions = (
        weights[f"{prefix}.position_embeddings.weight"]
        + weights[f"{prefix}.token_type_embeddings.weight"][0]
    )
    table = graph.constant("positions.table", positions, np.float16)
    shape = graph.add("Shape", "words", name="shape")
    length = graph.add("Gather", shape, "first", name="length", axis=0)
    steps = graph.add("Range", "zero", length, "step", name="steps")
    rows = graph.add("Gather", table, steps, name="positions.rows", axis=0)
    places = graph.add("Cast", rows, name="positions.cast", to=TensorProto.FLOAT)
    placed = graph.add("Add", "words", places, name="placed")
    whole = graph.add("Unsqueeze", placed, "axis_zero", name="whole")
    return graph.layer_norm(
        whole,
        weights[f"{prefix}.LayerNorm.weight"],
        weights[f"{prefix}.LayerNorm.bias"],
        name="embedding_norm",
    )


def judge(graph: Graph, x: str, weights: dict[str, Array]) -> None:
    """Score each hit by the state at its mark and the mean of its tokens, by two dense steps."""
    flat = graph.add("Squeeze", x, "axis_zero", name="states")
    begins = graph.add("Gather", flat, "marks", name="begins", axis=0)
    means = graph.add("MatMul", "shares", flat, name="means")
    both = graph.add("Concat", begins, means, name="both", axis=1)
    up = graph.constant("head.0.weight", weights["head.0.weight"].T, np.float32)
    up_bias = graph.constant("head.0.bias", weights["head.0.bias"], np.float32)
    down = graph.constant("head.2.weight", weights["head.2.weight"].T, np.float32)
    wide = graph.add("Add", graph.add("MatMul", both, up, name="head.up"), up_bias, name="head.sum")
    divided = graph.add("Div", wide, "sqrt_two", name="head.divided")
    raised = graph.add("Add", graph.add("Erf", divided, name="head.erf"), "one", name="head.raised")
    gelu = graph.add("Mul", graph.add("Mul", wide, raised, name="head.gated"), "half", name="gelu")
    # Its bias would move all scores alike.
    scores = graph.add("MatMul", gelu, down, name="head.down")
    graph.add("Squeeze", scores, "axis_one", name="scores")


def build(weights: dict[str, Array]) -> onnx.ModelProto:
    """Return the whole model."""
    graph = QuantisedGraph()
    graph.constant("shape_heads", [0, 0, 3 * minilm.HEADS, minilm.HEAD_WIDTH], np.int64)
    graph.constant("shape_flat", [0, 0, minilm.WIDTH], np.int64)
    graph.constant("axis_zero", [0], np.int64)
    graph.constant("axis_one", [1], np.int64)
    graph.constant("first", 0, np.int64)
    graph.constant("zero", 0, np.int64)
    graph.constant("step", 1, np.int64)
    graph.constant("one", 1.0, np.float32)
    graph.constant("half", 0.5, np.float32)
    graph.constant("sqrt_two", np.sqrt(2.0), np.float32)
    graph.constant("mask_bias", 0.0, np.float32)
    x = minilm.encode(graph, place(graph, weights), weights)
    judge(graph, x, weights)
    inputs = [
        helper.make_tensor_value_info("words", TensorProto.FLOAT, ["length", minilm.WIDTH]),
        helper.make_tensor_value_info("marks", TensorProto.INT64, ["hits"]),
        helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["hits", "length"]),
    ]
    out = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["hits"])
    made = helper.make_graph(graph.nodes, "answer selector", inputs, [out], graph.constants)
    model = helper.make_model(
        made,
        producer_name="graphmem",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)],
        ir_version=8,
    )
    model.doc_string = (
        "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), learnt on to tell which of a few "
        "memories answers a question; weights rounded to int8"
    )
    return model


def words_in(path: Path) -> dict[str, Any]:
    """Return where the table of words and its scales begin in the embedding model's file."""
    raw = path.read_bytes()
    found: dict[str, Any] = {"sha256": digest(path)}
    for tensor in cast("Any", onnx.load(path)).graph.initializer:
        if tensor.name in ("words.table", "words.scale"):
            data = numpy_helper.to_array(tensor).tobytes()
            at = raw.find(data)
            if at < 0 or raw.find(data, at + 1) >= 0:
                sys.exit(f"{tensor.name} is not in {path} as one block")
            found[tensor.name.partition(".")[2]] = at
    return found


def main() -> None:
    """Build the asset."""
    parser = argparse.ArgumentParser(description="Write the answer selector of the package.")
    parser.add_argument("weights", type=Path, help="what fit_answers.py has written")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder to write to")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    with np.load(arguments.weights) as learnt:
        weights = {name: learnt[name] for name in learnt.files}
    (out / "model.onnx").write_bytes(build(weights).SerializeToString(deterministic=True))
    words = json.dumps(words_in(minilm.ASSETS / "model.onnx"), indent=2, sort_keys=True)
    (out / "words.json").write_text(words + "\n", encoding="ascii")
    minilm.write_sums(out, "model.onnx", "words.json")


if __name__ == "__main__":
    main()

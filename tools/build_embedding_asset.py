"""Write the embedding model that ships with the package, from the official weights.

    python -m pip install numpy==2.4.6 onnx==1.23.2
    python tools/build_embedding_asset.py WEIGHTS_FOLDER

WEIGHTS_FOLDER holds `model.safetensors` and `tokenizer.json` of
sentence-transformers/all-MiniLM-L6-v2. Both are checked against the digests below, so the
asset is a function of this script, of those two files and of the two versions above.

The graph is written node by node instead of being traced from a framework: it needs no
framework, the same input gives the same bytes, and four things that a trace cannot do are done
here:

- one matrix product for query, key and value, with the attention scale folded into the query;
- the constant token-type row folded into the positions;
- weights as int8 with one scale for 32 inputs of a column, followed by Cast, Mul and Reshape.
  ONNX Runtime folds these when it loads the graph, so that inference runs in float32;
  DequantizeLinear stays in the graph instead and runs on every call. With one
  scale for a whole column some texts fall to a cosine of .996 with the original, because a few
  inputs of this model are far larger than the rest; with 32 the lowest seen is .9993;
- word embeddings as int8 with one scale per row. Rows are gathered first and scaled after, so the
  table stays int8 in memory as well. Positions are few and sensitive: float16.

Inputs: `input_ids` and `attention_mask`, int64, (batch, length), both dynamic. Output:
`embedding`, float32, (batch, 384), the L2-normalised mean over unmasked tokens.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import struct
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
ASSETS = Path(__file__).resolve().parent.parent / "graphmem" / "assets" / "minilm"

OPSET = 17
LAYERS = 6
HEADS = 12
WIDTH = 384
HEAD_WIDTH = WIDTH // HEADS
GROUP = 32
LAYER_NORM_EPSILON = 1e-12
# As torch.nn.functional.normalize, which sentence-transformers ends with.
NORM_FLOOR = 1e-12
# Finite, so that a row of nothing but padding stays a number; exp() of it is 0 in float32.
MASKED = -1e9

Array = npt.NDArray[np.float32]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as lower-case hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_sums(folder: Path, *names: str) -> None:
    """Write the digests of files beside them, and tell them."""
    sums = "".join(f"{digest(folder / name)}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text(sums, encoding="ascii")
    sys.stdout.write(sums)


def read_safetensors(path: Path) -> dict[str, Array]:
    """Read the float32 tensors of a safetensors file: length, JSON header, raw data."""
    raw = path.read_bytes()
    (header_length,) = struct.unpack_from("<Q", raw)
    start = 8 + header_length
    tensors: dict[str, Array] = {}
    for name, entry in json.loads(raw[8:start]).items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(raw[start + begin : start + end], dtype="<f4")
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def quantise(weights: Array) -> tuple[npt.NDArray[np.int8], Array]:
    """Round to int8, symmetric, with one scale for each slice along axis 1.

    The scales keep that axis with length 1.
    """
    scale = np.maximum(np.abs(weights).max(axis=1, keepdims=True), 1e-12) / 127.0
    return np.rint(weights / scale).astype(np.int8), scale.astype(np.float32)


class Graph:
    """The nodes and constants of one ONNX graph, in the order they were added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def add(self, op: str, *inputs: str, name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def dense(self, x: str, weights: Array, bias: Array, *, name: str) -> str:
        """Multiply by int8 weights, (in, out), and add the bias."""
        rows, columns = weights.shape
        quantised, scale = quantise(weights.reshape(rows // GROUP, GROUP, columns))
        q = self.constant(f"{name}.weight", quantised, np.int8)
        s = self.constant(f"{name}.scale", scale, np.float32)
        b = self.constant(f"{name}.bias", bias, np.float32)
        shape = self.constant(f"{name}.shape", [rows, columns], np.int64)
        cast = self.add("Cast", q, name=f"{name}.cast", to=TensorProto.FLOAT)
        grouped = self.add("Mul", cast, s, name=f"{name}.scaled")
        whole = self.add("Reshape", grouped, shape, name=f"{name}.dequantised")
        return self.add("Add", self.add("MatMul", x, whole, name=f"{name}.product"), b,
                        name=f"{name}.sum")  # fmt: skip

    def layer_norm(self, x: str, weight: Array, bias: Array, *, name: str) -> str:
        w = self.constant(f"{name}.weight", weight, np.float32)
        b = self.constant(f"{name}.bias", bias, np.float32)
        return self.add("LayerNormalization", x, w, b, name=f"{name}.normed", axis=-1,
                        epsilon=LAYER_NORM_EPSILON)  # fmt: skip


def embed_tokens(graph: Graph, weights: dict[str, Array]) -> str:
    """Add word and position rows; the token type is always 0, so its row joins the positions."""
    prefix = "embeddings"
    quantised, scale = quantise(weights[f"{prefix}.word_embeddings.weight"])
    table = graph.constant("words.table", quantised, np.int8)
    table_scale = graph.constant("words.scale", scale, np.float32)
    rows = graph.add("Gather", table, "input_ids", name="words.rows", axis=0)
    row_scales = graph.add("Gather", table_scale, "input_ids", name="words.row_scales", axis=0)
    unscaled = graph.add("Cast", rows, name="words.cast", to=TensorProto.FLOAT)
    words = graph.add("Mul", unscaled, row_scales, name="words.dequantised")
    positions = (
        weights[f"{prefix}.position_embeddings.weight"]
        + weights[f"{prefix}.token_type_embeddings.weight"][0]
    )
    # Counting the mask keeps the symbolic shape (batch, length), which a Range over the length
    # would lose, and with it the fusion of residual and LayerNormalization.
    along = graph.constant("along_length", 1, np.int64)
    steps = graph.add("CumSum", "attention_mask", along, name="steps", exclusive=1)
    places_table = graph.constant("positions.table", positions, np.float16)
    place_rows = graph.add("Gather", places_table, steps, name="positions.rows", axis=0)
    places = graph.add("Cast", place_rows, name="positions.cast", to=TensorProto.FLOAT)
    total = graph.add("Add", words, places, name="embedded")
    return graph.layer_norm(
        total,
        weights[f"{prefix}.LayerNorm.weight"],
        weights[f"{prefix}.LayerNorm.bias"],
        name="embedding_norm",
    )


def attend(graph: Graph, x: str, weights: dict[str, Array], *, layer: int) -> str:
    """Multi-head self-attention of one layer, without its residual."""
    own = f"encoder.layer.{layer}.attention"
    name = f"layer{layer}.attention"
    scale = np.float32(1.0 / np.sqrt(HEAD_WIDTH))
    parts = [(f"{own}.self.{part}", scale if part == "query" else np.float32(1.0))
             for part in ("query", "key", "value")]  # fmt: skip
    joined = np.concatenate([weights[f"{p}.weight"].T * s for p, s in parts], axis=1)
    bias = np.concatenate([weights[f"{p}.bias"] * s for p, s in parts])
    qkv = graph.dense(x, joined, bias, name=f"{name}.qkv")
    split_heads = graph.add("Reshape", qkv, "shape_heads", name=f"{name}.heads")
    by_head = graph.add("Transpose", split_heads, name=f"{name}.by_head", perm=[0, 2, 1, 3])
    query, key, value = (f"{name}.{part}" for part in ("query", "key", "value"))
    graph.nodes.append(
        helper.make_node("Split", [by_head], [query, key, value], name=f"{name}.split", axis=1)
    )
    turned = graph.add("Transpose", key, name=f"{name}.key_turned", perm=[0, 1, 3, 2])
    scores = graph.add("MatMul", query, turned, name=f"{name}.scores")
    masked = graph.add("Add", scores, "mask_bias", name=f"{name}.masked")
    shares = graph.add("Softmax", masked, name=f"{name}.shares", axis=-1)
    mixed = graph.add("MatMul", shares, value, name=f"{name}.mixed")
    by_token = graph.add("Transpose", mixed, name=f"{name}.by_token", perm=[0, 2, 1, 3])
    flat = graph.add("Reshape", by_token, "shape_flat", name=f"{name}.flat")
    return graph.dense(
        flat,
        weights[f"{own}.output.dense.weight"].T,
        weights[f"{own}.output.dense.bias"],
        name=f"{name}.out",
    )


def feed_forward(graph: Graph, x: str, weights: dict[str, Array], *, layer: int) -> str:
    """The two dense steps of one layer with the exact (erf) GELU between them."""
    own = f"encoder.layer.{layer}"
    name = f"layer{layer}.feed"
    wide = graph.dense(
        x,
        weights[f"{own}.intermediate.dense.weight"].T,
        weights[f"{own}.intermediate.dense.bias"],
        name=f"{name}.up",
    )
    # The order Div, Erf, Add, Mul, Mul is the one ONNX Runtime recognises and fuses.
    divided = graph.add("Div", wide, "sqrt_two", name=f"{name}.divided")
    erf = graph.add("Erf", divided, name=f"{name}.erf")
    raised = graph.add("Add", erf, "one", name=f"{name}.raised")
    gated = graph.add("Mul", wide, raised, name=f"{name}.gated")
    gelu = graph.add("Mul", gated, "half", name=f"{name}.gelu")
    return graph.dense(
        gelu,
        weights[f"{own}.output.dense.weight"].T,
        weights[f"{own}.output.dense.bias"],
        name=f"{name}.down",
    )


def encode(graph: Graph, x: str, weights: dict[str, Array]) -> str:
    """Add all layers; their inputs named above are constants of the graph."""
    for layer in range(LAYERS):
        for step, own in ((attend, "attention.output"), (feed_forward, "output")):
            changed = step(graph, x, weights, layer=layer)
            total = graph.add("Add", changed, x, name=f"layer{layer}.{own}.residual")
            prefix = f"encoder.layer.{layer}.{own}.LayerNorm"
            x = graph.layer_norm(
                total,
                weights[f"{prefix}.weight"],
                weights[f"{prefix}.bias"],
                name=f"layer{layer}.{own}.norm",
            )
    return x


def pool(graph: Graph, x: str) -> str:
    """Mean over unmasked tokens, then L2."""
    mask = graph.add("Unsqueeze", "mask", "axis_two", name="mask_column")
    kept = graph.add("Mul", x, mask, name="kept")
    total = graph.add("ReduceSum", kept, "axis_one", name="total", keepdims=0)
    count = graph.add("ReduceSum", "mask", "axis_one", name="count", keepdims=1)
    mean = graph.add("Div", total, count, name="mean")
    length = graph.add("ReduceL2", mean, name="norm", axes=[1], keepdims=1)
    floor = graph.add("Max", length, "norm_floor", name="norm_floored")
    return graph.add("Div", mean, floor, name="embedding")


def build(weights: dict[str, Array]) -> onnx.ModelProto:
    """Return the whole model, checked by the ONNX checker."""
    graph = Graph()
    graph.constant("shape_heads", [0, 0, 3 * HEADS, HEAD_WIDTH], np.int64)
    graph.constant("shape_flat", [0, 0, WIDTH], np.int64)
    graph.constant("axis_one", [1], np.int64)
    graph.constant("axis_two", [2], np.int64)
    graph.constant("axes_heads", [1, 2], np.int64)
    graph.constant("one", 1.0, np.float32)
    graph.constant("half", 0.5, np.float32)
    graph.constant("sqrt_two", np.sqrt(2.0), np.float32)
    graph.constant("masked_value", MASKED, np.float32)
    graph.constant("norm_floor", NORM_FLOOR, np.float32)

    graph.add("Cast", "attention_mask", name="mask", to=TensorProto.FLOAT)
    unmasked = graph.add("Sub", "one", "mask", name="unmasked")
    weighted = graph.add("Mul", unmasked, "masked_value", name="mask_flat")
    graph.add("Unsqueeze", weighted, "axes_heads", name="mask_bias")

    x = encode(graph, embed_tokens(graph, weights), weights)
    pool(graph, x)

    ids, mask = (
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    )
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH])
    made = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", [ids, mask], [out], graph.constants)
    model = helper.make_model(
        made,
        producer_name="graphmem",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )
    model.doc_string = (
        "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), weights rounded to int8; "
        f"made from model.safetensors with sha256 {WEIGHTS_SHA256}"
    )
    cast("Any", onnx.checker).check_model(model, full_check=True)
    return model


def main() -> None:
    """Build the asset; end with status 1 when an input is not the official one."""
    parser = argparse.ArgumentParser(description="Write the embedding model of the package.")
    parser.add_argument("weights", type=Path, help="folder of the official weights")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder to write to")
    arguments = parser.parse_args()
    weights: Path = arguments.weights
    out: Path = arguments.out

    for name, expected in (
        ("model.safetensors", WEIGHTS_SHA256),
        ("tokenizer.json", TOKENIZER_SHA256),
    ):
        found = digest(weights / name)
        if found != expected:
            sys.exit(f"{name}: sha256 is {found}, expected {expected}")

    out.mkdir(parents=True, exist_ok=True)
    model = build(read_safetensors(weights / "model.safetensors"))
    (out / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    shutil.copyfile(weights / "tokenizer.json", out / "tokenizer.json")
    write_sums(out, "model.onnx", "tokenizer.json")


if __name__ == "__main__":
    main()

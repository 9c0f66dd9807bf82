"""Learn which of a question's first hits answers it, by reading them beside each other.

The layers of sentence-transformers/all-MiniLM-L6-v2 are learnt on, its table of words is left as
it is: the embedding model's own serves both. Question and hits are one sequence, in the order they
were told (``graphmem.select.onnx.sequence``); each hit's score comes from the state at its mark
and the mean of its tokens, by two dense steps. The likelihood is that of ``fit_plausible.py``: of
the hits that what ships puts first, which one answers? The same questions are learnt from.

AdamW, in bfloat16 with weights kept in float32; a few tokens are masked; no dropout. It takes half
an hour on two cores. The same seed gives nearly the same weights, not the same bits: products
are added up in another order on each kind of processor.

    python -m pip install torch transformers        # for this tool alone
    python tools/fit_answers.py WEIGHTS_FOLDER --data FOLDER [--cache FOLDER] --out WEIGHTS.npz
    python tools/build_answers_asset.py WEIGHTS.npz
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from fit_plausible import SEED, Asked, gather, telling
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertModel

from graphmem.onnx import load_tokenizer
from graphmem.retrieval.plausible import odds_of
from graphmem.retrieval.recipes import DEFAULT
from graphmem.select.onnx import sequence, shares

FEW = 0.3  # the share of questions that are asked of few once more
PASSES = 1.5
BATCH = 16
RATE, HEAD_RATE, WARM_UP = 2e-4, 1e-3, 100
MASKED, MASK_ID, FIRST_WORD = 0.06, 103, 1000
HEAD = 128
KEPT = 100  # steps between two writings
BUCKET = 16 * BATCH  # sorted by length, so that a batch carries little padding


class Listed:
    """A question's best hits as one sequence."""

    def __init__(self, tokenizer: Tokenizer, asked: Asked) -> None:
        best = np.argsort(-odds_of(asked.rows), kind="stable")[: DEFAULT.read].tolist()
        # As ``Weighed.doubtful``, but for what was told at one moment.
        told = sorted(best, key=lambda row: asked.passages[row].occurred_at)
        self.right = asked.right[told]
        self.counts = asked.counts
        self.ids, self.marks = sequence(
            tokenizer, asked.question, [asked.passages[row] for row in told]
        )


class Selector(nn.Module):
    """The model as ``build_answers_asset.py`` writes it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.bert = BertModel.from_pretrained(
            folder, add_pooling_layer=False, attn_implementation="eager"
        )
        self.bert.config.attention_probs_dropout_prob = 0.0
        for module in self.bert.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        for parameter in self.bert.embeddings.parameters():
            parameter.requires_grad = False
        self.bert.to(torch.bfloat16)
        width = self.bert.config.hidden_size
        self.head = nn.Sequential(nn.Linear(2 * width, HEAD), nn.GELU(), nn.Linear(HEAD, 1))

    def forward(self, ids: Tensor, mask: Tensor, marks: Tensor, shares: Tensor) -> Tensor:
        """Return scores (questions, hits) from marks (questions, hits), shares (…, tokens)."""
        states = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        begins = states.gather(1, marks[..., None].expand(-1, -1, states.shape[-1]))
        return self.head(torch.cat([begins, shares @ states], dim=-1)).squeeze(-1)


def side_by_side(listed: Sequence[Listed]) -> tuple[Tensor, ...]:
    """Return ids, mask, marks, shares, and which hits there are and which are right."""
    length = max(len(one.ids) for one in listed)
    hits = max(len(one.marks) for one in listed)
    ids = torch.zeros(len(listed), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    marks = torch.zeros(len(listed), hits, dtype=torch.long)
    parts = torch.zeros(len(listed), hits, length)
    there, right = torch.zeros(2, len(listed), hits, dtype=torch.bool)
    for n, one in enumerate(listed):
        ids[n, : len(one.ids)] = torch.tensor(one.ids)
        mask[n, : len(one.ids)] = 1
        marks[n, : len(one.marks)] = torch.tensor(one.marks)
        there[n, : len(one.marks)] = True
        right[n, : len(one.marks)] = torch.from_numpy(one.right)
        own = torch.from_numpy(shares(one.marks, len(one.ids)))
        parts[n, : len(one.marks), : len(one.ids)] = own
    return ids, mask, marks, parts, there, right


def batches(listed: Sequence[Listed], chance: np.random.Generator) -> Iterator[list[Listed]]:
    """Yield batches for ever, each of sequences of like length."""
    while True:
        order = chance.permutation(len(listed)).tolist()
        for begin in range(0, len(order), BUCKET):
            bucket = sorted(order[begin : begin + BUCKET], key=lambda n: len(listed[n].ids))
            starts = range(0, len(bucket), BATCH)
            for start in chance.permutation(np.array(starts)).tolist():
                yield [listed[n] for n in bucket[start : start + BATCH]]


def learn(model: Selector, listed: Sequence[Listed], out: Path) -> None:
    """Learn, and write the weights by name, float32: every ``KEPT`` steps and at the end."""
    chance = np.random.default_rng(SEED)
    named = {n: p for n, p in model.bert.named_parameters() if p.requires_grad}
    kept = {name: p.detach().float().clone() for name, p in named.items()}
    head = list(model.head.parameters())
    groups = [{"params": list(kept.values()), "lr": RATE}, {"params": head, "lr": HEAD_RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = int(PASSES * len(listed) / BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda n: min(1, (n + 1) / WARM_UP) * max(0.0, 1 - n / steps) + 1e-3
    )
    for step, batch in zip(range(1, steps + 1), batches(listed, chance), strict=False):
        ids, mask, marks, shares, there, right = side_by_side(batch)
        hidden = (torch.rand(ids.shape) < MASKED) & (ids > FIRST_WORD)
        scores = model(ids.masked_fill(hidden, MASK_ID), mask, marks, shares)
        odds = torch.log_softmax(scores.masked_fill(~there, -1e9), dim=-1)
        won = torch.logsumexp(odds.masked_fill(~right, -1e9), dim=-1)
        counts = torch.tensor([one.counts for one in batch])
        loss = -(won * counts).sum() / counts.sum()
        model.zero_grad()
        loss.backward()
        for name, parameter in named.items():
            kept[name].grad = None if parameter.grad is None else parameter.grad.float()
        nn.utils.clip_grad_norm_([*kept.values(), *head], 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for name, parameter in named.items():
                parameter.copy_(kept[name])
        if step % KEPT == 0 or step == steps:
            sys.stdout.write(f"{step} of {steps}: {loss.item():.3f}\n")
            sys.stdout.flush()
            write(out, model, kept)


def write(out: Path, model: Selector, kept: Mapping[str, Tensor]) -> None:
    """Write all weights but the table of words."""
    unchanged = {n: p.float() for n, p in model.bert.named_parameters() if n not in kept}
    learnt = {**unchanged, **kept, **{f"head.{n}": p for n, p in model.head.named_parameters()}}
    del learnt["embeddings.word_embeddings.weight"]
    np.savez(out, **{name: p.detach().numpy() for name, p in learnt.items()})


def main() -> None:
    """Learn, and write the weights."""
    parser = argparse.ArgumentParser(description="Learn the answer selector of the package.")
    parser.add_argument("weights", type=Path, help="folder of the official weights")
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--cache", type=Path, help="folder that keeps embeddings")
    parser.add_argument("--store", help="URL of a store that is filled already, or will be")
    parser.add_argument("--out", type=Path, required=True, help="file to write to")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    chance = np.random.default_rng(SEED)
    tokenizer = load_tokenizer(arguments.weights / "tokenizer.json")
    asked = asyncio.run(gather(arguments.data, arguments.cache, arguments.store))
    kept = [one for one in telling(asked) if one.group != "few" or chance.random() < FEW]
    listed = telling([Listed(tokenizer, one) for one in kept])
    learn(Selector(arguments.weights), listed, arguments.out)


if __name__ == "__main__":
    main()

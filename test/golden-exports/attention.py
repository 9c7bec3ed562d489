"""Writes test/golden/attention/<name>.{onnx,json}: nn.MultiheadAttention and nn.TransformerEncoder as PyTorch exports them, and its scores.

    /usr/bin/python3 test/golden-exports/attention.py [--all] [--out DIR]

The committed ones are a choice in which each opset, mask and layout occurs; --all writes all 220. Their biases of keys
have no gradient but rounding, so nothing but scores is expected of them.
"""

import argparse
import json
import warnings
from pathlib import Path

import torch
from torch import nn

OPSETS = (14, 17, 18, 20)
# k: key_padding_mask, a: attn_mask of floats with -inf, b: attn_mask of truth values
MASKS = ("none", "k", "a", "b", "ka")
K, HEADS, LENGTH = 8, 2, 5
NAMES = ["user.age", "user.hist", "user.hist.length", "campaign.category"]
CHOSEN = (
    "attention-none-batch-first-opset14", "attention-k-opset17", "attention-ka-batch-first-opset18", "attention-b-opset20",
    "attention-weights-opset17", "target-k-batch-first-opset18", "target-none-opset20",
    "encoder-k-batch-first-last-relu-opset14", "encoder-none-first-gelu-opset17",
    "encoder-a-batch-first-first-relu-opset18", "encoder-ka-last-gelu-opset20",
)  # fmt: skip


class Base(nn.Module):
    def __init__(self, masks: str, batch_first: bool):
        super().__init__()
        self.masks, self.batch_first = masks if masks != "none" else "", batch_first
        self.age, self.hist, self.category = nn.Embedding(7, K), nn.Embedding(23, K), nn.Embedding(12, K)
        self.places = nn.Parameter(torch.randn(LENGTH, K) * 0.1)
        self.out = nn.Sequential(nn.Linear(3 * K, 16), nn.ReLU(), nn.Linear(16, 1))
        self.register_buffer("causal", torch.triu(torch.full((LENGTH, LENGTH), float("-inf")), 1))

    def forward(self, age, hist, length, category):
        # the first place always counts: a row without any would be NaN
        padding = (torch.arange(LENGTH) >= length.unsqueeze(1)) & (torch.arange(LENGTH) > 0).unsqueeze(0)
        x = self.hist(hist) + self.places
        pooled = self.pooled(x, padding, self.category(category))
        return torch.sigmoid(self.out(torch.cat([self.age(age), pooled, self.category(category)], 1))).flatten()

    def turned(self, x):
        return x if self.batch_first else x.transpose(0, 1)

    def attention_mask(self):
        return self.causal if "a" in self.masks else self.causal < 0 if "b" in self.masks else None

    def mean(self, x, padding):
        weights = (~padding).float().unsqueeze(2)
        return (x * weights).sum(1) / weights.sum(1)


class Attention(Base):
    def __init__(self, masks, batch_first, need_weights=False):
        super().__init__(masks, batch_first)
        self.need_weights = need_weights
        self.attention = nn.MultiheadAttention(K, HEADS, batch_first=batch_first)

    def pooled(self, x, padding, category):
        x = self.turned(x)
        masks = {"key_padding_mask": padding if "k" in self.masks else None, "attn_mask": self.attention_mask()}
        y, _ = self.attention(x, x, x, need_weights=self.need_weights, **masks)
        return self.mean(self.turned(y), padding)


class Target(Base):
    """The campaign asks, the history answers."""

    def __init__(self, masks, batch_first):
        super().__init__(masks, batch_first)
        self.attention = nn.MultiheadAttention(K, HEADS, batch_first=batch_first)

    def pooled(self, x, padding, category):
        query = self.turned(category.unsqueeze(1))
        y, _ = self.attention(query, self.turned(x), self.turned(x), key_padding_mask=padding if "k" in self.masks else None)
        return self.turned(y).squeeze(1)


class Encoder(Base):
    def __init__(self, masks, batch_first, norm_first, activation):
        super().__init__(masks, batch_first)
        layer = nn.TransformerEncoderLayer(K, HEADS, 2 * K, batch_first=batch_first, norm_first=norm_first, activation=activation)
        self.encoder = nn.TransformerEncoder(layer, 1)

    def pooled(self, x, padding, category):
        y = self.encoder(self.turned(x), mask=self.attention_mask(), src_key_padding_mask=padding if "k" in self.masks else None)
        return self.mean(self.turned(y), padding)


def catalogue():
    for opset in OPSETS:
        for batch_first in (True, False):
            layout = "-batch-first" if batch_first else ""
            for masks in MASKS:
                yield f"attention-{masks}{layout}-opset{opset}", opset, lambda: Attention(masks, batch_first)
                for norm_first in (True, False):
                    for activation in ("relu", "gelu"):
                        name = f"encoder-{masks}{layout}-{'first' if norm_first else 'last'}-{activation}-opset{opset}"
                        yield name, opset, lambda: Encoder(masks, batch_first, norm_first, activation)
            for masks in ("none", "k"):
                yield f"target-{masks}{layout}-opset{opset}", opset, lambda: Target(masks, batch_first)
        yield f"attention-weights-opset{opset}", opset, lambda: Attention("k", False, need_weights=True)


def batch(rows: int, random: torch.Generator):
    def draw(least, past, *shape):
        return torch.randint(least, past, shape, generator=random)

    length = draw(0, LENGTH + 1, rows)
    hist = torch.where(torch.arange(LENGTH) < length.unsqueeze(1), draw(1, 23, rows, LENGTH), 0)
    return draw(0, 7, rows), hist, length, torch.full((rows,), 5)


def write(name: str, opset: int, make, out: Path):
    torch.manual_seed(sum(name.encode()))
    model, random = make().eval(), torch.Generator().manual_seed(opset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, batch(3, random), str(out / f"{name}.onnx"), input_names=NAMES, output_names=["score"],
            dynamic_axes={name: {0: "batch"} for name in [*NAMES, "score"]}, opset_version=opset, dynamo=False,
        )  # fmt: skip
    columns = batch(11, random)
    with torch.no_grad():
        scores = model(*columns)
    inputs = {name: column.tolist() for name, column in zip(NAMES, columns)}
    (out / f"{name}.json").write_text(json.dumps({"torch": torch.__version__, "inputs": inputs, "scores": scores.tolist()}) + "\n")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--all", action="store_true")
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "golden" / "attention")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, opset, make in catalogue():
        if options.all or name in CHOSEN:
            write(name, opset, make, options.out)


if __name__ == "__main__":
    main()

"""Writes test/golden/other-inputs/<name>.onnx: inputs that `model import` proposes, takes or refuses.

    /usr/bin/python3 test/golden-exports/inputs.py [--out DIR]

`vector` reads a matrix of floats and a column of them. `offsets` is an nn.EmbeddingBag with the starts of its bags as
an input, `lengths` computes them from how many ids count, `arange` from the shape of the ids.
"""

import argparse
import warnings
from pathlib import Path

import torch
from torch import nn

OPSETS = (14, 17, 18)


class Vector(nn.Module):
    def __init__(self):
        super().__init__()
        self.city = nn.Embedding(10, 4)
        self.net = nn.Sequential(nn.Linear(21, 8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, city, taste, age):
        return torch.sigmoid(self.net(torch.cat([self.city(city), taste, age], 1))[:, 0])


class Bag(nn.Module):
    def __init__(self, mode="mean"):
        super().__init__()
        self.bag = nn.EmbeddingBag(20, 4, mode=mode)
        self.out = nn.Linear(4, 1)

    def score(self, ids, offsets):
        return torch.sigmoid(self.out(self.bag(ids, offsets))[:, 0])

    def forward(self, ids, offsets):
        return self.score(ids, offsets)


class Lengths(Bag):
    def forward(self, ids, length):
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), length.cumsum(0)[:-1]])
        return self.score(ids[torch.arange(ids.shape[1])[None, :] < length[:, None]], offsets)


class Arange(Bag):
    def forward(self, ids):
        rows, length = ids.shape
        return self.score(ids.reshape(-1), torch.arange(0, rows * length, length))


def cases():
    ids, length = torch.arange(12).reshape(3, 4), torch.tensor([1, 2, 3])
    yield "vector", 17, Vector(), {"city": length, "taste": torch.randn(3, 16), "age": torch.randn(3, 1)}
    for opset in OPSETS:
        yield "offsets", opset, Bag(), {"user.likes": ids.reshape(-1), "offsets": torch.tensor([0, 4, 8])}
        yield "lengths", opset, Lengths("sum"), {"user.likes": ids, "user.likes.length": length}
        yield "arange", opset, Arange("max"), {"user.likes": ids}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "golden" / "other-inputs")
    out = arguments.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    warnings.simplefilter("ignore")
    for name, opset, model, inputs in cases():
        axes = {name: {0: "total" if value.dim() == 1 and len(value) == 12 else "batch"} for name, value in inputs.items()}
        torch.onnx.export(
            model.eval(), tuple(inputs.values()), str(out / f"{name}-opset{opset}.onnx"), input_names=list(inputs),
            output_names=["score"], dynamic_axes={**axes, "score": {0: "batch"}}, opset_version=opset, dynamo=False,
        )  # fmt: skip


if __name__ == "__main__":
    main()

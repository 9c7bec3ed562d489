"""Writes test/golden/<name>/{model.onnx,expected.json}: exports of small PyTorch models beside PyTorch's own numbers.

    /usr/bin/python3 test/golden-exports/export.py [NAME ..] [--ops] [--out DIR]

See README.md beside this file for what it needs and what it guarantees.
"""

import argparse
import copy
import io
import json
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnx.inliner import inline_local_functions
from onnx.reference import ReferenceEvaluator

from catalogue import CATALOGUE, Recipe
from functions import with_functions

# rows of the batches of the adaptation, and of the forward batch: no size may be built in
BATCH_ROWS, FORWARD_ROWS = (8, 12, 16), 11
EPOCHS, RATE = 2, 0.001
# how far float32 may be from float64 (and from itself with the rows in another order), of a tensor's largest entry
TENSOR_AGREEMENT, SCORE_AGREEMENT = 2e-6, 2e-7


def draw_batch(recipe: Recipe, rng: np.random.Generator, rows: int):
    """Random ids; tokens past a list's length are random too (they must not count); one campaign a batch."""
    f = recipe.features
    columns = {f"user.{name}": rng.integers(0, size + 1, rows) for name, size in f.single.items()}
    columns |= {f"user.{name}": rng.integers(0, size + 1, (rows, f.multi_length[name])) for name, size in f.multi.items()}
    columns |= {f"user.{name}.length": rng.integers(0, f.multi_length[name] + 1, rows) for name in f.multi}
    campaign_rows = 1 if recipe.one_campaign else rows
    columns |= {f"campaign.{name}": np.repeat(rng.integers(0, size + 1), campaign_rows) for name, size in f.campaign.items()}
    labels = rng.integers(0, 2, rows).astype(np.float64)
    labels[:2] = [0, 1]
    return {name: columns[name] for name in f.names()}, labels


def loss_of(model, batch):
    columns, labels = batch
    scores = model(*(torch.from_numpy(column) for column in columns.values()))
    return scores, torch.nn.functional.binary_cross_entropy(scores, torch.from_numpy(labels).to(scores.dtype))


def forward_of(model, batch):
    model.zero_grad()
    scores, loss = loss_of(model, batch)
    loss.backward()
    gradients = {name: p.grad.detach().clone() for name, p in model.named_parameters() if p.grad is not None}
    return {"scores": scores.detach(), "loss": loss.detach(), "gradients": gradients}


def adapt(model, batches, forward_batch):
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    losses = []
    for _ in range(EPOCHS):
        for batch in batches:
            optimizer.zero_grad()
            _, loss = loss_of(model, batch)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    with torch.no_grad():
        scores, _ = loss_of(model, forward_batch)
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    return {"losses": torch.stack(losses), "parameters_after": parameters, "scores_after": scores}


def numbers_of(model, batches, forward_batch):
    model = copy.deepcopy(model)
    forward = forward_of(model, forward_batch)
    model.zero_grad()
    return forward | adapt(model, batches, forward_batch)


def reversed_rows(batch):
    columns, labels = batch
    return {name: column[::-1].copy() for name, column in columns.items()}, labels[::-1].copy()


def largest_disagreement(a, b):
    """As a share of what is allowed: 1 is the limit."""
    worst = (0.0, "")
    for key in ("scores", "loss", "losses", "scores_after"):
        worst = max(worst, ((a[key].double() - b[key].double()).abs().max().item() / SCORE_AGREEMENT, key))
    for key in ("gradients", "parameters_after"):
        for name, tensor in a[key].items():
            other = b[key][name].double()
            size = other.abs().max().item()
            apart = (tensor.double() - other).abs().max().item()
            worst = max(worst, (apart / (TENSOR_AGREEMENT * size) if size > 0 else apart * 1e12, f"{key} {name}"))
    return worst


def well_conditioned(recipe: Recipe, seed: int):
    """The model, its batches and numbers, and how far rounding can take them from what they should be."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = recipe.build().eval()
    batches = [draw_batch(recipe, rng, rows) for rows in BATCH_ROWS]
    forward_batch = draw_batch(recipe, rng, FORWARD_ROWS)
    numbers = numbers_of(model, batches, forward_batch)
    exact = numbers_of(model.double(), batches, forward_batch)
    model = model.float()
    other = numbers_of(model, [reversed_rows(batch) for batch in batches], reversed_rows(forward_batch))
    for key in ("scores", "scores_after"):
        other[key] = other[key].flip(0)
    worst = max(largest_disagreement(numbers, exact), largest_disagreement(other, exact))
    return model, batches, forward_batch, numbers, worst


def export(recipe: Recipe, model, batch) -> onnx.ModelProto:
    names = recipe.features.names()
    columns, _ = batch
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            tuple(torch.from_numpy(column) for column in columns.values()),
            file,
            input_names=names,
            output_names=["score"],
            dynamic_axes={name: {0: "batch"} for name in [*names, "score"] if not (recipe.one_campaign and name.startswith("campaign."))},
            opset_version=recipe.opset,
            do_constant_folding=recipe.fold,
        )
    proto = onnx.load_from_string(file.getvalue())
    onnx.checker.check_model(proto)
    return with_functions(proto) if recipe.functions else proto


def initializers_of(proto):
    """Initializers by name. Of those with equal values the exporter keeps one, and gives each other as its Identity under its own name."""
    found = {initializer.name: numpy_helper.to_array(initializer) for initializer in proto.graph.initializer}
    merged = {node.output[0]: node.input[0] for node in proto.graph.node if node.op_type == "Identity" and node.input[0] in found}
    return found | {name: found[kept] for name, kept in merged.items()}


def parameters_by_initializer(proto, model):
    """initializer -> (PyTorch's parameter, whether the exporter transposed it). Constant folding transposes the weight of a Linear on 3 axes."""
    named = dict(model.named_parameters())
    found: dict[str, tuple[str, bool]] = {}
    for initializer, data in initializers_of(proto).items():
        if initializer in named:
            found[initializer] = (initializer, False)
            continue
        for name, parameter in named.items():
            if data.dtype == np.float32 and parameter.ndim == 2 and np.array_equal(data, parameter.detach().numpy().T):
                found[initializer] = (name, True)
    parameters = [name for name, _ in found.values()]
    if sorted(parameters) != sorted(named):
        lost = set(named) - set(parameters)
        twice = [name for name, count in Counter(parameters).items() if count > 1]
        raise SystemExit(f"parameters and initializers do not match: not in the file {lost}, twice {twice}")
    return found


def plain(values):
    """Float32 as the shortest text that reads back as the same float32; integers as they are."""
    array = values.numpy() if isinstance(values, torch.Tensor) else values
    if array.dtype.kind == "i":
        return array.tolist()
    flat = [float(str(x)) for x in array.astype(np.float32).reshape(-1)]
    return flat if array.ndim else flat[0]


def plain_columns(batch):
    return {name: plain(column) for name, column in batch[0].items()}


def expected_of(recipe: Recipe, seed, proto, model, batches, forward_batch, numbers):
    found = parameters_by_initializer(proto, model)
    f = recipe.features

    def tensors(by_name):
        return {
            initializer: plain((by_name[name].T if transposed else by_name[name]).contiguous().reshape(-1))
            for initializer, (name, transposed) in found.items()
        }

    return {
        "kind": recipe.kind,
        "opset": recipe.opset,
        "torch": torch.__version__,
        "seed": seed,
        "features": {"single": f.single, "multi": f.multi, "multi_length": f.multi_length, "campaign": f.campaign},
        "parameters": list(found),
        "initializers": [initializer.name for initializer in proto.graph.initializer],
        "forward": {
            "inputs": plain_columns(forward_batch),
            "labels": plain(forward_batch[1]),
            "scores": plain(numbers["scores"]),
            "loss": plain(numbers["loss"]),
            "gradients": tensors(numbers["gradients"]),
        },
        "adaptation": {
            "optimizer": "adam",
            "lr": RATE,
            "epochs": EPOCHS,
            "batches": [plain_columns(batch) for batch in batches],
            "labels": [plain(labels) for _, labels in batches],
            "losses": plain(numbers["losses"]),
            "parameters_after": tensors(numbers["parameters_after"]),
            "scores_after": plain(numbers["scores_after"]),
        },
    }


def check_file(name, proto, forward_batch, numbers):
    """The file says what PyTorch says: it is not the exporter's fault where ours differs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (scores,) = ReferenceEvaluator(inlined(proto)).run(None, forward_batch[0])
    apart = np.abs(scores - numbers["scores"].numpy()).max()
    if not apart <= 1e-6:
        raise SystemExit(f"{name}: the exported file's scores are {apart} from PyTorch's")


def inlined(proto):
    """Without local functions. onnx 1.17 forgets the defaults of a function's attributes: the calls are given them before."""
    out = onnx.ModelProto()
    out.CopyFrom(proto)
    defaults = {(function.domain, function.name): function.attribute_proto for function in out.functions}
    for nodes in [out.graph.node, *(function.node for function in out.functions)]:
        for node in nodes:
            given = {attribute.name for attribute in node.attribute}
            node.attribute.extend(a for a in defaults.get((node.domain, node.op_type), ()) if a.name not in given)
    return inline_local_functions(out)


def ops_of(proto):
    graphs = [proto.graph.node, *(function.node for function in proto.functions)]
    own = {function.name for function in proto.functions}
    ops = Counter()
    while graphs:
        for node in graphs.pop():
            if node.op_type not in own:
                ops[node.op_type] += 1
            graphs += [a.g.node for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
    return ops


def write(recipe: Recipe, name: str, out: Path) -> Counter:
    for seed in range(recipe.seed, recipe.seed + 300):
        model, batches, forward_batch, numbers, worst = well_conditioned(recipe, seed)
        if worst[0] <= 1:
            break
    else:
        raise SystemExit(f"{name}: no seed is well conditioned, the last one failed at {worst[1]} ({worst[0]:.1f} times what is allowed)")
    proto = export(recipe, model, forward_batch)
    check_file(name, proto, forward_batch, numbers)
    expected = expected_of(recipe, seed, proto, model, batches, forward_batch, numbers)
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(proto.SerializeToString(deterministic=True))
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name}: seed {seed}, {len(expected['parameters'])} parameters, {size / 1000:.0f} kB, rounding {worst[0]:.2f} ({worst[1]})")
    return ops_of(proto)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("names", nargs="*")
    arguments.add_argument("--ops", action="store_true", help="list the ops of each file")
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "golden")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    unknown = set(options.names) - set(CATALOGUE)
    if unknown:
        sys.exit(f"no such export: {', '.join(sorted(unknown))} (there are {', '.join(CATALOGUE)})")
    for name in options.names or CATALOGUE:
        ops = write(CATALOGUE[name], name, options.out)
        if options.ops:
            print("   ", " ".join(f"{op}:{count}" for op, count in sorted(ops.items())))


if __name__ == "__main__":
    main()

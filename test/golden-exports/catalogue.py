"""The golden exports by folder name: architecture, opset, features, and how each is exported."""

from collections.abc import Callable
from dataclasses import dataclass

from models import (
    BagModel,
    BatchNormMlp,
    CrossNetwork,
    DeepFM,
    DeepInterest,
    Features,
    FreshNorms,
    MetaHeac,
    Model,
    RawCosine,
    StackedTables,
    TiedItems,
    Transformer,
    TwoTower,
)


@dataclass(frozen=True)
class Recipe:
    kind: str
    opset: int
    features: Features
    make: Callable[[Features], Model]
    seed: int
    fold: bool = True
    """do_constant_folding of the exporter (its default)."""
    one_campaign: bool = False
    """The campaign's inputs are `[1]` and broadcast; otherwise they are `[batch]`."""
    functions: bool = False
    """Moved into local functions, as the newer exporter writes them."""

    def build(self) -> Model:
        return self.make(self.features)


def people(**campaign: int) -> Features:
    return Features({"gender": 2, "age": 6, "city": 17}, {"interest": 22}, {"interest": 5}, campaign)


CATALOGUE = {
    "metaheac-opset13": Recipe(
        "metaheac",
        13,
        Features({"gender": 3, "age": 8}, {"interest": 30, "kw": 25, "topic": 12}, {"interest": 7, "kw": 3, "topic": 4}, {"advertiser": 5, "category": 9, "creative": 14}),
        MetaHeac,
        1000,
    ),
    "two-tower-opset17": Recipe("two-tower", 17, people(advertiser=7, category=11), TwoTower, 2000),
    "two-tower-one-campaign-opset18": Recipe("two-tower", 18, people(advertiser=5, category=8), TwoTower, 2500, one_campaign=True),
    "raw-cosine-opset18": Recipe(
        "raw-cosine", 18, Features({}, {"interest": 18, "kw": 11}, {"interest": 4, "kw": 3}, {"category": 9}), RawCosine, 2700
    ),
    "din-opset18": Recipe("din", 18, Features({"age": 6}, {"history": 24}, {"history": 6}, {"item": 24}), DeepInterest, 3000),
    "din-unfolded-opset13": Recipe("din", 13, Features({"age": 5}, {"history": 19}, {"history": 4}, {"item": 19}), DeepInterest, 3500, fold=False),
    "deepfm-opset17": Recipe("deepfm", 17, people(advertiser=7, category=11), DeepFM, 4000),
    "dcn-v2-opset20": Recipe("dcn-v2", 20, people(category=9), CrossNetwork, 5000),
    "batch-norm-opset17": Recipe("batch-norm", 17, people(category=9), BatchNormMlp, 6000),
    "fresh-norms-opset17": Recipe(
        "fresh-norms", 17, Features({"home": 14, "work": 14, "age": 6}, {"kw": 18}, {"kw": 4}, {"category": 7}), FreshNorms, 6500
    ),
    "layer-norm-gelu-opset13": Recipe("layer-norm-gelu", 13, people(category=9), Transformer, 7000),
    "layer-norm-gelu-opset18": Recipe("layer-norm-gelu", 18, people(category=9), lambda f: Transformer(f, fused=True), 7100),
    "layer-norm-gelu-opset20": Recipe("layer-norm-gelu", 20, people(category=9), lambda f: Transformer(f, gelu="tanh", fused=True), 7200),
    "stacked-tables-opset18": Recipe(
        "stacked-tables",
        18,
        Features({"home": 15, "work": 15, "age": 16, "phone": 9, "device": 20}, {"kw": 40}, {"kw": 4}, {"category": 8, "advertiser": 6}),
        StackedTables,
        8000,
    ),
    "embedding-bag-opset18": Recipe(
        "embedding-bag", 18, Features({"age": 6}, {"interest": 20, "kw": 30, "topic": 9}, {"interest": 5, "kw": 4, "topic": 3}, {"brand": 8}), BagModel, 9000
    ),
    "embedding-bag-loop-opset17": Recipe(
        "embedding-bag",
        17,
        Features({"age": 6}, {"interest": 20, "kw": 30, "topic": 9}, {"interest": 5, "kw": 4, "topic": 3}, {"brand": 8}),
        lambda f: BagModel(f, exportable=False),
        9500,
    ),
    "embedding-bag-loop-opset20": Recipe(
        "embedding-bag",
        20,
        Features({"age": 5}, {"interest": 16, "kw": 14, "topic": 11}, {"interest": 3, "kw": 5, "topic": 4}, {"brand": 7}),
        lambda f: BagModel(f, exportable=False),
        9700,
    ),
    "tied-items-opset17": Recipe("tied-items", 17, Features({"gender": 2}, {"history": 26}, {"history": 5}, {"item": 26}), TiedItems, 10000),
    "functions-opset18": Recipe("deepfm", 18, people(advertiser=4, category=6), DeepFM, 11000, functions=True),
}

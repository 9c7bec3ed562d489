"""The architectures of the golden exports: what teams train in PyTorch, small, each with the features that it reads."""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Features:
    """Largest id of each feature (a table has one row more); multi-valued ones have their padded length as well."""

    single: dict[str, int] = field(default_factory=dict)
    multi: dict[str, int] = field(default_factory=dict)
    multi_length: dict[str, int] = field(default_factory=dict)
    campaign: dict[str, int] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The graph's inputs, in order."""
        return [
            *(f"user.{name}" for name in self.single),
            *(f"user.{name}" for name in self.multi),
            *(f"user.{name}.length" for name in self.multi),
            *(f"campaign.{name}" for name in self.campaign),
        ]


class Model(nn.Module):
    """Takes the inputs in the order of `features.names()`; `score` sees them by name and gives probabilities [batch]."""

    def __init__(self, features: Features):
        super().__init__()
        self.features = features

    def forward(self, *columns):
        return self.score(dict(zip(self.features.names(), columns)))

    def score(self, x):
        raise NotImplementedError


def table(rows: int, k: int, deviation: float = 0.3) -> nn.Embedding:
    embedding = nn.Embedding(rows, k)
    nn.init.normal_(embedding.weight, 0, deviation)
    return embedding


def token_mask(ids, length):
    """[batch, maxLength], true where a token counts."""
    return torch.arange(ids.size(1)).unsqueeze(0) < length.unsqueeze(1)


def mean_of_tokens(embedded, mask):
    """The mean over the tokens that count; the zero vector where none does."""
    weights = mask.unsqueeze(2).to(embedded.dtype)
    return (embedded * weights).sum(1) / weights.sum(1).clamp(min=1)


def mlp(*sizes: int, activation=nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers)


class Tables(nn.Module):
    """One table a feature; `fields` gives one vector a feature, multi-valued ones as the mean over their tokens."""

    def __init__(self, features: Features, k: int):
        super().__init__()
        self.features = features
        self.user = nn.ModuleDict({name: table(size + 1, k) for name, size in (features.single | features.multi).items()})
        self.campaign = nn.ModuleDict({name: table(size + 1, k) for name, size in features.campaign.items()})

    def user_fields(self, x) -> list:
        fields = [self.user[name](x[f"user.{name}"]) for name in self.features.single]
        for name in self.features.multi:
            ids = x[f"user.{name}"]
            fields.append(mean_of_tokens(self.user[name](ids), token_mask(ids, x[f"user.{name}.length"])))
        return fields

    def campaign_fields(self, x) -> list:
        return [self.campaign[name](x[f"campaign.{name}"]) for name in self.features.campaign]


class MetaHeac(Model):
    """Experts and critics stacked in one tensor each, multiplied by einsum."""

    def __init__(self, features, k=5, hidden=7, experts=3, critics=2):
        super().__init__(features)
        self.tables = Tables(features, k)
        users, campaigns = len(features.single) + len(features.multi), len(features.campaign)
        self.first = nn.Parameter(torch.randn(experts, users * k, hidden) / math.sqrt(users * k))
        self.first_bias = nn.Parameter(torch.randn(experts, hidden) * 0.1)
        self.second = nn.Parameter(torch.randn(experts, hidden, hidden) / math.sqrt(hidden))
        self.second_bias = nn.Parameter(torch.randn(experts, hidden) * 0.1)
        self.critics = nn.Linear(hidden, critics)
        self.gate_experts = nn.Sequential(mlp((1 + campaigns) * k, 6), nn.Linear(6, experts))
        self.gate_critics = nn.Sequential(mlp((1 + campaigns) * k, 6), nn.Linear(6, critics))

    def score(self, x):
        user = torch.stack(self.tables.user_fields(x), 1)
        context = torch.cat([user.mean(1), *self.tables.campaign_fields(x)], 1)
        hidden = torch.relu(torch.einsum("bi,eih->beh", user.flatten(1), self.first) + self.first_bias)
        hidden = torch.relu(torch.einsum("beh,eho->beo", hidden, self.second) + self.second_bias)
        mixed = (self.gate_experts(context).softmax(1).unsqueeze(2) * hidden).sum(1)
        return (self.gate_critics(context).softmax(1) * torch.sigmoid(self.critics(mixed))).sum(1)


class TwoTower(Model):
    """Cosine of a user tower and a campaign tower with a learned temperature."""

    def __init__(self, features, k=6):
        super().__init__(features)
        self.tables = Tables(features, k)
        users, campaigns = len(features.single) + len(features.multi), len(features.campaign)
        self.user_tower = nn.Sequential(nn.Linear(users * k, 12), nn.LeakyReLU(0.1), nn.Linear(12, 8))
        self.campaign_tower = nn.Sequential(nn.Linear(campaigns * k, 12), nn.Tanh(), nn.Linear(12, 8))
        self.temperature = nn.Parameter(torch.tensor(0.7))
        self.bias = nn.Parameter(torch.tensor([-0.2]))

    def score(self, x):
        user = F.normalize(self.user_tower(torch.cat(self.tables.user_fields(x), 1)), dim=1)
        campaign = F.normalize(self.campaign_tower(torch.cat(self.tables.campaign_fields(x), 1)), dim=1)
        return torch.sigmoid((user * campaign).sum(1) * self.temperature.exp() + self.bias)


class RawCosine(Model):
    """Cosine of the mean of the tokens, as it is, and the campaign: an empty list is the zero vector, whose norm has no gradient."""

    def __init__(self, features, k=6):
        super().__init__(features)
        self.tables = Tables(features, k)
        self.scale = nn.Linear(len(features.multi), 1)

    def score(self, x):
        (campaign,) = self.tables.campaign_fields(x)
        cosines = [F.cosine_similarity(user, campaign, dim=1) for user in self.tables.user_fields(x)]
        return torch.sigmoid(self.scale(torch.stack(cosines, 1)).squeeze(1))


class DeepInterest(Model):
    """DIN: attention of the campaign's item over the user's history, in one table of items; masked softmax; PReLU."""

    def __init__(self, features, k=6):
        super().__init__(features)
        self.items = table(features.campaign["item"] + 1, k)
        self.age = table(features.single["age"] + 1, k)
        # softmax does not see a bias that all tokens share: its gradient would be nothing but rounding
        self.attention = nn.Sequential(nn.Linear(4 * k, 10), nn.Sigmoid(), nn.Linear(10, 1, bias=False))
        self.top = nn.Sequential(nn.Linear(3 * k, 12), nn.PReLU(12), nn.Linear(12, 6), nn.PReLU(), nn.Linear(6, 1))

    def score(self, x):
        ids, length = x["user.history"], x["user.history.length"]
        item = self.items(x["campaign.item"])
        keys = self.items(ids)
        query = item.unsqueeze(1).expand_as(keys)
        weight = self.attention(torch.cat([query, keys, query - keys, query * keys], 2)).squeeze(2)
        mask = token_mask(ids, length)
        weight = torch.softmax(weight.masked_fill(~mask, -1e9), 1) * mask
        interest = torch.matmul(weight.unsqueeze(1), keys).squeeze(1)
        logit = self.top(torch.cat([interest, item, self.age(x["user.age"])], 1))
        return torch.sigmoid(logit).reshape(-1)


class DeepFM(Model):
    """First order + factorisation machine + deep part."""

    def __init__(self, features, k=6):
        super().__init__(features)
        self.embedding = Tables(features, k)
        self.linear = Tables(features, 1)
        count = len(features.single) + len(features.multi) + len(features.campaign)
        self.deep = nn.Sequential(mlp(count * k, 16, 8), nn.Linear(8, 1))
        self.bias = nn.Parameter(torch.tensor([0.05]))

    def score(self, x):
        fields = torch.stack(self.embedding.user_fields(x) + self.embedding.campaign_fields(x), dim=1)
        first = torch.cat(self.linear.user_fields(x) + self.linear.campaign_fields(x), dim=1).sum(dim=1, keepdim=True)
        square_of_sum = fields.sum(dim=1).pow(2)
        sum_of_squares = (fields**2).sum(dim=1)
        second = 0.5 * (square_of_sum - sum_of_squares).sum(dim=1, keepdim=True)
        logit = first + second + self.deep(fields.flatten(start_dim=1)) + self.bias
        return torch.sigmoid(logit.squeeze(1))


class LowRankCross(nn.Module):
    """DCN-v2's mixture of low-rank experts: x0 * (U tanh(C tanh(V x)) + b), gated, + x."""

    def __init__(self, width, rank, experts):
        super().__init__()
        self.v = nn.Parameter(torch.randn(experts, width, rank) / math.sqrt(width))
        self.c = nn.Parameter(torch.randn(experts, rank, rank) / math.sqrt(rank))
        self.u = nn.Parameter(torch.randn(experts, rank, width) / math.sqrt(rank))
        self.bias = nn.Parameter(torch.randn(width) * 0.1)
        self.gates = nn.Linear(width, experts, bias=False)

    def forward(self, x0, x):
        inner = torch.tanh(torch.matmul(x, self.v))  # [experts, batch, rank]
        inner = torch.tanh(torch.bmm(inner, self.c))
        each = x0 * (torch.matmul(inner, self.u) + self.bias)
        gates = torch.softmax(self.gates(x), dim=-1)
        return (each.permute(1, 2, 0) @ gates.unsqueeze(-1)).squeeze(-1) + x


class CrossNetwork(Model):
    """DCN-v2: a full-rank cross layer, a low-rank one, and a deep part beside them."""

    def __init__(self, features, k=4):
        super().__init__(features)
        self.tables = Tables(features, k)
        width = k * (len(features.single) + len(features.multi) + len(features.campaign))
        self.cross = nn.Linear(width, width)
        self.low_rank = LowRankCross(width, 4, 3)
        self.deep = nn.Sequential(
            nn.Linear(width, 12), nn.Softplus(), nn.Linear(12, 10), nn.ELU(), nn.Linear(10, 8), nn.Hardswish()
        )
        self.last = nn.Linear(width + 8, 1)

    def score(self, x):
        x0 = torch.cat(self.tables.user_fields(x) + self.tables.campaign_fields(x), -1)
        crossed = x0 * self.cross(x0) + x0
        crossed = self.low_rank(x0, crossed)
        return self.last(torch.cat((crossed, self.deep(x0)), -1)).sigmoid()[:, 0]


class BatchNormMlp(Model):
    """BatchNorm over features and over fields, Dropout: in inference, running statistics are buffers and stay as they are."""

    def __init__(self, features, k=5):
        super().__init__(features)
        self.tables = Tables(features, k)
        count = len(features.single) + len(features.multi) + len(features.campaign)
        self.fields = nn.BatchNorm1d(count)
        self.layers = nn.Sequential(
            nn.Linear(count * k, 14), nn.BatchNorm1d(14), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(14, 9), nn.BatchNorm1d(9, eps=1e-3), nn.SELU(), nn.Dropout(0.1), nn.Linear(9, 1),
        )  # fmt: skip
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm1d):
                nn.init.normal_(norm.running_mean, 0, 0.2)
                nn.init.uniform_(norm.running_var, 0.3, 1.5)
                nn.init.uniform_(norm.weight, 0.5, 1.5)
                nn.init.normal_(norm.bias, 0, 0.2)

    def score(self, x):
        fields = self.fields(torch.stack(self.tables.user_fields(x) + self.tables.campaign_fields(x), 1))
        return torch.sigmoid(self.layers(fields.view(fields.size(0), -1))).squeeze(-1)


class FreshNorms(Model):
    """Normalisations as they are made: their ones and zeros, and the zeros of a first-order table, are equal, and the exporter merges them."""

    def __init__(self, features, k=4):
        super().__init__(features)
        self.tables = Tables(features, k)
        # two tables of one size: both start at zero
        self.home, self.work = (nn.Embedding(features.single[name] + 1, 1) for name in ("home", "work"))
        nn.init.zeros_(self.home.weight)
        nn.init.zeros_(self.work.weight)
        width = k * (len(features.single) + len(features.multi) + len(features.campaign))
        self.layers = nn.Sequential(
            nn.Linear(width, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(8, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Sigmoid(), nn.Linear(8, 1),
        )  # fmt: skip

    def score(self, x):
        deep = self.layers(torch.cat(self.tables.user_fields(x) + self.tables.campaign_fields(x), 1))
        return torch.sigmoid(deep + self.home(x["user.home"]) + self.work(x["user.work"])).squeeze(1)


class TransformerBlock(nn.Module):
    def __init__(self, k, heads, gelu, fused):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.before = nn.LayerNorm(k)
        # a bias of the keys would shift all logits of a query alike, and have no gradient but rounding
        self.queries, self.keys, self.values = (nn.Linear(k, k, bias=False) for _ in range(3))
        self.out = nn.Linear(k, k)
        self.after = nn.LayerNorm(k, eps=1e-6)
        self.feed = nn.Sequential(nn.Linear(k, 2 * k), nn.GELU(approximate=gelu), nn.Linear(2 * k, k))

    def forward(self, x):
        batch, count, k = x.shape
        h = self.before(x)
        q, key, value = (
            part.view(batch, count, self.heads, k // self.heads).transpose(1, 2)
            for part in (self.queries(h), self.keys(h), self.values(h))
        )
        if self.fused:
            mixed = F.scaled_dot_product_attention(q, key, value)
        else:
            mixed = torch.softmax(q @ key.transpose(-2, -1) / math.sqrt(k // self.heads), -1) @ value
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, count, k))
        return x + self.feed(self.after(x))


class Transformer(Model):
    """Self-attention over the feature fields: LayerNorm, GELU, a learned place of each field."""

    def __init__(self, features, k=8, gelu="none", fused=False):
        super().__init__(features)
        self.tables = Tables(features, k)
        count = len(features.single) + len(features.multi) + len(features.campaign)
        self.places = nn.Parameter(torch.randn(count, k) * 0.2)
        self.block = TransformerBlock(k, 2, gelu, fused)
        self.norm = nn.LayerNorm(k)
        self.last = nn.Linear(k, 1)
        for norm in self.modules():
            if isinstance(norm, nn.LayerNorm):
                nn.init.uniform_(norm.weight, 0.6, 1.4)
                nn.init.normal_(norm.bias, 0, 0.1)

    def score(self, x):
        fields = torch.stack(self.tables.user_fields(x) + self.tables.campaign_fields(x), 1) + self.places
        return torch.sigmoid(self.last(self.norm(self.block(fields).mean(1)))).flatten()


class StackedTables(Model):
    """A table that two features share, one stacked table reached by offsets (`id + 17`), and one reached by hashed ids."""

    HASHED_ROWS = 13

    def __init__(self, features, k=5):
        super().__init__(features)
        self.places = table(features.single["home"] + 1, k)
        sizes = [features.single["age"] + 1, features.single["phone"] + 1, features.campaign["category"] + 1]
        self.offsets = [0, sizes[0], sizes[0] + sizes[1]]
        self.stacked = table(sum(sizes), k)
        self.hashed = table(self.HASHED_ROWS, k)
        self.layers = nn.Sequential(mlp(7 * k, 14, activation=nn.SiLU), nn.Linear(14, 1))

    def score(self, x):
        kw, advertiser = x["user.kw"], x["campaign.advertiser"]
        crossed = (x["user.device"] * 31 + advertiser) % self.HASHED_ROWS
        fields = [
            self.places(x["user.home"]),
            self.places(x["user.work"]),
            self.stacked(x["user.age"] + self.offsets[0]),
            self.stacked(x["user.phone"] + self.offsets[1]),
            self.stacked(x["campaign.category"] + self.offsets[2]),
            self.hashed(crossed),
            mean_of_tokens(self.hashed(torch.remainder(kw * 7 + 3, self.HASHED_ROWS)), token_mask(kw, x["user.kw.length"])),
        ]
        return torch.sigmoid(self.layers(torch.cat(fields, 1)))[:, 0]


class Bag(nn.Module):
    """nn.EmbeddingBag over padded ids. A sum leaves padding out by weights; a mean or maximum is of all places, padding being row 0.

    `exportable` says the same with a look-up and a reduction, for those who keep loops out of their graphs.
    """

    def __init__(self, rows, k, mode, exportable):
        super().__init__()
        self.bag = nn.EmbeddingBag(rows, k, mode=mode)
        nn.init.normal_(self.bag.weight, 0, 0.3)
        self.exportable = exportable

    def forward(self, ids, mask):
        mode, weights = self.bag.mode, mask.to(self.bag.weight.dtype)
        if not self.exportable:
            return self.bag(ids, per_sample_weights=weights) if mode == "sum" else self.bag(ids * mask)
        if mode == "sum":
            return (F.embedding(ids, self.bag.weight) * weights.unsqueeze(2)).sum(1)
        rows = F.embedding(ids * mask, self.bag.weight)
        return rows.mean(1) if mode == "mean" else rows.amax(1)


class BagModel(Model):
    """EmbeddingBags: a sum, a mean, a maximum, and one of single ids."""

    def __init__(self, features, k=6, exportable=True):
        super().__init__(features)
        self.age = table(features.single["age"] + 1, k)
        modes = zip(features.multi.items(), ("sum", "mean", "max"))
        self.bags = nn.ModuleDict({name: Bag(size + 1, k, mode, exportable) for (name, size), mode in modes})
        self.brand = Bag(features.campaign["brand"] + 1, k, "mean", exportable)
        self.layers = nn.Sequential(mlp((2 + len(features.multi)) * k, 12), nn.Linear(12, 1))

    def score(self, x):
        brand = x["campaign.brand"].unsqueeze(1)
        fields = [self.age(x["user.age"]), self.brand(brand, torch.ones_like(brand))]
        for name, bag in self.bags.items():
            ids = x[f"user.{name}"]
            fields.append(bag(ids, token_mask(ids, x[f"user.{name}.length"])))
        return torch.sigmoid(self.layers(torch.cat(fields, 1)).view(-1))


class TiedItems(Model):
    """The table of items is the output layer as well: scored is the share of the campaign's item among all items."""

    def __init__(self, features, k=8):
        super().__init__(features)
        self.items = table(features.multi["history"] + 1, k)
        self.gender = table(features.single["gender"] + 1, k)
        self.tower = nn.Sequential(nn.Linear(2 * k, 12), nn.Mish(), nn.Linear(12, k))
        self.output = nn.Linear(k, features.multi["history"] + 1)
        self.output.weight = self.items.weight

    def score(self, x):
        ids = x["user.history"]
        history = mean_of_tokens(self.items(ids), token_mask(ids, x["user.history.length"]))
        user = self.tower(torch.cat([history, self.gender(x["user.gender"])], 1))
        logits = self.output(user)  # [batch, items]
        share = F.log_softmax(logits, 1).gather(1, x["campaign.item"].unsqueeze(1)).squeeze(1)
        return torch.sigmoid(share + math.log(logits.size(1)))

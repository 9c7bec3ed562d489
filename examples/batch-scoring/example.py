"""Score users with the customised model of a campaign, outside the service, and compare with its ranking.

    python3 examples/batch-scoring/example.py CAMPAIGN_ID users.ndjson models/demo/vocabulary

The model is one ONNX file. Its metadata holds a manifest, which says how the inputs are made:

- `user.<feature>` of a single value: the id of the token. Ids are positions in `vocabulary/user.<feature>.json`, which
  belongs to the general model, beginning with 1. 0 stands for a missing value and for an unknown token.
- `user.<feature>` of a list: the ids of the known tokens, cut to `max_length` and padded with 0. Their number is in
  `user.<feature>.length`. If the feature has `"unknown": "keep"`, an unknown token stays in its place as 0.
- `user.<feature>` of a number or a vector: the values as float32, and `missing` where there is none.
- `user.past_campaigns`, if the model has it: `population import` derives the lists from the data set's history, so add
  them to the file.
- `campaign.<feature>`: in the manifest, as one row (`campaign_inputs`).
- `left_out`: a token that every user's list loses first, because the model was trained on this campaign.

Not for campaigns with a `category`, whose users are scored without some features, and with `four_fifths`, which changes
the order afterwards.
"""

import hashlib
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import onnxruntime as ort
from metaheac_client import Client

BATCH = 4096
TOLERANCE = 1e-5


def read_ids(vocabulary: Path, manifest: dict) -> dict[str, dict[str, int]]:
    """The ids of the tokens of each user feature; refuses files that are not those of the model."""
    ids = {}
    for feature in manifest["features"]["user"]:
        name = f"user.{feature['name']}"
        if feature["kind"] in ("single", "multi"):
            file = f"user.{quote(feature['name'], safe="!*'()")}.json"
            content = (vocabulary / file).read_bytes()
            if hashlib.sha256(content).hexdigest() != manifest["files"][f"vocabulary/{file}"]:
                raise SystemExit(f"{file} is the vocabulary of another model")
            ids[name] = {token: i for i, token in enumerate(json.loads(content), 1)}
    return ids


def inputs_of(users: list[Any], manifest: dict, ids: dict[str, dict[str, int]], left_out: dict | None) -> dict:
    inputs = {}
    for feature in manifest["features"]["user"]:
        name, kind = f"user.{feature['name']}", feature["kind"]
        values = [user[feature["name"]] for user in users]
        removed = left_out["id"] if left_out and left_out["input"] == name else -1
        if kind == "single":
            inputs[name] = np.array([ids[name].get(value, 0) for value in values])
        elif kind == "multi":
            is_kept = feature.get("unknown") == "keep"
            known = [[ids[name].get(token, 0) for token in value or []] for value in values]
            lists = [[i if i != removed else 0 for i in row if is_kept or i not in (0, removed)] for row in known]
            lists = [row[: feature["max_length"]] for row in lists]
            inputs[name] = np.array([row + [0] * (feature["max_length"] - len(row)) for row in lists])
            inputs[f"{name}.length"] = np.array([len(row) for row in lists])
        else:
            missing = np.nan if feature["missing"] is None else feature["missing"]
            none = [missing] * feature["size"] if kind == "vector" else missing
            inputs[name] = np.array([none if value is None else value for value in values], np.float32)
    return inputs


def main(campaign_id: str, users_path: str, vocabulary: str) -> None:
    client = Client(os.environ["METAHEAC_URL"], os.environ.get("METAHEAC_API_KEY"))
    campaign = client.wait_until_ready(campaign_id)
    if campaign["category"] or campaign["four_fifths"]:
        raise SystemExit("the service ranks this campaign in another way")
    with client.get_customised_model_stream(campaign_id) as stream:
        session = ort.InferenceSession(stream.read())
    manifest = json.loads(session.get_modelmeta().custom_metadata_map["metaheac.manifest"])
    general = manifest["general_model"]
    ids = read_ids(Path(vocabulary), general)
    wanted = {node.name: node for node in session.get_inputs()}
    users_axis = next(node.shape[0] for name, node in wanted.items() if name.startswith("user."))

    scores: dict[str, float] = {}
    with open(users_path, encoding="utf-8") as lines:
        while batch := [json.loads(line) for line in itertools.islice(lines, BATCH)]:
            inputs = inputs_of(batch, general, ids, manifest["left_out"])
            for name, row in manifest["campaign_inputs"].items():
                one = np.array(row["data"], float).reshape(row["shape"])
                is_per_user = name in wanted and wanted[name].shape[0] == users_axis
                inputs[name] = np.repeat(one, len(batch), 0) if is_per_user else one
            types = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(float)": np.float32}
            fed = {name: inputs[name].astype(types[node.type]) for name, node in wanted.items()}
            scores.update(zip((user["user_id"] for user in batch), session.run(["score"], fed)[0].tolist()))
    print(f"scored: {len(scores)} users")

    with client.get_audience_stream(campaign_id) as stream:
        ranking = [(member["user_id"], member["score"]) for member in stream.items()]
    difference = max(abs(scores[user] - score) for user, score in ranking)
    if difference > TOLERANCE:
        raise SystemExit(f"the scores differ from the service's by up to {difference}")
    mine = [scores[user] for user, _ in ranking]
    if any(later > earlier + TOLERANCE for earlier, later in itertools.pairwise(mine)):
        raise SystemExit("the order differs from the service's")
    print(f"equal to the service: scores and order of {len(ranking)} users, version {manifest['audience_version']}")


main(*sys.argv[1:])

"""Measure what a campaign causes: hold out a fifth of the audience, report conversions, read the lift.

    python3 examples/campaign-lift/example.py seeds.txt users.ndjson

`users.ndjson` has an object with a `user_id` per line. The conversions here are made up: one user in ten buys, and one
in seven of those who were reached. Yours come from the shop, for all users, whether or not they were reached.
"""

import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from metaheac_client import Client
from metaheac_client.types import ConversionsCreateConversionsItem as Conversion

BATCH = 10_000


def conversions_of(users: list[str], reached: set[str]) -> Iterator[Conversion]:
    now = datetime.now(timezone.utc).isoformat()
    for i, user in enumerate(users, 1):
        if i % 10 == 0 or (user in reached and i % 23 == 0):
            yield {"user_id": user, "time": now, "value": 20 + i % 30}


def main(seeds_path: str, users_path: str) -> None:
    client = Client(os.environ["METAHEAC_URL"], os.environ.get("METAHEAC_API_KEY"))
    with open(users_path, encoding="utf-8") as lines:
        users = [json.loads(line)["user_id"] for line in lines]

    campaign = client.create_campaign(
        {
            "name": "with a hold-out",
            "seeds": Path(seeds_path).read_text().split(),
            "audience": {"percent": 40},
            "holdout_percent": 20,
        }
    )
    campaign = client.wait_until_ready(campaign["id"])

    # held-out users are in no export, so the ad server cannot reach them
    with client.get_audience_stream(campaign["id"]) as stream:
        reached = {member["user_id"] for member in stream.items()}
    print(f"audience: {campaign['size']} users")
    print(f"reached: {len(reached)} users")

    time.sleep(1)  # only conversions after the version was created count
    conversions = conversions_of(users, reached)
    recorded = 0
    while batch := list(itertools.islice(conversions, BATCH)):
        recorded += client.record_conversions(campaign["id"], {"conversions": batch})["recorded"]
    print(f"conversions: {recorded} recorded")

    lift = client.get_lift(campaign["id"])
    for name, arm in [("treated", lift["arms"]["treated"]), ("held out", lift["arms"]["held_out"])]:
        print(f"{name}: {arm['converted']} of {arm['users']} converted")
    absolute = lift["conversion"]["absolute"]
    print(f"effect: {100 * absolute['estimate']:.1f} points")
    if interval := absolute["always_valid"]:
        print(f"interval: {100 * interval['low']:.1f} to {100 * interval['high']:.1f} points")


main(*sys.argv[1:])

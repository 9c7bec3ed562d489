"""Refresh a campaign every night: new opt-outs and customers go in, the newest population is served.

    python3 examples/nightly-import/example.py CAMPAIGN customers.txt opt-outs.txt [NIGHT]

CAMPAIGN is your own id of the campaign. Both files have one user id per line, and may be gzip (`.gz`). Run the program
after `metaheac population import` or `update`. If it fails half-way, run it again: in a night (by default today),
nothing is created twice.
"""

import os
import sys
from datetime import date
from pathlib import Path

from metaheac_client import ApiError, Client


def find_or_create(client: Client, external_id: str) -> str:
    """The id of the campaign, which is created without seeds in the first night, so nothing is expanded yet."""
    try:
        return client.create_campaign(
            {"external_id": external_id, "name": "like our customers", "seeds": None, "audience": {"percent": 5}}
        )["id"]
    except ApiError as error:
        if error.code != "external_id_taken":
            raise
        return error.problem["campaign_id"]


def main(external_id: str, customers: str, opt_outs: str, night: str = str(date.today())) -> None:
    client = Client(os.environ["METAHEAC_URL"], os.environ.get("METAHEAC_API_KEY"))

    # opt-outs first: from here on, no expansion selects them
    suppressed = client.add_suppressed_users(Path(opt_outs), content_type="text/plain")
    print(f"suppressed: {suppressed['users']} users")

    newest = next(version for version in client.list_populations()["items"] if version["newest"])
    if not newest["served"]:
        client.activate_population(newest["version"])
    print(f"population: {newest['users']} users")

    id = find_or_create(client, external_id)
    seeds = client.replace_seeds(id, Path(customers), content_type="text/plain", min_known_percent=50)
    print(f"seeds: {seeds['known']} known, {seeds['unknown']} unknown")

    # the same key all night: a second run finds the expansion of the first
    before = client.get_campaign(id)["audience_version"]
    client.create_expansion(id, idempotency_key=f"{external_id}-{night}")
    campaign = client.wait_until_ready(id)
    version = campaign["audience_version"]
    print(f"audience: {campaign['size']} users")
    if before is not None and version is not None and before != version:
        difference = client.get_audience_diff(id, before, version)
        print(f"difference: {difference['added']} added, {difference['removed']} removed")


main(*sys.argv[1:])

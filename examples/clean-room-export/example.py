"""Deliver an audience to a clean room as hashed e-mail addresses, in a bucket that the clean room reads.

    python3 examples/clean-room-export/example.py seeds.txt BUCKET [ENDPOINT]

No user id leaves the service: the files have hashes by the rule of the receiver (here UID2), held-out and suppressed
users are in none of them, and a manifest with checksums is written last. The service writes with its own credentials;
the key of this program needs scope `admin`, because it says where users go.
"""

import os
import sys
import time
from pathlib import Path

from metaheac_client import Client

LONGEST_SECONDS = 60


def main(seeds_path: str, bucket: str, endpoint: str | None = None) -> None:
    client = Client(os.environ["METAHEAC_URL"], os.environ.get("METAHEAC_API_KEY"))
    destination = client.create_destination(
        {
            "name": "clean room",
            "kind": "s3",
            "bucket": bucket,
            "prefix": "clean-room",
            "endpoint": endpoint,
            "format": "parquet",
            "identifier": "email:uid2",
            # only campaigns with this label are delivered
            "labels": {"clean-room": "yes"},
        }
    )
    test = client.test_destination(destination["id"])
    if not test["ok"]:
        raise SystemExit(f"the service cannot write to the bucket: {test['error']}")
    print("tested: the bucket can be written")

    campaign = client.create_campaign(
        {
            "name": "for the clean room",
            "labels": {"clean-room": "yes"},
            "seeds": Path(seeds_path).read_text().split(),
            "audience": {"size": 100},
        }
    )
    client.wait_until_ready(campaign["id"])

    end = time.monotonic() + LONGEST_SECONDS
    while not (delivered := client.list_destination_deliveries(destination["id"], state="delivered")["items"]):
        if time.monotonic() > end:
            raise SystemExit("nothing was delivered in time: see the log of deliveries")
        time.sleep(0.2)
    version = delivered[0]["audience_version"]
    print(f"delivered: version {version}")

    # the same hashes by the API; users without an e-mail address are in neither
    with client.get_audience_stream(campaign["id"], identifier="email", rule="uid2") as stream:
        hashes = sum(1 for _ in stream)
    print(f"hashes: {hashes}, users without: {stream.headers.get('x-without-identifier', '0')}")

    client.delete_destination(destination["id"])


main(*sys.argv[1:])

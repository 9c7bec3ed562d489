"""Keep an ad server's cache of audiences up to date with the change feed.

    python3 examples/ad-server-cache/example.py seeds.txt

An ad server answers in a millisecond from its own memory. It reads the feed every few seconds, applies only the
differences, and stores the cursor with the cache, so it continues there after a restart. The program creates, resizes
and deletes a campaign itself, to have something to follow.
"""

import os
import sys
from pathlib import Path

from metaheac_client import ApiError, Client


class Cache:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.members: dict[str, set[str]] = {}
        self.versions: dict[str, int] = {}
        self.cursor: str | None = None

    def update(self) -> None:
        """Apply all changes since the last update."""
        for page in self.client.follow_changes(self.cursor):
            for change in page["items"]:
                if change["version"] is None:
                    self.members.pop(change["campaign_id"], None)
                    self.versions.pop(change["campaign_id"], None)
                else:
                    self._activate(change["campaign_id"], change["version"], change["previous_version"])
            self.cursor = page["next_cursor"]

    def _activate(self, id: str, version: int, previous: int | None) -> None:
        try:
            if previous is not None and self.versions.get(id) == previous:
                with self.client.get_audience_diff_stream(id, previous, version) as stream:
                    for change in stream.items():
                        update = self.members[id].add if change["change"] == "added" else self.members[id].discard
                        update(change["user_id"])
            else:
                with self.client.get_audience_version_stream(id, version) as stream:
                    self.members[id] = {member["user_id"] for member in stream.items()}
            self.versions[id] = version
        except ApiError as error:
            # removed since: a later change of the feed replaces or deletes it
            if error.code not in ("audience_not_found", "campaign_not_found"):
                raise


def main(seeds_path: str) -> None:
    client = Client(os.environ["METAHEAC_URL"], os.environ.get("METAHEAC_API_KEY"))
    cache = Cache(client)
    cache.update()
    id = client.create_campaign(
        {"name": "cached", "seeds": Path(seeds_path).read_text().split(), "audience": {"size": 100}}
    )["id"]
    client.wait_until_ready(id)
    cache.update()
    print(f"created: {len(cache.members[id])} users in version {cache.versions[id]}")

    client.update_campaign(id, {"audience": {"size": 60}})
    cache.update()
    print(f"resized: {len(cache.members[id])} users in version {cache.versions[id]}")

    asked = [*cache.members[id], *client.sample_population(size=100)["user_ids"]]
    answers = client.batch_get_memberships(id, {"user_ids": asked})["items"]
    wrong = [user for user, answer in zip(asked, answers) if answer["member"] != (user in cache.members[id])]
    print(f"looked up: {len(asked)} users, {len(wrong)} of them wrong")

    client.delete_campaign(id)
    cache.update()
    print(f"deleted: {len(cache.members.get(id, ()))} users")


main(*sys.argv[1:])

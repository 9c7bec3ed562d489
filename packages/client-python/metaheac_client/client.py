"""The client: every route, and what takes several calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Iterator

from .operations import Operations

if TYPE_CHECKING:
    from .types import Campaign, Changes


class ExpansionEnded(Exception):
    """An expansion ended without an audience; `campaign` has its `state` and `reason`."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        reason = campaign["reason"]
        super().__init__(f"{campaign['state']}: {reason['message'] if reason else 'no reason was given'}")


class Client(Operations):
    """A client of one service. Threads may share it."""

    def wait_until_ready(self, id: str, *, timeout: float = 600) -> Campaign:
        """Wait until the latest expansion of a campaign is ready; return the campaign.

        Raises ExpansionEnded if the expansion ends otherwise, and TimeoutError after `timeout` seconds.
        """
        end = time.monotonic() + timeout
        pause = 0.1
        while True:
            campaign = self.get_campaign(id)
            if campaign["state"] == "ready":
                return campaign
            if campaign["state"] not in ("queued", "adapting", "scoring", "superseded"):
                raise ExpansionEnded(campaign)
            if time.monotonic() + pause > end:
                raise TimeoutError(f"campaign {id} is {campaign['state']} after {timeout} s")
            time.sleep(pause)
            pause = min(2, pause * 1.5)

    def follow_changes(self, since: str | None = None) -> Iterator[Changes]:
        """Yield the pages of changes after `since` until none is left.

        Store `next_cursor` of a page once its items are handled, and pass it as `since` the next time.
        """
        while True:
            page = self.list_changes(since=since)
            yield page
            since = page["next_cursor"]
            if not page["has_more"]:
                return

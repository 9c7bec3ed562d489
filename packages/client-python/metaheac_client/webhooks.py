"""Verification of webhook calls (Standard Webhooks)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from email.message import Message
from typing import TYPE_CHECKING, Mapping, Union

if TYPE_CHECKING:
    from . import types

    WebhookEvent = Union[
        types.CampaignReadyEvent,
        types.CampaignRefreshedEvent,
        types.CampaignTooSmallEvent,
        types.CampaignFailedEvent,
        types.CampaignResizedEvent,
        types.CampaignActivatedEvent,
        types.CampaignDeletedEvent,
        types.SuppressionExpiredEvent,
        types.WebhookPingEvent,
    ]

_TOLERANCE_SECONDS = 300
"""An older call may be a recorded one that somebody sends again."""


class WebhookRefused(Exception):
    """The call does not come from the service, or is too old."""


def verify_webhook(
    body: bytes, headers: Mapping[str, str] | Message, secret: str, *, now: float | None = None
) -> WebhookEvent:
    """Return the event of a call whose signature and time are right, otherwise raise WebhookRefused.

    `body` must be the bytes as they arrived. Calls arrive at least once: compare `webhook-id` with those of the last
    day to find duplicates. `now` replaces the clock, in seconds since 1970.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        event_id, timestamp, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        seconds = int(timestamp)
    except (KeyError, ValueError):
        raise WebhookRefused("the call has no signature") from None
    if abs((time.time() if now is None else now) - seconds) > _TOLERANCE_SECONDS:
        raise WebhookRefused("the call is too old, or the clocks differ")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)
    wanted = b"v1," + base64.b64encode(digest)
    # one signature for each active secret
    if not any(hmac.compare_digest(signature.encode(), wanted) for signature in signatures.split(" ")):
        raise WebhookRefused("the signature is wrong")
    event: WebhookEvent = json.loads(body)
    return event

"""Client of metaheac, a service that finds and ranks look-alike audiences."""

from .client import Client, ExpansionEnded
from .operations import VERSION as __version__
from .transport import ApiError, Stream
from .webhooks import WebhookRefused, verify_webhook

__all__ = ["ApiError", "Client", "ExpansionEnded", "Stream", "WebhookRefused", "__version__", "verify_webhook"]

-- Webhooks, what they are told of, and the log of how that went.

CREATE TABLE webhooks (
  number          INTEGER PRIMARY KEY AUTOINCREMENT, -- order of creation: what list cursors name
  id              TEXT    NOT NULL UNIQUE,
  url             TEXT    NOT NULL,
  events          TEXT    NOT NULL,                  -- JSON: list of event types
  description     TEXT    NOT NULL,
  enabled         INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  disabled_reason TEXT,                              -- why the service disabled it; null where the caller did
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  CHECK (disabled_reason IS NULL OR enabled = 0)
) STRICT;

-- What signs: one secret of a webhook does not expire; those that it replaced sign beside it for a while.
CREATE TABLE webhook_secrets (
  webhook    INTEGER NOT NULL REFERENCES webhooks (number) ON DELETE CASCADE,
  secret     TEXT    NOT NULL,
  expires_at INTEGER
) STRICT;
CREATE UNIQUE INDEX webhook_secrets_current ON webhook_secrets (webhook) WHERE expires_at IS NULL;
CREATE INDEX webhook_secrets_by_webhook ON webhook_secrets (webhook);

-- An event, stored once and sent byte for byte as it is. It names its campaign by id alone: the campaign may be gone.
CREATE TABLE webhook_events (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT    NOT NULL UNIQUE,                -- the header webhook-id
  type       TEXT    NOT NULL,
  body       TEXT    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- An event on its way to a webhook, over all its attempts; a replay is a delivery of its own.
CREATE TABLE webhook_deliveries (
  number           INTEGER PRIMARY KEY AUTOINCREMENT,
  id               TEXT    NOT NULL UNIQUE,
  webhook          INTEGER NOT NULL REFERENCES webhooks (number) ON DELETE CASCADE,
  event            INTEGER NOT NULL REFERENCES webhook_events (number),
  replay_of        TEXT,                             -- id of a delivery, which may be pruned
  state            TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts         INTEGER NOT NULL DEFAULT 0,
  next_attempt_at  INTEGER,
  last_attempt_at  INTEGER,
  last_status      INTEGER,                          -- of HTTP; null where there was no answer
  last_error       TEXT,
  last_duration_ms REAL,
  created_at       INTEGER NOT NULL,
  CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL))
) STRICT;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook, next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook, number);
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (created_at) WHERE state <> 'pending';

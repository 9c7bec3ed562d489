-- The whole schema. Times are milliseconds since 1970.

-- A set of users. `sha256` is the name of its file, which begins with the sha256 of the file.
CREATE TABLE user_sets (
  sha256     TEXT PRIMARY KEY,
  users      INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  filter     TEXT    NOT NULL,                                -- which users may be in the set
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE campaigns (
  number                INTEGER PRIMARY KEY AUTOINCREMENT, -- order of creation, used by list cursors
  id                    TEXT    NOT NULL UNIQUE,
  name                  TEXT    NOT NULL,
  features              TEXT    NOT NULL,                    -- values by feature name
  unknown_features      INTEGER  NOT NULL,
  missing_features      INTEGER  NOT NULL,
  audience              TEXT    NOT NULL,                    -- {"size":N} or {"percent":P}
  created_at            INTEGER  NOT NULL,
  external_id           TEXT   ,                 -- the caller's own id
  labels                TEXT    NOT NULL DEFAULT '{}',       -- text by key
  filters               TEXT    NOT NULL DEFAULT '{}',       -- tokens by user feature
  seed_set              TEXT    REFERENCES user_sets (sha256),
  seed_counts           TEXT,
  suppression_set       TEXT    REFERENCES user_sets (sha256),
  suppression_counts    TEXT,
  negative_set          TEXT    REFERENCES user_sets (sha256),
  negative_counts       TEXT,
  negative_weight       REAL    NOT NULL DEFAULT 1,          -- of an explicit negative; a sampled one has 1
  category              TEXT    CHECK (category IN ('housing', 'employment', 'credit', 'political', 'minors')), -- excludes features of users
  four_fifths           TEXT,                                  -- user feature whose groups are ranked by the rule
  refresh_every         INTEGER,                              -- milliseconds; null: never by time
  refresh_on_population  INTEGER NOT NULL DEFAULT false CHECK (refresh_on_population IN (0, 1)),
  refresh_on_change      INTEGER NOT NULL DEFAULT false CHECK (refresh_on_change IN (0, 1)),
  active_version        INTEGER,                              -- null until the first audience
  updated_at            INTEGER  NOT NULL DEFAULT 0,
  cuts                  TEXT    NOT NULL DEFAULT '[]',       -- named cuts: name, unit, from, to
  conversions           INTEGER  NOT NULL DEFAULT 0,          -- users by their latest feedback event
  clicks                INTEGER  NOT NULL DEFAULT 0,
  dismissals            INTEGER  NOT NULL DEFAULT 0,
  holdout_percent       REAL     NOT NULL DEFAULT 0 CHECK (holdout_percent BETWEEN 0 AND 50),
  holdout_key           TEXT     NOT NULL DEFAULT (lower(hex(randomblob(32)))) -- secret: decides who is held out
) STRICT;
CREATE UNIQUE INDEX campaigns_by_external_id ON campaigns (external_id) WHERE external_id IS NOT NULL;
-- Sort orders of the list.
CREATE INDEX campaigns_by_name ON campaigns (lower(name), number);
CREATE INDEX campaigns_by_creation ON campaigns (created_at, number);
CREATE INDEX campaigns_by_update ON campaigns (updated_at, number);
CREATE INDEX campaigns_by_seed_set ON campaigns (seed_set) WHERE seed_set IS NOT NULL;
CREATE INDEX campaigns_by_suppression_set ON campaigns (suppression_set) WHERE suppression_set IS NOT NULL;
CREATE INDEX campaigns_by_negative_set ON campaigns (negative_set) WHERE negative_set IS NOT NULL;
-- Campaigns that the schedule looks at every few seconds.
CREATE INDEX campaigns_refreshed ON campaigns (number)
  WHERE refresh_every IS NOT NULL OR refresh_on_population OR refresh_on_change;

-- A run of the online stage for a campaign, with a copy of the campaign's inputs.
CREATE TABLE expansions (
  number                 INTEGER PRIMARY KEY AUTOINCREMENT,
  id                     TEXT    NOT NULL UNIQUE,
  campaign               INTEGER  NOT NULL REFERENCES campaigns (number),
  latest                  INTEGER NOT NULL CHECK (latest IN (0, 1)),
  state                  TEXT    NOT NULL CHECK (state IN ('queued', 'adapting', 'scoring', 'ready', 'too_small', 'failed', 'cancelled', 'superseded')),
  progress               REAL NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
  reason                 TEXT,                               -- code, message, numbers
  seed_set               TEXT    NOT NULL REFERENCES user_sets (sha256),
  seeds_received         INTEGER  NOT NULL,
  seeds_known            INTEGER  NOT NULL,
  seeds_unknown          INTEGER  NOT NULL,
  seeds_outside          INTEGER  NOT NULL DEFAULT 0,
  seeds_duplicate        INTEGER  NOT NULL,
  unknown_examples       TEXT    NOT NULL,                   -- at most 10 user ids
  model_version          TEXT,                               -- both are pinned by the first attempt
  population_version     TEXT,
  timings                TEXT    NOT NULL DEFAULT '{}',      -- seconds by stage
  quality                TEXT,                               -- the engine's report
  created_at             INTEGER  NOT NULL,
  updated_at             INTEGER  NOT NULL,
  cause                  TEXT    NOT NULL DEFAULT 'created' CHECK (cause IN ('created', 'requested', 'interval', 'population', 'change')),
  features               TEXT    NOT NULL DEFAULT '{}',
  filters                TEXT    NOT NULL DEFAULT '{}',
  suppression_set        TEXT    REFERENCES user_sets (sha256), -- the campaign's
  common_suppression_set TEXT    REFERENCES user_sets (sha256), -- the installation's
  positive_set           TEXT    REFERENCES user_sets (sha256), -- users who converted or clicked
  dismissed_set          TEXT    REFERENCES user_sets (sha256), -- users who dismissed
  positives              INTEGER  NOT NULL DEFAULT 0,         -- users in positive_set
  dismissed              INTEGER  NOT NULL DEFAULT 0,
  negative_set           TEXT    REFERENCES user_sets (sha256), -- the campaign's
  negatives              INTEGER  NOT NULL DEFAULT 0,         -- users in negative_set
  negative_weight        REAL    NOT NULL DEFAULT 1,
  category               TEXT    CHECK (category IN ('housing', 'employment', 'credit', 'political', 'minors')),
  four_fifths            TEXT,
  excluded               TEXT,                               -- seeds, suppressed, filtered
  started_at             INTEGER,                             -- when the first attempt began to adapt
  computed_with          TEXT,
  receipt                TEXT,                               -- of the ranking; signed
  consent_bases          TEXT    NOT NULL DEFAULT '{}',      -- of the sets, when the expansion was created
  CHECK (seeds_received = seeds_known + seeds_unknown + seeds_outside + seeds_duplicate),
  CHECK ((model_version IS NULL) = (population_version IS NULL))
) STRICT;
CREATE UNIQUE INDEX expansions_latest ON expansions (campaign) WHERE latest;
CREATE INDEX expansions_by_state ON expansions (state, campaign) WHERE latest;
CREATE INDEX expansions_by_update ON expansions (updated_at, campaign) WHERE latest;
CREATE INDEX expansions_by_campaign ON expansions (campaign, number);
CREATE INDEX expansions_failed ON expansions (updated_at) WHERE state = 'failed';
CREATE INDEX expansions_ready ON expansions (number) WHERE state = 'ready';
CREATE INDEX expansions_by_seed_set ON expansions (seed_set);
CREATE INDEX expansions_by_suppression_set ON expansions (suppression_set) WHERE suppression_set IS NOT NULL;
CREATE INDEX expansions_by_common_suppression_set ON expansions (common_suppression_set)
  WHERE common_suppression_set IS NOT NULL;
CREATE INDEX expansions_by_positive_set ON expansions (positive_set) WHERE positive_set IS NOT NULL;
CREATE INDEX expansions_by_dismissed_set ON expansions (dismissed_set) WHERE dismissed_set IS NOT NULL;
CREATE INDEX expansions_by_negative_set ON expansions (negative_set) WHERE negative_set IS NOT NULL;

-- Unfinished work: an expansion has a job exactly as long as it is queued, adapting or scoring.
CREATE TABLE jobs (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT   NOT NULL UNIQUE,
  expansion   INTEGER NOT NULL UNIQUE REFERENCES expansions (number),
  queued_at   INTEGER NOT NULL,
  run_after   INTEGER NOT NULL,
  attempt     INTEGER NOT NULL DEFAULT 0,                     -- claims so far that count
  owner       TEXT  ,
  lease_until INTEGER,
  token       INTEGER NOT NULL DEFAULT 0,                     -- of the last claim; no two claims have the same
  deaths      INTEGER NOT NULL DEFAULT 0,                     -- attempts that ended with the death of the engine
  turn        INTEGER NOT NULL DEFAULT 0,                     -- the job with the earliest turn goes first
  traceparent TEXT,
  CHECK ((owner IS NULL) = (lease_until IS NULL))
) STRICT;
CREATE INDEX jobs_by_owner ON jobs (owner) WHERE owner IS NOT NULL;
CREATE INDEX jobs_by_lease ON jobs (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX jobs_by_turn ON jobs (turn, number);

-- Immutable: the first `size` ranks of the ranking in `folder`.
CREATE TABLE audiences (
  campaign           INTEGER NOT NULL REFERENCES campaigns (number),
  version            INTEGER NOT NULL CHECK (version >= 1),
  expansion          INTEGER NOT NULL REFERENCES expansions (number),
  size               INTEGER NOT NULL,
  candidates         INTEGER NOT NULL,
  population_size    INTEGER NOT NULL,                        -- what a percentage is of
  folder             TEXT   NOT NULL,            -- name of the ranking's blobs
  population_version TEXT   NOT NULL,
  created_at         INTEGER NOT NULL,
  cuts               TEXT   NOT NULL DEFAULT '[]',           -- named ranges of ranks: name, from, to
  holdout_percent    REAL    NOT NULL DEFAULT 0,              -- the campaign's, when the version was made
  cause              TEXT   NOT NULL CHECK (cause IN ('created', 'requested', 'interval', 'population', 'change', 'resize')),
  changed            TEXT,                                   -- what differs from the version before
  PRIMARY KEY (campaign, version),
  CHECK (size BETWEEN 1 AND candidates),
  CHECK (candidates <= population_size)
) STRICT, WITHOUT ROWID;
CREATE INDEX audiences_by_expansion ON audiences (expansion);
CREATE INDEX audiences_by_folder ON audiences (folder);

-- Changes of active versions, for ad servers.
CREATE TABLE changes (
  number           INTEGER PRIMARY KEY AUTOINCREMENT,
  campaign_id      TEXT   NOT NULL,              -- text: a deleted campaign has no row
  cause            TEXT   NOT NULL CHECK (cause IN ('created', 'requested', 'interval', 'population', 'change', 'resize', 'rollback', 'deletion')),
  changed          TEXT,                         -- what differs from the version before
  version          INTEGER,
  previous_version INTEGER,
  size             INTEGER,
  cuts             TEXT,                         -- of the version: name, from, to
  changed_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_by_campaign ON changes (campaign_id, version);

-- One row.
CREATE TABLE installation (
  id                 INTEGER PRIMARY KEY CHECK (id = 1),
  suppression_set    TEXT   REFERENCES user_sets (sha256),
  suppression_counts TEXT,
  database_id        TEXT   NOT NULL DEFAULT '',
  generation         TEXT   NOT NULL DEFAULT ''
) STRICT;
INSERT INTO installation (id, database_id, generation)
  VALUES (1, lower(hex(randomblob(16))), lower(hex(randomblob(16))));

-- Responses that are given again to a repeated request.
CREATE TABLE idempotency_keys (
  key            TEXT   PRIMARY KEY,
  request_sha256 TEXT   NOT NULL,
  campaign_id    TEXT   NOT NULL,
  answer         TEXT   NOT NULL,                            -- the body, JSON
  created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
-- Responses with examples of unknown seeds.
CREATE INDEX idempotency_keys_with_ids ON idempotency_keys (key) WHERE answer LIKE '%"unknown_examples":["%';

-- Webhooks, and destinations, which receive the events of new audiences as files.
CREATE TABLE webhooks (
  number          INTEGER PRIMARY KEY AUTOINCREMENT,
  id              TEXT    NOT NULL UNIQUE,
  url             TEXT    NOT NULL,
  events          TEXT    NOT NULL,                          -- list of event types
  description     TEXT    NOT NULL,
  enabled          INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  disabled_reason TEXT,                                      -- why the service disabled it; null if the caller did
  destination     TEXT,                                      -- settings of a destination; null for a webhook
  created_at      INTEGER  NOT NULL,
  updated_at      INTEGER  NOT NULL,
  CHECK (disabled_reason IS NULL OR NOT enabled)
) STRICT;

-- One secret of a webhook does not expire; secrets that it replaced sign too until they expire.
CREATE TABLE webhook_secrets (
  webhook    INTEGER NOT NULL REFERENCES webhooks (number) ON DELETE CASCADE,
  secret     TEXT   NOT NULL,
  expires_at INTEGER
) STRICT;
CREATE UNIQUE INDEX webhook_secrets_current ON webhook_secrets (webhook) WHERE expires_at IS NULL;
CREATE INDEX webhook_secrets_by_webhook ON webhook_secrets (webhook);

-- An event, sent byte for byte as it is stored. It refers to its campaign by id only.
CREATE TABLE webhook_events (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT   NOT NULL UNIQUE,
  type        TEXT   NOT NULL,
  body        TEXT   NOT NULL,
  created_at  INTEGER NOT NULL,
  traceparent TEXT
) STRICT;
CREATE INDEX webhook_events_by_age ON webhook_events (created_at);

-- The delivery of an event to a webhook, with all its attempts; a replay is a delivery of its own.
CREATE TABLE webhook_deliveries (
  number           INTEGER PRIMARY KEY AUTOINCREMENT,
  id               TEXT   NOT NULL UNIQUE,
  webhook          INTEGER NOT NULL REFERENCES webhooks (number) ON DELETE CASCADE,
  event            INTEGER NOT NULL REFERENCES webhook_events (number),
  replay_of        TEXT,                                     -- id of a delivery, which may be gone
  state            TEXT   NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts         INTEGER NOT NULL DEFAULT 0,
  next_attempt_at  INTEGER,
  last_attempt_at  INTEGER,
  last_status      INTEGER,                                   -- of HTTP; null without a response
  last_error       TEXT,
  last_duration_ms REAL,
  created_at       INTEGER NOT NULL,
  CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL))
) STRICT;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook, next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook, number);
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (created_at) WHERE state <> 'pending';
CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (webhook, number) WHERE state = 'failed';

-- The latest event of a user in a campaign.
CREATE TABLE feedback (
  campaign    INTEGER NOT NULL,                               -- number of a campaign, which may be deleted
  user_id     TEXT   NOT NULL,
  event       TEXT   NOT NULL CHECK (event IN ('conversion', 'click', 'dismissal')),
  happened_at INTEGER NOT NULL,
  PRIMARY KEY (campaign, user_id)
) STRICT, WITHOUT ROWID;

-- What users did that a campaign wants, whether they were treated or held out.
CREATE TABLE conversions (
  campaign    INTEGER NOT NULL,                               -- number of a campaign, which may be deleted
  user_id     TEXT    NOT NULL,
  happened_at INTEGER NOT NULL,
  value       REAL    NOT NULL,
  PRIMARY KEY (campaign, user_id, happened_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversions_by_age ON conversions (happened_at);

-- When users of suppression lists expire; other users never do.
CREATE TABLE list_expiries (
  campaign   INTEGER NOT NULL,                                -- number of a campaign; 0: the installation's list
  user_id    TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (campaign, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX list_expiries_by_time ON list_expiries (expires_at, campaign);

CREATE TABLE erasure_requests (
  user_id TEXT PRIMARY KEY                       -- deleted when its erasure is done
) STRICT, WITHOUT ROWID;

CREATE TABLE erasures (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  users     INTEGER NOT NULL,                                 -- ids, known or not
  sets      INTEGER NOT NULL,                                 -- user sets that had one of them
  feedback  INTEGER NOT NULL,                                 -- events
  answers   INTEGER NOT NULL,                                 -- stored responses
  erased_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT   NOT NULL UNIQUE,             -- what the key begins with
  sha256     TEXT   NOT NULL,                                -- of the whole key
  name       TEXT   NOT NULL,
  scope      TEXT   NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
  labels     TEXT   NOT NULL,                                -- text by key; a campaign must have all of them
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,                                         -- a revoked key keeps its row
  expired_at INTEGER,                                         -- when it was found to be expired: it stays so
  CHECK (scope <> 'admin' OR labels = '{}')
) STRICT;

CREATE TABLE audit_log (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  at          INTEGER NOT NULL,
  actor       TEXT   NOT NULL,
  address     TEXT,                                          -- of the client
  action      TEXT   NOT NULL,
  resource    TEXT,
  resource_id TEXT,
  status      INTEGER,                                        -- of HTTP
  request_id  TEXT,
  facts       TEXT,                                          -- what else to know about the action
  reached_at  INTEGER NOT NULL DEFAULT 0                      -- the latest time of the log so far
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (at, number);
CREATE INDEX audit_log_by_reached ON audit_log (reached_at, number);

-- One row: entries before this time may be deleted.
CREATE TABLE audit_retention (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  before INTEGER NOT NULL
) STRICT;
INSERT INTO audit_retention (one, before) VALUES (1, 0);

CREATE TRIGGER audit_log_is_not_replaced BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE number = new.number)
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_log_is_not_updated BEFORE UPDATE ON audit_log
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_log_is_not_deleted BEFORE DELETE ON audit_log
WHEN old.at >= (SELECT before FROM audit_retention)
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- One row, written to find out whether the database can be written to.
CREATE TABLE probe (
  number     INTEGER PRIMARY KEY CHECK (number = 1),
  written_at INTEGER NOT NULL
) STRICT;
INSERT INTO probe (number, written_at) VALUES (1, 0);

-- One row: the last stored time that was right; `clock_used` has the last stored time, right or not.
CREATE TABLE clock (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  seen_at INTEGER NOT NULL,
  elapsed REAL NOT NULL,
  boot    TEXT,
  highest INTEGER NOT NULL
) STRICT;
CREATE TABLE clock_used (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  used_at INTEGER NOT NULL,
  elapsed REAL NOT NULL,
  boot    TEXT
) STRICT;

-- By how much the time went forward because the clock was corrected.
CREATE TABLE clock_steps (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at     INTEGER NOT NULL,
  ms     INTEGER NOT NULL
) STRICT;

-- The key that signs receipts.
CREATE TABLE receipt_key (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  private_key TEXT    NOT NULL,                               -- Ed25519, PKCS #8 in PEM
  created_at  INTEGER NOT NULL
) STRICT;

-- Folders of blobs that no row refers to any more.
CREATE TABLE unused_blobs (
  folder       TEXT   PRIMARY KEY,
  unused_since INTEGER NOT NULL,
  removed_at   INTEGER                                        -- when it was removed for the first time
) STRICT, WITHOUT ROWID;
-- Folders to remove for the first time, and once more.
CREATE INDEX unused_blobs_new ON unused_blobs (unused_since) WHERE removed_at IS NULL;
CREATE INDEX unused_blobs_removed ON unused_blobs (removed_at) WHERE removed_at IS NOT NULL;

-- Number of announcements of each topic: how processes learn of each other's commits.
CREATE TABLE announcements (
  topic  TEXT    PRIMARY KEY,
  number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: what the indexes with the checksums of rows were made for.
CREATE TABLE schema_sum (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL,                           -- user_version, when the indexes were made
  format  INTEGER NOT NULL,                           -- of the checksums
  sum     INTEGER NOT NULL                            -- crc32 of all statements of the schema
) STRICT;

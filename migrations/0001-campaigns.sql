-- Campaigns, their expansions, audiences and jobs. Times are milliseconds since 1970; JSON is text.

-- A set of seeds lies in seeds/<sha256>.txt; campaigns with the same set share it.
CREATE TABLE seed_sets (
  sha256     TEXT    PRIMARY KEY,
  users      INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE campaigns (
  number           INTEGER PRIMARY KEY AUTOINCREMENT, -- order of creation: what list cursors name
  id               TEXT    NOT NULL UNIQUE,
  name             TEXT    NOT NULL,
  features         TEXT    NOT NULL,                  -- JSON: values by feature name
  unknown_features INTEGER NOT NULL,
  missing_features INTEGER NOT NULL,
  audience         TEXT    NOT NULL,                  -- JSON: {"size":N} or {"percent":P}
  created_at       INTEGER NOT NULL
) STRICT;

-- One run of the online stage for a campaign.
CREATE TABLE expansions (
  number             INTEGER PRIMARY KEY AUTOINCREMENT,
  id                 TEXT    NOT NULL UNIQUE,
  campaign           INTEGER NOT NULL REFERENCES campaigns (number),
  latest             INTEGER NOT NULL CHECK (latest IN (0, 1)),
  state              TEXT    NOT NULL CHECK (state IN ('queued', 'adapting', 'scoring', 'ready', 'too_small', 'failed', 'cancelled', 'superseded')),
  progress           REAL    NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
  reason             TEXT,                            -- JSON: code, message, numbers
  seed_set           TEXT    NOT NULL REFERENCES seed_sets (sha256),
  seeds_received     INTEGER NOT NULL,
  seeds_known        INTEGER NOT NULL,
  seeds_unknown      INTEGER NOT NULL,
  seeds_duplicate    INTEGER NOT NULL,
  unknown_examples   TEXT    NOT NULL,                -- JSON: at most 10 user ids
  model_version      TEXT,                            -- both pinned by the first attempt
  population_version TEXT,
  timings            TEXT    NOT NULL DEFAULT '{}',   -- JSON: seconds by stage
  quality            TEXT,                            -- JSON: the engine's report
  created_at         INTEGER NOT NULL,
  updated_at         INTEGER NOT NULL,
  CHECK (seeds_received = seeds_known + seeds_unknown + seeds_duplicate),
  CHECK ((model_version IS NULL) = (population_version IS NULL))
) STRICT;

CREATE UNIQUE INDEX expansions_latest ON expansions (campaign) WHERE latest = 1;
CREATE INDEX expansions_by_state ON expansions (state, campaign) WHERE latest = 1;

-- Immutable: the first `size` ranks of the ranking in `folder`.
CREATE TABLE audiences (
  campaign           INTEGER NOT NULL REFERENCES campaigns (number),
  version            INTEGER NOT NULL CHECK (version >= 1),
  expansion          INTEGER NOT NULL UNIQUE REFERENCES expansions (number),
  size               INTEGER NOT NULL,
  candidates         INTEGER NOT NULL,
  folder             TEXT    NOT NULL,                -- relative to the data folder
  population_version TEXT    NOT NULL,
  created_at         INTEGER NOT NULL,
  PRIMARY KEY (campaign, version),
  CHECK (size BETWEEN 1 AND candidates)
) STRICT, WITHOUT ROWID;

-- Work that is not done: an expansion has a job exactly as long as it is queued, adapting or scoring.
CREATE TABLE jobs (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,      -- the order of the queue
  id          TEXT    NOT NULL UNIQUE,
  expansion   INTEGER NOT NULL UNIQUE REFERENCES expansions (number),
  queued_at   INTEGER NOT NULL,
  run_after   INTEGER NOT NULL,
  attempt     INTEGER NOT NULL DEFAULT 0,             -- claims so far
  owner       TEXT,
  lease_until INTEGER,
  CHECK ((owner IS NULL) = (lease_until IS NULL))
) STRICT;

CREATE INDEX jobs_by_owner ON jobs (owner) WHERE owner IS NOT NULL;
CREATE INDEX jobs_by_lease ON jobs (lease_until) WHERE lease_until IS NOT NULL;

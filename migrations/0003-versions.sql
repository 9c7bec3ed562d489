-- Campaigns hold inputs that change; an expansion is a snapshot of them; an audience version is a ranking with a size, one of them active.

ALTER TABLE seed_sets RENAME TO user_sets;

ALTER TABLE campaigns ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';           -- JSON: text by key
ALTER TABLE campaigns ADD COLUMN filters TEXT NOT NULL DEFAULT '{}';          -- JSON: tokens by user feature
ALTER TABLE campaigns ADD COLUMN seed_set TEXT REFERENCES user_sets (sha256); -- null: none were given yet
ALTER TABLE campaigns ADD COLUMN seed_counts TEXT;                            -- JSON: received, known, unknown, duplicate, examples; when they were counted
ALTER TABLE campaigns ADD COLUMN suppression_set TEXT REFERENCES user_sets (sha256);
ALTER TABLE campaigns ADD COLUMN suppression_counts TEXT;
ALTER TABLE campaigns ADD COLUMN refresh_every INTEGER;                       -- milliseconds; null: never by time
ALTER TABLE campaigns ADD COLUMN refresh_on_population INTEGER NOT NULL DEFAULT 0 CHECK (refresh_on_population IN (0, 1));
ALTER TABLE campaigns ADD COLUMN refresh_on_change INTEGER NOT NULL DEFAULT 0 CHECK (refresh_on_change IN (0, 1));
ALTER TABLE campaigns ADD COLUMN active_version INTEGER;                      -- null until the first audience
ALTER TABLE campaigns ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;

ALTER TABLE expansions ADD COLUMN cause TEXT NOT NULL DEFAULT 'created' CHECK (cause IN ('created', 'requested', 'interval', 'population', 'change'));
ALTER TABLE expansions ADD COLUMN features TEXT NOT NULL DEFAULT '{}';        -- as the campaign's when it was made
ALTER TABLE expansions ADD COLUMN filters TEXT NOT NULL DEFAULT '{}';
ALTER TABLE expansions ADD COLUMN suppression_set TEXT REFERENCES user_sets (sha256);        -- the campaign's
ALTER TABLE expansions ADD COLUMN common_suppression_set TEXT REFERENCES user_sets (sha256); -- the installation's
ALTER TABLE expansions ADD COLUMN positive_set TEXT REFERENCES user_sets (sha256);           -- users who converted or clicked
ALTER TABLE expansions ADD COLUMN dismissed_set TEXT REFERENCES user_sets (sha256);          -- users who dismissed
ALTER TABLE expansions ADD COLUMN positives INTEGER NOT NULL DEFAULT 0;       -- users in positive_set
ALTER TABLE expansions ADD COLUMN dismissed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE expansions ADD COLUMN excluded TEXT;                              -- JSON: seeds, suppressed, filtered
ALTER TABLE expansions ADD COLUMN started_at INTEGER;                         -- when its first attempt began to adapt
CREATE INDEX expansions_by_campaign ON expansions (campaign, number);

UPDATE expansions SET features = (SELECT features FROM campaigns c WHERE c.number = campaign);
UPDATE campaigns SET updated_at = created_at,
  active_version = (SELECT max(version) FROM audiences a WHERE a.campaign = campaigns.number);
UPDATE campaigns SET (seed_set, seed_counts) = (
  SELECT seed_set, json_object('received', seeds_received, 'known', seeds_known, 'unknown', seeds_unknown, 'duplicate', seeds_duplicate,
                               'unknownExamples', json(unknown_examples))
  FROM expansions e WHERE e.campaign = campaigns.number AND e.latest = 1);

-- An expansion may have several versions now: one a size.
CREATE TABLE new_audiences (
  campaign           INTEGER NOT NULL REFERENCES campaigns (number),
  version            INTEGER NOT NULL CHECK (version >= 1),
  expansion          INTEGER NOT NULL REFERENCES expansions (number),
  size               INTEGER NOT NULL,
  candidates         INTEGER NOT NULL,
  population_size    INTEGER NOT NULL,                -- what a percentage is of
  folder             TEXT    NOT NULL,                -- relative to the data folder
  population_version TEXT    NOT NULL,
  created_at         INTEGER NOT NULL,
  PRIMARY KEY (campaign, version),
  CHECK (size BETWEEN 1 AND candidates),
  CHECK (candidates <= population_size)
) STRICT, WITHOUT ROWID;

INSERT INTO new_audiences
  SELECT a.campaign, a.version, a.expansion, a.size, a.candidates, a.candidates + e.seeds_known, a.folder, a.population_version, a.created_at
  FROM audiences a JOIN expansions e ON e.number = a.expansion;
DROP TABLE audiences;
ALTER TABLE new_audiences RENAME TO audiences;
CREATE INDEX audiences_by_expansion ON audiences (expansion);
CREATE INDEX audiences_by_folder ON audiences (folder);

-- What ad servers follow: the active version of every campaign, in the order of its changes.
CREATE TABLE changes (
  number           INTEGER PRIMARY KEY AUTOINCREMENT,
  campaign_id      TEXT    NOT NULL,                  -- text: a deleted campaign has no row
  kind             TEXT    NOT NULL CHECK (kind IN ('activated', 'deleted')),
  version          INTEGER,
  previous_version INTEGER,
  size             INTEGER,
  changed_at       INTEGER NOT NULL
) STRICT;

INSERT INTO changes (campaign_id, kind, version, size, changed_at)
  SELECT c.id, 'activated', a.version, a.size, a.created_at
  FROM campaigns c JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version ORDER BY a.created_at, c.number;

-- The last event of a user in a campaign.
CREATE TABLE feedback (
  campaign    INTEGER NOT NULL REFERENCES campaigns (number),
  user_id     TEXT    NOT NULL,
  event       TEXT    NOT NULL CHECK (event IN ('conversion', 'click', 'dismissal')),
  happened_at INTEGER NOT NULL,
  PRIMARY KEY (campaign, user_id)
) STRICT, WITHOUT ROWID;

-- What holds for all campaigns: one row.
CREATE TABLE installation (
  id                 INTEGER PRIMARY KEY CHECK (id = 1),
  suppression_set    TEXT REFERENCES user_sets (sha256),
  suppression_counts TEXT
) STRICT;
INSERT INTO installation (id) VALUES (1);

-- Answers that are given again to a request that is sent again.
CREATE TABLE idempotency_keys (
  key            TEXT    PRIMARY KEY,
  request_sha256 TEXT    NOT NULL,
  campaign_id    TEXT    NOT NULL,
  answer         TEXT    NOT NULL,                    -- JSON: the body
  created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- API keys: what each may do, and the hash of its secret.

CREATE TABLE api_keys (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,       -- order of creation: what list cursors name
  id         TEXT    NOT NULL UNIQUE,                 -- what the key begins with: mh_ and 12 hexadecimal digits
  sha256     TEXT    NOT NULL,                        -- of the whole key, hexadecimal
  name       TEXT    NOT NULL,
  scope      TEXT    NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
  labels     TEXT    NOT NULL,                        -- JSON: text by key; a campaign must have all of them
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,                                 -- a revoked key keeps its row: once there was a key, one is needed
  CHECK (scope <> 'admin' OR labels = '{}')
) STRICT;

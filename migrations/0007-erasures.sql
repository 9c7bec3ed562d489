-- Erasure of users: ids that are still to be erased here, and what was done, without ids.

CREATE TABLE erasure_requests (
  user_id TEXT PRIMARY KEY                            -- deleted when its erasure is done
) STRICT, WITHOUT ROWID;

CREATE TABLE erasures (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  users     INTEGER NOT NULL,                         -- ids, whether anything was known of them or not
  sets      INTEGER NOT NULL,                         -- user sets that had one of them
  feedback  INTEGER NOT NULL,                         -- events
  answers   INTEGER NOT NULL,                         -- responses kept for repeated requests
  erased_at INTEGER NOT NULL
) STRICT;

-- The answers that show ids of unknown seeds.
CREATE INDEX idempotency_keys_with_ids ON idempotency_keys (key)
  WHERE CASE WHEN json_valid(answer) THEN json_array_length(answer, '$.seeds.unknown_examples') END > 0;

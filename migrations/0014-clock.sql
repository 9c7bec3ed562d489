-- What survives a clock that jumps: the time that was right last, its corrections, expired keys, the order of the audit log.

-- One row: the service's time (milliseconds since 1970) when it was last written, and monotonic time in that run of the machine.
CREATE TABLE clock (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  seen_at INTEGER NOT NULL,
  elapsed REAL    NOT NULL,
  boot    TEXT,
  highest INTEGER NOT NULL                            -- seen_at, at its highest
) STRICT;

-- By how much the time went forward because the clock was corrected: what was made before is not older by it.
CREATE TABLE clock_steps (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at     INTEGER NOT NULL,
  ms     INTEGER NOT NULL
) STRICT;

ALTER TABLE api_keys ADD COLUMN expired_at INTEGER;   -- when it was found to be expired: it stays so

DROP TRIGGER audit_log_is_not_updated;
ALTER TABLE audit_log ADD COLUMN reached_at INTEGER NOT NULL DEFAULT 0; -- the latest time that the log has had: never falls
UPDATE audit_log SET reached_at = highest
FROM (SELECT number AS entry, max(at) OVER (ORDER BY number) AS highest FROM audit_log) WHERE number = entry;
CREATE INDEX audit_log_by_reached ON audit_log (reached_at, number);
CREATE TRIGGER audit_log_is_not_updated BEFORE UPDATE ON audit_log
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

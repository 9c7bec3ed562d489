-- Traces of jobs and events (W3C traceparent, null without one), the row that readiness writes, and the last failures.

ALTER TABLE jobs ADD COLUMN traceparent TEXT;
ALTER TABLE webhook_events ADD COLUMN traceparent TEXT;

-- One row: written and committed to learn whether the disk takes it.
CREATE TABLE probe (
  number     INTEGER PRIMARY KEY CHECK (number = 1),
  written_at INTEGER NOT NULL
) STRICT;
INSERT INTO probe (number, written_at) VALUES (1, 0);

CREATE INDEX expansions_failed ON expansions (updated_at) WHERE state = 'failed';

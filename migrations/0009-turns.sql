-- The order of the queue: when a job is to begin, in milliseconds since 1970 (src/campaigns/turns.ts).

ALTER TABLE jobs ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET turn = queued_at;
CREATE INDEX jobs_by_turn ON jobs (turn, number);

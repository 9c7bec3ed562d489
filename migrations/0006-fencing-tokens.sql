-- Each claim of a job has a token that no other claim of it had or will have; attempts are forgiven, tokens never.

ALTER TABLE jobs ADD COLUMN token INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET token = attempt;

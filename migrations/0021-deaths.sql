-- Attempts whose engine died are counted apart from those that failed.

-- Which attempts of waiting jobs died before this step is not known; they count as failed.
ALTER TABLE jobs ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;

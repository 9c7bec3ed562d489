-- expand: attempts whose engine died are counted apart from those that failed

-- Which attempts of waiting jobs died before this step is not known; they count as failed, and so do deaths that a
-- process of the release before counts.
ALTER TABLE jobs ADD COLUMN deaths bigint NOT NULL DEFAULT 0;

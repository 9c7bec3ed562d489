-- Feedback of a million users is written, read and removed in slices: what it comes to is counted as it changes, and its rows go after their campaign's.

ALTER TABLE campaigns ADD COLUMN conversions INTEGER NOT NULL DEFAULT 0; -- users of feedback by their last event
ALTER TABLE campaigns ADD COLUMN clicks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaigns ADD COLUMN dismissals INTEGER NOT NULL DEFAULT 0;
UPDATE campaigns SET (conversions, clicks, dismissals) = (
  SELECT count(*) FILTER (WHERE event = 'conversion'), count(*) FILTER (WHERE event = 'click'), count(*) FILTER (WHERE event = 'dismissal')
  FROM feedback f WHERE f.campaign = campaigns.number);

CREATE TABLE new_feedback (
  campaign    INTEGER NOT NULL,                       -- number of a campaign, or of one that was deleted: no number is given twice
  user_id     TEXT    NOT NULL,
  event       TEXT    NOT NULL CHECK (event IN ('conversion', 'click', 'dismissal')),
  happened_at INTEGER NOT NULL,
  PRIMARY KEY (campaign, user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO new_feedback SELECT campaign, user_id, event, happened_at FROM feedback;
DROP TABLE feedback;
ALTER TABLE new_feedback RENAME TO feedback;

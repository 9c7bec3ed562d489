-- The caller's own id of a campaign, if it gave one.
ALTER TABLE campaigns ADD COLUMN external_id TEXT;

CREATE UNIQUE INDEX campaigns_by_external_id ON campaigns (external_id) WHERE external_id IS NOT NULL;

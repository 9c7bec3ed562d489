-- expand: indexes for statements that would read all rows of a large store

-- Campaigns that the leader looks at every few seconds.
CREATE INDEX CONCURRENTLY IF NOT EXISTS campaigns_refreshed ON campaigns (number)
  WHERE refresh_every IS NOT NULL OR refresh_on_population OR refresh_on_change;

-- Lists of campaigns with given labels: a key that has labels sees no others.
CREATE INDEX CONCURRENTLY IF NOT EXISTS campaigns_by_labels ON campaigns USING gin ((labels::jsonb) jsonb_path_ops);

-- The open ranges of an offer, of which a large population has thousands, in the order of their numbers.
CREATE INDEX CONCURRENTLY IF NOT EXISTS ranges_open ON ranges (offer, from_segment) WHERE claimable_from IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS ranges_claimable;

-- Folders to remove for the first time, and once more.
CREATE INDEX CONCURRENTLY IF NOT EXISTS unused_blobs_new ON unused_blobs (unused_since) WHERE removed_at IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS unused_blobs_removed ON unused_blobs (removed_at) WHERE removed_at IS NOT NULL;

-- Old events, and the few deliveries that have failed.
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_by_age ON webhook_events (created_at);
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_deliveries_failed ON webhook_deliveries (webhook, number)
  WHERE state = 'failed';

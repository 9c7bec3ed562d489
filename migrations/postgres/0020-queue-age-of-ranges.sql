-- expand: ranges count as work that waits for an engine

-- One row. `oldest_seconds`: how long the oldest work that an engine could take has been waiting, which is an expansion
-- or a range of one, counted from the time at which the expansion was queued or the work could first be claimed; 0 if
-- nothing waits. `waiting_expansions`: how many expansions have such work. `busy_engines`: how many engines hold a lease.
CREATE OR REPLACE VIEW queue_age AS
  WITH clock AS (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms
  ),
  waiting AS (
    SELECT id AS job, now_ms - greatest(queued_at, run_after, coalesce(lease_until, 0)) AS waited_ms
      FROM jobs, clock
      WHERE run_after <= now_ms AND coalesce(lease_until <= now_ms, true)
    UNION ALL
    -- a doubled range has an engine, and needs none besides those that are idle
    SELECT jobs.id AS job, now_ms - greatest(queued_at, claimable_from) AS waited_ms
      FROM ranges JOIN range_offers ON range_offers.number = offer JOIN jobs ON jobs.id = job, clock
      WHERE NOT is_replaced AND own IS NULL AND claimable_from <= now_ms
  ),
  busy AS (
    SELECT owner FROM jobs, clock WHERE lease_until > now_ms
    UNION
    SELECT holder ->> 'owner' AS owner
      FROM ranges JOIN range_offers ON range_offers.number = offer JOIN jobs ON jobs.id = job,
        json_array_elements(state -> 'holders') AS holder, clock
      WHERE claimable_from IS NOT NULL AND (holder ->> 'leaseUntil')::bigint > now_ms
  )
  SELECT
    coalesce((SELECT max(waited_ms) FROM waiting), 0) / 1000 AS oldest_seconds,
    (SELECT count(DISTINCT job) FROM waiting)                AS waiting_expansions,
    (SELECT count(*) FROM busy)                              AS busy_engines;

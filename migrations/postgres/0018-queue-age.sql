-- expand: what an autoscaler of engines asks

-- One row. `oldest_seconds`: how long the expansion that has waited longest has been waiting for an engine, counted from
-- the time at which it could first be claimed; 0 if none waits. `waiting_expansions`: how many wait. `busy_engines`: how
-- many engines hold a lease.
CREATE VIEW queue_age AS
  SELECT
    coalesce(max(waited_ms) FILTER (WHERE is_waiting), 0) / 1000 AS oldest_seconds,
    count(*) FILTER (WHERE is_waiting)                           AS waiting_expansions,
    count(DISTINCT owner) FILTER (WHERE is_held)                 AS busy_engines
  FROM (
    SELECT
      owner,
      now_ms - greatest(queued_at, run_after, coalesce(lease_until, 0)) AS waited_ms,
      coalesce(lease_until > now_ms, false)                             AS is_held,
      run_after <= now_ms AND coalesce(lease_until <= now_ms, true)     AS is_waiting
    FROM jobs, (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms) AS clock
  ) AS states;

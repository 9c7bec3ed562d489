-- The service's time when it was last stored, even while the machine's clock was not trusted yet. `clock` has only right times.

-- One row. Waiting times (of jobs, leases, deliveries) agree with this time, so the next service continues from it.
CREATE TABLE clock_used (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  used_at INTEGER NOT NULL,                           -- milliseconds since 1970
  elapsed REAL    NOT NULL,                           -- monotonic time in that run of the machine
  boot    TEXT
) STRICT;

-- The audit log: which key did what to which resource. It names no user and has no seed and no key.

CREATE TABLE audit_log (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,      -- what cursors name
  at          INTEGER NOT NULL,
  actor       TEXT    NOT NULL,                       -- id of a key; admin: METAHEAC_API_KEY; local: a command; anonymous
  address     TEXT,                                   -- of the client
  action      TEXT    NOT NULL,                       -- operationId
  resource    TEXT,
  resource_id TEXT,
  status      INTEGER,                                -- of HTTP
  request_id  TEXT
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (at, number);

-- One row: entries of before this time may be deleted.
CREATE TABLE audit_retention (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  before INTEGER NOT NULL
) STRICT;
INSERT INTO audit_retention VALUES (1, 0);

CREATE TRIGGER audit_log_is_not_updated BEFORE UPDATE ON audit_log
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- REPLACE deletes without the trigger of deletions.
CREATE TRIGGER audit_log_is_not_replaced BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE number = new.number)
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_log_is_not_deleted BEFORE DELETE ON audit_log
WHEN old.at >= (SELECT before FROM audit_retention)
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

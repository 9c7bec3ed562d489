-- What the schema is, for the checksums of rows: the indexes `sum_<table>` are made by src/sqlite/row-sums.ts.

CREATE TABLE schema_sum (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL,                           -- user_version, when the indexes were made
  format  INTEGER NOT NULL,                           -- of the checksums
  sum     INTEGER NOT NULL                            -- crc32 of all statements of the schema
) STRICT;

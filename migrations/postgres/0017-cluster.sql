-- expand: what the processes of a cluster share

-- One row: who leads. Each process that begins to lead increases the term, which fences the transactions of those
-- before it.
CREATE TABLE leaders (
  one    boolean PRIMARY KEY DEFAULT true CHECK (one),
  term   bigint  NOT NULL,
  leader text    NOT NULL
);
INSERT INTO leaders (term, leader) VALUES (0, '');

-- At most one row: the versions that all processes serve.
CREATE TABLE served (
  one        boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch      bigint  NOT NULL CHECK (epoch >= 1),
  population text    NOT NULL,
  models     json    NOT NULL
);

-- Requests of each client in a window of the rate limit. A crash may reset them.
CREATE UNLOGGED TABLE request_counts (
  time_window bigint NOT NULL,
  client      text   NOT NULL,
  requests    bigint NOT NULL,
  PRIMARY KEY (time_window, client)
);

-- The processes of the cluster, as they last described themselves.
CREATE UNLOGGED TABLE members (
  id       text        PRIMARY KEY,
  kind     text        NOT NULL CHECK (kind IN ('node', 'engine')),
  host     text        NOT NULL,
  release  text        NOT NULL,
  is_ready boolean     NOT NULL,
  seen_at  timestamptz NOT NULL
);

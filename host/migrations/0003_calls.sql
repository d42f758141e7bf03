-- Calls that are under way have a row too, and calls that a transfer joined have one linked id.
CREATE TABLE calls_with_links (
    id TEXT PRIMARY KEY,
    linked TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    -- NULL while it is under way.
    ended_at INTEGER,
    -- JSON. Of a call under way: as it is to be read when nothing more is written of it.
    record TEXT NOT NULL
) STRICT;
INSERT INTO calls_with_links SELECT id, id, started_at, ended_at, record FROM calls;
DROP TABLE calls;
ALTER TABLE calls_with_links RENAME TO calls;
CREATE INDEX calls_by_start ON calls (started_at);
CREATE INDEX calls_by_link ON calls (linked);
CREATE INDEX open_calls ON calls (id) WHERE ended_at IS NULL;

-- Every change of the state of a call, in order.
CREATE TABLE events (
    -- Grows over all starts of the daemon.
    id INTEGER PRIMARY KEY,
    -- Unix milliseconds.
    at INTEGER NOT NULL,
    call TEXT NOT NULL,
    linked TEXT NOT NULL,
    -- JSON.
    event TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_call ON events (call);
CREATE INDEX events_by_link ON events (linked);
CREATE INDEX events_by_time ON events (at);

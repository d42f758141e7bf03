-- The contacts of the campaigns and every attempt to reach them. Times are Unix milliseconds.
CREATE TABLE campaigns (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- The plugin that decides who is called when; no other reaches these contacts.
    plugin TEXT NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE contacts (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    -- Where it stands: a file and a line in it.
    file TEXT NOT NULL,
    line INTEGER NOT NULL,
    number TEXT NOT NULL,
    name TEXT NOT NULL,
    -- JSON: [[column, value], ...] in the file's order.
    fields TEXT NOT NULL,
    due INTEGER NOT NULL,
    -- NULL until it is finished.
    outcome TEXT
) STRICT;
CREATE INDEX contacts_by_due ON contacts (campaign, due) WHERE outcome IS NULL;
CREATE INDEX contacts_by_number ON contacts (campaign, number);

CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    -- The switch's number; begins anew with each start of the daemon.
    launch INTEGER NOT NULL,
    contact INTEGER REFERENCES contacts (id),
    plugin TEXT NOT NULL,
    target TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    answered_at INTEGER,
    -- NULL while it is under way.
    ended_at INTEGER,
    cause TEXT,
    code INTEGER,
    by_peer INTEGER,
    -- JSON: [[key, value], ...] of `set-result`.
    results TEXT
) STRICT;
CREATE INDEX attempts_by_contact ON attempts (contact, id);
CREATE UNIQUE INDEX one_open_attempt_per_launch ON attempts (launch) WHERE ended_at IS NULL;
-- Nobody is called twice at the same time.
CREATE UNIQUE INDEX one_open_attempt_per_contact ON attempts (contact) WHERE ended_at IS NULL;

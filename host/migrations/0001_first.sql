-- What running makes, and the password digests. Times are Unix milliseconds.
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- HA1 of RFC 7616 for the exchange's realm; the password itself is nowhere.
CREATE TABLE digests (
    user TEXT PRIMARY KEY,
    md5 TEXT,
    sha256 TEXT,
    sha512_256 TEXT
) STRICT;

CREATE TABLE bindings (
    user TEXT NOT NULL,
    contact TEXT NOT NULL,
    transport TEXT NOT NULL,
    local TEXT NOT NULL,
    remote TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    call_id TEXT NOT NULL,
    cseq INTEGER NOT NULL,
    q INTEGER NOT NULL,
    instance TEXT,
    path TEXT NOT NULL,
    PRIMARY KEY (user, contact)
) STRICT;

CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX calls_by_start ON calls (started_at);

CREATE TABLE plugin_values (
    plugin TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (plugin, key)
) STRICT;

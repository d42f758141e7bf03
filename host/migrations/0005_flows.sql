-- A phone may keep several flows under one contact (RFC 5626); those without a number have 0.
CREATE TABLE new_bindings (
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
    reg_id INTEGER NOT NULL,
    is_translated INTEGER NOT NULL,
    PRIMARY KEY (user, contact, reg_id)
) STRICT;
INSERT INTO new_bindings SELECT *, 0, 0 FROM bindings;
DROP TABLE bindings;
ALTER TABLE new_bindings RENAME TO bindings;

-- What the values of each plugin take, kept with every change: summing them up would cost a flood of small values more
-- with each of them. A row counts 64 bytes besides its key and value, which is about what it takes on disk.
CREATE TABLE plugin_sums (
    plugin TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT;

INSERT INTO plugin_sums
    SELECT plugin, sum(length(CAST(key AS BLOB)) + length(value) + 64) FROM plugin_values GROUP BY plugin;

CREATE TRIGGER plugin_value_added AFTER INSERT ON plugin_values BEGIN
    INSERT INTO plugin_sums VALUES (NEW.plugin, length(CAST(NEW.key AS BLOB)) + length(NEW.value) + 64)
    ON CONFLICT (plugin) DO UPDATE SET bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER plugin_value_changed AFTER UPDATE OF value ON plugin_values BEGIN
    UPDATE plugin_sums SET bytes = bytes + length(NEW.value) - length(OLD.value) WHERE plugin = NEW.plugin;
END;

CREATE TRIGGER plugin_value_deleted AFTER DELETE ON plugin_values BEGIN
    UPDATE plugin_sums SET bytes = bytes - length(CAST(OLD.key AS BLOB)) - length(OLD.value) - 64
    WHERE plugin = OLD.plugin;
END;

-- Those that are over are looked for at every change.
CREATE INDEX plugin_values_by_end ON plugin_values (plugin, expires_at) WHERE expires_at IS NOT NULL;

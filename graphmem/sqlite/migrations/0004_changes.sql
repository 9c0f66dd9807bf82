-- What recall keeps of a scope is brought up to date by what has changed. What was added since has a
-- higher number than all that is left of what was there; what was taken away is listed here, by
-- number alone, under the version that took it away: of the last 4096 versions.
CREATE TABLE gone (
    scope TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (scope, version, kind, n)
) WITHOUT ROWID;
CREATE TRIGGER gone_trimmed AFTER INSERT ON gone BEGIN
    DELETE FROM gone WHERE scope = new.scope AND version < new.version - 4096;
END;

DROP TRIGGER episodes_gone_version;
CREATE TRIGGER episodes_gone_version AFTER DELETE ON episodes BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = old.scope;
    INSERT INTO gone SELECT key, version, 'episode', old.n FROM scopes WHERE key = old.scope;
END;
DROP TRIGGER facts_gone_version;
CREATE TRIGGER facts_gone_version AFTER DELETE ON facts BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = old.scope;
    INSERT INTO gone SELECT key, version, 'fact', old.n FROM scopes WHERE key = old.scope;
END;
-- Of another model's vectors nothing is kept.
CREATE TRIGGER vectors_gone_version AFTER DELETE ON vectors
WHEN EXISTS (SELECT 1 FROM models WHERE model = old.model AND active) BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = old.scope;
    INSERT INTO gone SELECT key, version, 'vector', old.n FROM scopes WHERE key = old.scope;
END;

-- A scope's rows from a number on: the row number is the end of every index.
CREATE INDEX episodes_scope ON episodes (scope);
CREATE INDEX facts_of_scope ON facts (scope);

-- Assertions are kept in the order they came, as facts are, and the indexes name them by number.
-- Ids are hashes: rows and indexes in their order have each new one on a page of its own, which is
-- what most of a batch's write was (decision 0003).

CREATE TABLE numbered (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    event_id TEXT NOT NULL,
    episode_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    predicate TEXT NOT NULL,
    polarity TEXT NOT NULL,
    value_key TEXT,
    statement TEXT NOT NULL,
    extractor TEXT NOT NULL,
    source_class TEXT NOT NULL,
    origin TEXT NOT NULL,
    principal TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    subject_id TEXT,
    object_id TEXT,
    slot TEXT,
    quarantined INTEGER NOT NULL
);
INSERT INTO numbered SELECT NULL, a.* FROM assertions a ORDER BY recorded_at, seq, ordinal;

CREATE TABLE numbered_names (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    assertion INTEGER NOT NULL REFERENCES numbered (n) ON DELETE CASCADE,
    PRIMARY KEY (scope, name, assertion)
) WITHOUT ROWID;
INSERT INTO numbered_names (scope, name, assertion)
SELECT m.scope, m.name, a.n FROM assertion_names m JOIN numbered a ON a.id = m.assertion_id;

DROP TABLE assertion_names;
DROP TABLE assertions;
ALTER TABLE numbered RENAME TO assertions;
ALTER TABLE numbered_names RENAME TO assertion_names;

CREATE INDEX assertion_names_assertion ON assertion_names (assertion);
CREATE INDEX assertions_slot ON assertions (slot) WHERE slot IS NOT NULL;
CREATE INDEX assertions_subject ON assertions (subject_id, predicate, object_id, value_key);
CREATE INDEX assertions_object ON assertions (object_id) WHERE object_id IS NOT NULL;
-- What was read in an episode, and which facts it is behind, from the indexes alone.
CREATE INDEX assertions_episode
    ON assertions (episode_id, subject_id, object_id, slot, polarity, quarantined, id);

CREATE TRIGGER assertions_added_version AFTER INSERT ON assertions BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = new.scope;
END;
CREATE TRIGGER assertions_moved_version AFTER UPDATE ON assertions BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = new.scope;
END;
CREATE TRIGGER assertions_gone_version AFTER DELETE ON assertions BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = old.scope;
END;

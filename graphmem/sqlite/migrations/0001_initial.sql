-- The log, the sessions and the graph, in one file. Times are microseconds since 1970, UTC.

CREATE TABLE store (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO store (name, value) VALUES ('erasure_key', randomblob(32));

-- sessions and log --------------------------------------------------------------------------

CREATE TABLE sessions (
    app TEXT NOT NULL,
    user TEXT NOT NULL,
    id TEXT NOT NULL,
    stream TEXT NOT NULL,
    private_to TEXT,
    metadata TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (app, user, id)
) WITHOUT ROWID;
CREATE INDEX sessions_expiry ON sessions (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE streams (
    stream TEXT PRIMARY KEY,
    app TEXT NOT NULL,
    user TEXT NOT NULL,
    last_seq INTEGER NOT NULL DEFAULT 0,
    done_seq INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    parked INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    batch_first INTEGER NOT NULL DEFAULT 0,
    batch_last INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT 'episodes',
    claimed_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX streams_pending ON streams (claimed_at) WHERE last_seq > done_seq;

-- episode_id is the derived id of the event; an erased row keeps its seq and nothing else.
CREATE TABLE events (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    episode_id TEXT,
    session_id TEXT,
    id TEXT,
    type TEXT,
    role TEXT,
    parts TEXT,
    author TEXT,
    agent TEXT,
    private_to TEXT,
    source_class TEXT,
    origin TEXT,
    metadata TEXT,
    occurred_at INTEGER,
    stamped INTEGER,
    recorded_at INTEGER NOT NULL,
    digest TEXT,
    bytes INTEGER NOT NULL DEFAULT 0,
    erased INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX events_episode ON events (episode_id) WHERE episode_id IS NOT NULL;
CREATE INDEX events_session ON events (stream, session_id, seq) WHERE session_id IS NOT NULL;

CREATE TABLE extractions (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
) WITHOUT ROWID;

-- An open receipt names what is to go; a closed one only how much went.
CREATE TABLE receipts (
    id TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    episode_ids TEXT,
    events INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER
) WITHOUT ROWID;
CREATE INDEX receipts_open ON receipts (stream) WHERE closed_at IS NULL;

-- What was erased stays erased: keyed hashes of episode ids, so that they cannot be guessed.
CREATE TABLE erased (
    stream TEXT NOT NULL,
    mac BLOB NOT NULL,
    PRIMARY KEY (stream, mac)
) WITHOUT ROWID;

-- the graph ---------------------------------------------------------------------------------

CREATE TABLE scopes (
    key TEXT PRIMARY KEY,
    app TEXT NOT NULL,
    user TEXT,
    session TEXT,
    agent TEXT,
    version INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE watermarks (
    stream TEXT NOT NULL,
    stage TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (stream, stage)
) WITHOUT ROWID;

CREATE TABLE fences (
    stream TEXT PRIMARY KEY,
    fence INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE episodes (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    event_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    role TEXT NOT NULL,
    author TEXT,
    text TEXT NOT NULL,
    terms TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    source_class TEXT NOT NULL,
    origin TEXT NOT NULL,
    metadata TEXT NOT NULL
);
CREATE INDEX episodes_chain ON episodes (scope, session_id, seq);
CREATE INDEX episodes_event ON episodes (event_id);

CREATE TABLE entities (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    aliases TEXT NOT NULL,
    descriptors TEXT NOT NULL,
    summary TEXT,
    importance REAL NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (scope, key)
);

CREATE TABLE entity_names (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    entity_id TEXT NOT NULL REFERENCES entities (id) ON DELETE CASCADE,
    PRIMARY KEY (scope, name, entity_id)
) WITHOUT ROWID;
CREATE INDEX entity_names_entity ON entity_names (entity_id);

CREATE TABLE assertions (
    id TEXT PRIMARY KEY,
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
) WITHOUT ROWID;
CREATE INDEX assertions_episode ON assertions (episode_id);
CREATE INDEX assertions_slot ON assertions (slot) WHERE slot IS NOT NULL;
CREATE INDEX assertions_subject ON assertions (subject_id, predicate, object_id, value_key);
CREATE INDEX assertions_object ON assertions (object_id) WHERE object_id IS NOT NULL;

CREATE TABLE assertion_names (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    assertion_id TEXT NOT NULL REFERENCES assertions (id) ON DELETE CASCADE,
    PRIMARY KEY (scope, name, assertion_id)
) WITHOUT ROWID;
CREATE INDEX assertion_names_assertion ON assertion_names (assertion_id);

-- A row is a version of a fact.
CREATE TABLE facts (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    scope TEXT NOT NULL,
    slot TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    predicate TEXT NOT NULL,
    object_id TEXT,
    value TEXT,
    text TEXT NOT NULL,
    terms TEXT NOT NULL,
    type TEXT NOT NULL,
    topic TEXT,
    status TEXT NOT NULL,
    confidence REAL NOT NULL,
    importance REAL NOT NULL,
    source_class TEXT NOT NULL,
    origin TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    retired_at INTEGER NOT NULL,
    supersedes TEXT,
    reason TEXT,
    contradicts TEXT NOT NULL,
    UNIQUE (scope, id, recorded_at)
);
CREATE INDEX facts_id ON facts (id);
CREATE INDEX facts_slot ON facts (slot);
CREATE INDEX facts_subject ON facts (subject_id, retired_at, recorded_at);
CREATE INDEX facts_object ON facts (object_id, retired_at, recorded_at) WHERE object_id IS NOT NULL;
CREATE INDEX facts_scope ON facts (scope, retired_at);

CREATE TABLE support (
    fact INTEGER NOT NULL REFERENCES facts (n) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    assertion_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    episode_id TEXT NOT NULL,
    quote TEXT NOT NULL,
    polarity TEXT NOT NULL,
    PRIMARY KEY (fact, ordinal)
) WITHOUT ROWID;
CREATE INDEX support_episode ON support (episode_id);

CREATE TABLE models (
    model INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL,
    active INTEGER NOT NULL
);

-- v is little-endian float32; an episode has one row per window.
CREATE TABLE vectors (
    n INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    model INTEGER NOT NULL REFERENCES models (model),
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    window INTEGER NOT NULL,
    v BLOB NOT NULL,
    UNIQUE (item, model, window)
);
CREATE INDEX vectors_scope ON vectors (scope, model);

-- Full text finds, graphmem ranks. The scope is a token inside the match, so that no other
-- tenant's words cost time or move a rank.
CREATE VIRTUAL TABLE episode_text USING fts5 (
    scope, terms, content = 'episodes', content_rowid = 'n', tokenize = 'ascii', detail = 'column'
);
INSERT INTO episode_text (episode_text, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER episodes_added AFTER INSERT ON episodes BEGIN
    INSERT INTO episode_text (rowid, scope, terms) VALUES (new.n, new.scope, new.terms);
END;
CREATE TRIGGER episodes_gone AFTER DELETE ON episodes BEGIN
    INSERT INTO episode_text (episode_text, rowid, scope, terms)
    VALUES ('delete', old.n, old.scope, old.terms);
END;

CREATE VIRTUAL TABLE fact_text USING fts5 (
    scope, terms, content = 'facts', content_rowid = 'n', tokenize = 'ascii', detail = 'column'
);
INSERT INTO fact_text (fact_text, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER facts_added AFTER INSERT ON facts BEGIN
    INSERT INTO fact_text (rowid, scope, terms) VALUES (new.n, new.scope, new.terms);
END;
CREATE TRIGGER facts_gone AFTER DELETE ON facts BEGIN
    INSERT INTO fact_text (fact_text, rowid, scope, terms)
    VALUES ('delete', old.n, old.scope, old.terms);
END;

-- name: episode_filter
(:f_kinds IS NULL OR EXISTS (SELECT 1 FROM json_each(:f_kinds) WHERE value = 'episode'))
AND (:f_type IS NULL OR :f_type = 'episodic')
AND :f_topic IS NULL AND :f_predicate IS NULL
AND (:f_source IS NULL OR e.source_class = :f_source)
AND (:f_session IS NULL OR e.session_id = :f_session)
AND (:f_importance IS NULL OR :f_importance <= 0.5)
AND (:f_entity IS NULL OR EXISTS (
    SELECT 1 FROM assertions a WHERE a.episode_id = e.id AND :f_entity IN (a.subject_id, a.object_id)))
AND e.occurred_at >= :f_occurred_from AND e.occurred_at < :f_occurred_to
AND e.occurred_at >= :f_valid_from AND e.occurred_at < :f_valid_to
AND e.recorded_at >= :f_recorded_from AND e.recorded_at < :f_recorded_to
AND (:f_metadata IS NULL OR NOT EXISTS (
    SELECT 1 FROM json_each(:f_metadata) m WHERE NOT EXISTS (
        SELECT 1 FROM json_each(e.metadata) x WHERE x.key = m.key AND x.type = m.type AND x.value IS m.value)))

-- name: fact_filter
(:f_kinds IS NULL OR EXISTS (SELECT 1 FROM json_each(:f_kinds) WHERE value = 'fact'))
AND (:f_type IS NULL OR f.type = :f_type)
AND (:f_topic IS NULL OR f.topic = :f_topic)
AND (:f_predicate IS NULL OR f.predicate = :f_predicate)
AND (:f_source IS NULL OR f.source_class = :f_source)
AND (:f_importance IS NULL OR f.importance >= :f_importance)
AND (:f_confidence IS NULL OR f.confidence >= :f_confidence)
AND (:f_entity IS NULL OR :f_entity IN (f.subject_id, f.object_id))
AND f.valid_to > :f_valid_from AND f.valid_from < :f_valid_to
AND f.recorded_at >= :f_recorded_from AND f.recorded_at < :f_recorded_to
AND (NOT :f_by_episode OR EXISTS (
    SELECT 1 FROM support s JOIN episodes e ON e.id = s.episode_id
    WHERE s.fact = f.n
      AND (:f_session IS NULL OR e.session_id = :f_session)
      AND e.occurred_at >= :f_occurred_from AND e.occurred_at < :f_occurred_to
      AND (:f_metadata IS NULL OR NOT EXISTS (
          SELECT 1 FROM json_each(:f_metadata) m WHERE NOT EXISTS (
              SELECT 1 FROM json_each(e.metadata) x WHERE x.key = m.key AND x.type = m.type AND x.value IS m.value)))))

-- name: episode_columns
e.id, e.scope, e.event_id, e.session_id, e.seq, e.role, e.author, e.text, e.terms, e.occurred_at,
e.recorded_at, e.source_class, e.origin, e.metadata,
(SELECT json_group_array(who) FROM (
    SELECT a.subject_id AS who FROM assertions a WHERE a.episode_id = e.id AND a.subject_id IS NOT NULL
    UNION SELECT a.object_id FROM assertions a WHERE a.episode_id = e.id AND a.object_id IS NOT NULL
    ORDER BY who))

-- name: fact_columns
f.id, f.scope, f.slot, f.subject_id, f.predicate, f.object_id, f.value, f.text, f.terms, f.type, f.topic,
f.status, f.confidence, f.importance, f.source_class, f.origin, f.valid_from, f.valid_to, f.recorded_at,
f.retired_at, f.supersedes, f.reason, f.contradicts,
(SELECT json_group_array(json_array(s.assertion_id, s.event_id, s.episode_id, s.quote, s.polarity))
 FROM (SELECT * FROM support WHERE fact = f.n ORDER BY ordinal) s)

-- name: entity_columns
n.id, n.scope, n.key, n.name, n.kind, n.aliases, n.descriptors, n.summary, n.importance, n.created_at, n.updated_at, n.same_as

-- name: assertion_columns
a.id, a.scope, a.event_id, a.episode_id, a.session_id, a.seq, a.ordinal, a.statement, a.extractor, a.source_class,
a.origin, a.principal, a.occurred_at, a.recorded_at, a.subject_id, a.object_id, a.slot, a.quarantined,
(SELECT json_group_array(name) FROM (SELECT name FROM assertion_names WHERE assertion = a.n ORDER BY name))

-- name: fence
SELECT fence FROM fences WHERE stream = :stream;

-- name: set_fence
INSERT INTO fences (stream, fence) VALUES (:stream, :fence)
ON CONFLICT (stream) DO UPDATE SET fence = excluded.fence;

-- name: watermark
SELECT seq FROM watermarks WHERE stream = :stream AND stage = :stage;

-- name: watermarks
SELECT stage, seq FROM watermarks WHERE stream = :stream;

-- name: set_watermark
INSERT INTO watermarks (stream, stage, seq) VALUES (:stream, :stage, :seq)
ON CONFLICT (stream, stage) DO UPDATE SET seq = excluded.seq;

-- name: touch_scope
INSERT INTO scopes (key, app, user, session, agent, version) VALUES (:key, :app, :user, :session, :agent, 1)
ON CONFLICT (key) DO UPDATE SET version = version + 1;

-- name: scope_changed
UPDATE scopes SET version = version + 1 WHERE key = :key;

-- name: all_scopes_changed
UPDATE scopes SET version = version + 1;

-- name: scope_versions
SELECT key, version FROM scopes WHERE key IN (SELECT value FROM json_each(:scopes));

-- name: put_episode
INSERT INTO episodes (id, scope, event_id, session_id, seq, role, author, text, terms, occurred_at, recorded_at,
                      source_class, origin, metadata)
VALUES (:id, :scope, :event_id, :session_id, :seq, :role, :author, :text, :terms, :occurred_at, :recorded_at,
        :source_class, :origin, :metadata);

-- name: episodes_there
SELECT e.id FROM json_each(:ids) i CROSS JOIN episodes e ON e.id = i.value;

-- name: delete_episode
DELETE FROM episodes WHERE id = :id;

-- name: delete_vectors
DELETE FROM vectors WHERE item = :id;

-- name: delete_old_vectors
DELETE FROM vectors WHERE item = :id AND model = :model;

-- name: put_entity
INSERT INTO entities (id, scope, key, name, kind, aliases, descriptors, summary, importance, created_at, updated_at, same_as)
VALUES (:id, :scope, :key, :name, :kind, :aliases, :descriptors, :summary, :importance, :created_at, :updated_at, :same_as)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, kind = excluded.kind, aliases = excluded.aliases, descriptors = excluded.descriptors,
    summary = excluded.summary, importance = excluded.importance, created_at = excluded.created_at,
    updated_at = excluded.updated_at, same_as = excluded.same_as;

-- name: names_there
SELECT m.scope, m.name, m.entity_id FROM json_each(:ids) i CROSS JOIN entity_names m ON m.entity_id = i.value;

-- name: delete_entity_name
DELETE FROM entity_names WHERE scope = :scope AND name = :name AND entity_id = :id;

-- name: put_entity_name
INSERT INTO entity_names (scope, name, entity_id) VALUES (:scope, :name, :id) ON CONFLICT DO NOTHING;

-- name: delete_entity
DELETE FROM entities WHERE id = :id;

-- name: put_assertion
INSERT INTO assertions (id, scope, event_id, episode_id, session_id, seq, ordinal, predicate, polarity, value_key, statement,
                        extractor, source_class, origin, principal, occurred_at, recorded_at, subject_id, object_id,
                        slot, quarantined)
VALUES (:id, :scope, :event_id, :episode_id, :session_id, :seq, :ordinal, :predicate, :polarity, :value_key, :statement,
        :extractor, :source_class, :origin, :principal, :occurred_at, :recorded_at, :subject_id, :object_id,
        :slot, :quarantined)
ON CONFLICT (id) DO UPDATE SET
    subject_id = excluded.subject_id, object_id = excluded.object_id, slot = excluded.slot,
    quarantined = excluded.quarantined, statement = excluded.statement;

-- name: put_assertion_name
INSERT INTO assertion_names (scope, name, assertion)
SELECT :scope, :name, a.n FROM assertions a WHERE a.id = :id
ON CONFLICT DO NOTHING;

-- name: delete_assertion
DELETE FROM assertions WHERE id = :id;

-- name: delete_fact
DELETE FROM facts WHERE id = :id AND recorded_at = :recorded_at;

-- name: versions_there
SELECT f.id, f.recorded_at FROM json_each(:ids) i CROSS JOIN facts f ON f.id = i.value;

-- name: next_fact
SELECT coalesce(max(n), 0) + 1 FROM facts;

-- name: put_fact
INSERT INTO facts (n, id, scope, slot, subject_id, predicate, object_id, value, text, terms, type, topic, status,
                   confidence, importance, source_class, origin, valid_from, valid_to, recorded_at, retired_at,
                   supersedes, reason, contradicts)
VALUES (:n, :id, :scope, :slot, :subject_id, :predicate, :object_id, :value, :text, :terms, :type, :topic, :status,
        :confidence, :importance, :source_class, :origin, :valid_from, :valid_to, :recorded_at, :retired_at,
        :supersedes, :reason, :contradicts);

-- name: put_support
INSERT INTO support (fact, ordinal, assertion_id, event_id, episode_id, quote, polarity)
VALUES (:fact, :ordinal, :assertion_id, :event_id, :episode_id, :quote, :polarity);

-- name: fact_versions_left
SELECT 1 FROM facts WHERE id = :id LIMIT 1;

-- name: put_vector
INSERT INTO vectors (scope, model, kind, item, window, v) VALUES (:scope, :model, :kind, :item, :window, :v);

-- name: item_scopes
SELECT e.id, e.scope FROM json_each(:ids) i CROSS JOIN episodes e ON e.id = i.value
UNION SELECT f.id, f.scope FROM json_each(:ids) i CROSS JOIN facts f ON f.id = i.value;

-- name: vectors_there
SELECT DISTINCT v.item FROM json_each(:ids) i CROSS JOIN vectors v ON v.item = i.value AND v.model = :model;

-- name: active_model
SELECT model, id, dimension FROM models WHERE active;

-- name: get_model
SELECT model, dimension, active FROM models WHERE id = :id;

-- name: add_model
INSERT INTO models (id, dimension, active) VALUES (:id, :dimension, :active) ON CONFLICT (id) DO NOTHING;

-- name: activate_model
UPDATE models SET active = (id = :id);

-- name: drop_other_vectors
DELETE FROM vectors WHERE model != :model;

-- name: drop_other_models
DELETE FROM models WHERE model != :model;

-- name: unembedded
SELECT id, kind, text, author, occurred_at FROM (
    SELECT e.id AS id, 'episode' AS kind, e.text AS text, e.author AS author, e.occurred_at AS occurred_at
    FROM episodes e
    UNION ALL
    SELECT f.id, 'fact', max(f.text), NULL, NULL FROM facts f GROUP BY f.id
) item
WHERE NOT EXISTS (SELECT 1 FROM vectors v WHERE v.item = item.id AND v.model = :model)
ORDER BY id
LIMIT :limit;

-- name: entities_by_name
SELECT DISTINCT
-- include: entity_columns
FROM entity_names m JOIN entities n ON n.id = m.entity_id
WHERE m.scope IN (SELECT value FROM json_each(:scopes)) AND m.name IN (SELECT value FROM json_each(:names))
ORDER BY n.id;

-- name: entities_by_id
SELECT
-- include: entity_columns
FROM json_each(:ids) i CROSS JOIN entities n ON n.id = i.value
WHERE n.scope IN (SELECT value FROM json_each(:scopes))
ORDER BY n.id;

-- name: entities_merged
SELECT
-- include: entity_columns
FROM entities n
WHERE n.same_as IN (SELECT value FROM json_each(:ids)) AND n.scope = :scope
ORDER BY n.id;

-- name: assertions_functional
SELECT
-- include: assertion_columns
FROM assertions a
WHERE a.subject_id IN (SELECT value FROM json_each(:entities))
  AND a.predicate IN (SELECT value FROM json_each(:predicates))
  AND a.scope = :scope;

-- name: assertions_keyed
SELECT
-- include: assertion_columns
FROM assertions a
WHERE a.subject_id IN (SELECT value FROM json_each(:entities))
  AND a.predicate IN (SELECT value FROM json_each(:keyed))
  AND (a.object_id IN (SELECT value FROM json_each(:entities))
       OR (a.object_id IS NULL AND a.value_key IN (SELECT value FROM json_each(:values))))
  AND a.scope = :scope;

-- name: assertions_by_episode
SELECT
-- include: assertion_columns
FROM assertions a
WHERE a.episode_id IN (SELECT value FROM json_each(:episode_ids)) AND a.scope = :scope;

-- name: assertions_by_mention
SELECT DISTINCT
-- include: assertion_columns
FROM assertion_names m JOIN assertions a ON a.n = m.assertion
WHERE m.scope = :scope AND m.name IN (SELECT value FROM json_each(:mentioned));

-- name: assertions_by_entity
SELECT
-- include: assertion_columns
FROM assertions a
WHERE a.subject_id IN (SELECT value FROM json_each(:entity_ids)) AND a.scope = :scope
UNION
SELECT
-- include: assertion_columns
FROM assertions a
WHERE a.object_id IN (SELECT value FROM json_each(:entity_ids)) AND a.scope = :scope;

-- name: assertions_by_slot
SELECT
-- include: assertion_columns
FROM assertions a
WHERE a.slot IN (SELECT value FROM json_each(:slots)) AND a.scope = :scope;

-- name: facts_by_slot
SELECT
-- include: fact_columns
FROM facts f
WHERE f.slot IN (SELECT value FROM json_each(:slots)) AND f.scope = :scope;

-- name: span
SELECT count(*), min(recorded_at), max(recorded_at) FROM (
    SELECT a.id, a.recorded_at FROM assertions a
    WHERE a.subject_id = :id AND a.predicate != 'same_as' AND a.episode_id NOT IN (SELECT value FROM json_each(:episode_ids))
    UNION
    SELECT a.id, a.recorded_at FROM assertions a
    WHERE a.object_id = :id AND a.predicate != 'same_as' AND a.episode_id NOT IN (SELECT value FROM json_each(:episode_ids))
);

-- name: episode_live
e.scope IN (SELECT value FROM json_each(:scopes)) AND e.occurred_at <= :as_of AND e.recorded_at <= :known_at AND

-- name: fact_live
f.scope IN (SELECT value FROM json_each(:scopes)) AND f.status NOT IN ('quarantined', 'supposed')
AND f.recorded_at <= :known_at AND f.retired_at > :known_at
AND f.valid_from <= :as_of AND (:ended OR f.valid_to > :as_of) AND

-- name: match_episodes
SELECT rowid FROM episode_text WHERE episode_text MATCH :match LIMIT :cap;

-- name: match_facts
SELECT rowid FROM fact_text WHERE fact_text MATCH :match LIMIT :cap;

-- name: load_episodes
SELECT n, id, terms, occurred_at, recorded_at, session_id, seq FROM episodes
WHERE scope = :scope AND n > :after;

-- name: load_facts
SELECT n, id, terms, recorded_at, retired_at, valid_from, valid_to FROM facts
WHERE scope = :scope AND n > :after AND status NOT IN ('quarantined', 'supposed');

-- name: load_vectors
SELECT n, item, v FROM vectors WHERE scope = :scope AND model = :model AND n > :after;

-- name: gone_since
SELECT kind, n FROM gone WHERE scope = :scope AND version > :since;

-- name: live_episodes
SELECT e.n FROM json_each(:ns) i CROSS JOIN episodes e ON e.n = i.value
WHERE
-- include: episode_live
-- include: episode_filter
;

-- name: live_facts
SELECT f.n FROM json_each(:ns) i CROSS JOIN facts f ON f.n = i.value
WHERE
-- include: fact_live
-- include: fact_filter
;

-- name: session_periods
SELECT session_id, min(occurred_at), max(occurred_at) FROM episodes
WHERE scope IN (SELECT value FROM json_each(:scopes)) AND occurred_at <= :as_of AND recorded_at <= :known_at
GROUP BY scope, session_id
ORDER BY min(occurred_at), min(seq), session_id;

-- name: facts_of_entity
SELECT n, subject_id, object_id FROM (
    SELECT * FROM (
        SELECT f.n, f.subject_id, f.object_id, f.recorded_at, f.id FROM facts f
        WHERE f.subject_id = :entity AND
            (:predicates IS NULL OR f.predicate IN (SELECT value FROM json_each(:predicates))) AND
-- include: fact_live
-- include: fact_filter
        ORDER BY f.retired_at DESC, f.recorded_at DESC, f.id DESC LIMIT :limit)
    UNION
    SELECT * FROM (
        SELECT f.n, f.subject_id, f.object_id, f.recorded_at, f.id FROM facts f
        WHERE f.object_id = :entity AND
            (:predicates IS NULL OR f.predicate IN (SELECT value FROM json_each(:predicates))) AND
-- include: fact_live
-- include: fact_filter
        ORDER BY f.retired_at DESC, f.recorded_at DESC, f.id DESC LIMIT :limit)
)
ORDER BY recorded_at DESC, id DESC LIMIT :limit;

-- name: candidate_episodes
SELECT e.n, e.id, e.scope, e.terms, e.seq, e.session_id, e.author, e.role, e.occurred_at, e.recorded_at, e.source_class,
       e.event_id
FROM json_each(:ns) i CROSS JOIN episodes e ON e.n = i.value;

-- name: candidate_statements
SELECT a.episode_id, CASE WHEN a.polarity = 'affirm' AND NOT a.quarantined THEN a.slot END,
       f.recorded_at, f.retired_at, f.valid_to
FROM json_each(:ids) i CROSS JOIN assertions a ON a.episode_id = i.value
LEFT JOIN support s ON s.episode_id = a.episode_id AND s.assertion_id = a.id
LEFT JOIN facts f ON f.n = s.fact AND f.status = 'active';

-- name: candidate_facts
SELECT f.n, f.id, f.scope, f.terms, f.recorded_at, f.valid_from, f.valid_to, f.status, f.slot,
       f.confidence, f.importance, f.source_class, f.type
FROM json_each(:ns) i CROSS JOIN facts f ON f.n = i.value;

-- name: fact_by_n
SELECT
-- include: fact_columns
FROM facts f WHERE f.n = :n;

-- name: candidate_support
SELECT s.fact, s.episode_id, s.event_id, e.occurred_at, e.seq, e.session_id, e.author
FROM json_each(:ns) i CROSS JOIN support s ON s.fact = i.value LEFT JOIN episodes e ON e.id = s.episode_id
ORDER BY s.fact, s.ordinal;

-- name: read_episodes
SELECT
-- include: episode_columns
FROM (
    SELECT x.n FROM json_each(:ids) i CROSS JOIN episodes x ON x.id = i.value
    UNION
    SELECT x.n FROM json_each(:ids) i CROSS JOIN episodes x ON x.event_id = i.value
) i CROSS JOIN episodes e ON e.n = i.n
WHERE e.scope IN (SELECT value FROM json_each(:scopes))
ORDER BY e.seq, e.id;

-- name: read_facts
SELECT
-- include: fact_columns
FROM json_each(:ids) i CROSS JOIN facts f ON f.id = i.value
WHERE f.scope IN (SELECT value FROM json_each(:scopes))
  AND f.recorded_at = (SELECT max(g.recorded_at) FROM facts g
                       WHERE g.id = f.id AND g.scope = f.scope AND g.recorded_at <= :known_at)
ORDER BY f.id;

-- name: fact_history
SELECT
-- include: fact_columns
FROM facts f
WHERE f.scope = :scope AND f.slot IN (SELECT g.slot FROM facts g WHERE g.id = :id AND g.scope = :scope)
ORDER BY f.recorded_at, f.valid_from, f.id;

-- name: list_episodes
SELECT
-- include: episode_columns
FROM episodes e
WHERE e.id > :cursor AND
-- include: episode_live
-- include: episode_filter
ORDER BY e.id
LIMIT :limit;

-- name: list_facts
SELECT
-- include: fact_columns
FROM facts f
WHERE (f.id, f.recorded_at) > (:cursor, :since) AND f.scope IN (SELECT value FROM json_each(:scopes))
  AND (:versions OR (f.recorded_at <= :known_at AND f.retired_at > :known_at))
  AND (NOT :dated OR (f.valid_from <= :as_of AND f.valid_to > :as_of)) AND
-- include: fact_filter
ORDER BY f.id, f.recorded_at
LIMIT :limit;

-- name: list_entities
SELECT
-- include: entity_columns
FROM entities n
WHERE n.id > :cursor AND n.scope IN (SELECT value FROM json_each(:scopes))
  AND (:f_kinds IS NULL OR EXISTS (SELECT 1 FROM json_each(:f_kinds) WHERE value = 'entity'))
  AND (:f_entity IS NULL OR n.id = :f_entity)
  AND (:f_importance IS NULL OR n.importance >= :f_importance)
  AND n.created_at >= :f_recorded_from AND n.created_at < :f_recorded_to
  AND :f_type IS NULL AND :f_topic IS NULL AND :f_predicate IS NULL AND :f_source IS NULL
  AND :f_confidence IS NULL AND NOT :f_by_episode
  AND n.same_as IS NULL
ORDER BY n.id
LIMIT :limit;

-- name: dump_episodes
SELECT
-- include: episode_columns
FROM episodes e WHERE e.scope = :scope AND e.id > :cursor ORDER BY e.id LIMIT 500;

-- name: dump_entities
SELECT
-- include: entity_columns
FROM entities n WHERE n.scope = :scope AND n.id > :cursor ORDER BY n.id LIMIT 500;

-- name: dump_facts
SELECT
-- include: fact_columns
FROM facts f WHERE f.scope = :scope AND (f.id, f.recorded_at) > (:cursor, :since)
ORDER BY f.id, f.recorded_at LIMIT 500;

-- name: stats
SELECT
    (SELECT count(*) FROM episodes e WHERE e.scope IN (SELECT value FROM json_each(:scopes))),
    (SELECT count(*) FROM entities n WHERE n.scope IN (SELECT value FROM json_each(:scopes)) AND n.same_as IS NULL),
    (SELECT count(DISTINCT id) FROM facts f WHERE f.scope IN (SELECT value FROM json_each(:scopes)) AND f.retired_at > :now
       AND f.valid_to > :now AND f.status = 'active'),
    (SELECT count(DISTINCT id) FROM facts f WHERE f.scope IN (SELECT value FROM json_each(:scopes)) AND f.retired_at > :now
       AND f.valid_to <= :now),
    (SELECT count(*) FROM facts f WHERE f.scope IN (SELECT value FROM json_each(:scopes))),
    (SELECT count(*) FROM facts f WHERE f.scope IN (SELECT value FROM json_each(:scopes)) AND f.retired_at > :now
       AND f.status = 'conflict'),
    (SELECT count(*) FROM facts f WHERE f.scope IN (SELECT value FROM json_each(:scopes)) AND f.retired_at > :now
       AND f.status = 'quarantined'),
    (SELECT count(*) FROM facts f WHERE f.scope IN (SELECT value FROM json_each(:scopes)) AND f.retired_at > :now
       AND f.status = 'supposed'),
    (SELECT count(*) FROM assertions a WHERE a.scope IN (SELECT value FROM json_each(:scopes)) AND a.predicate != 'mentioned');

-- name: check_orphan_facts
SELECT count(*) FROM facts f WHERE (:scopes IS NULL OR f.scope IN (SELECT value FROM json_each(:scopes)))
    AND NOT EXISTS (SELECT 1 FROM support s WHERE s.fact = f.n);

-- name: check_unsupported
SELECT count(*) FROM support s JOIN facts f ON f.n = s.fact WHERE (:scopes IS NULL OR f.scope IN (SELECT value FROM json_each(:scopes)))
    AND NOT EXISTS (SELECT 1 FROM assertions a WHERE a.id = s.assertion_id);

-- name: check_dangling_entities
SELECT count(*) FROM facts f WHERE (:scopes IS NULL OR f.scope IN (SELECT value FROM json_each(:scopes)))
    AND (NOT EXISTS (SELECT 1 FROM entities n WHERE n.id = f.subject_id)
         OR (f.object_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM entities n WHERE n.id = f.object_id)));

-- name: check_cross_scope
SELECT count(*) FROM facts f JOIN entities n ON n.id IN (f.subject_id, f.object_id) WHERE n.scope != f.scope AND (:scopes IS NULL OR f.scope IN (SELECT value FROM json_each(:scopes)));

-- name: check_missing_vectors
SELECT count(*) FROM episodes e WHERE (:scopes IS NULL OR e.scope IN (SELECT value FROM json_each(:scopes))) AND NOT EXISTS (
    SELECT 1 FROM vectors v JOIN models m ON m.model = v.model WHERE v.item = e.id AND m.active);

-- name: check_loose_vectors
SELECT count(*) FROM vectors v WHERE (:scopes IS NULL OR v.scope IN (SELECT value FROM json_each(:scopes))) AND NOT EXISTS (SELECT 1 FROM episodes e WHERE e.id = v.item)
    AND NOT EXISTS (SELECT 1 FROM facts f WHERE f.id = v.item);

-- name: drop_loose_vectors
DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM episodes e WHERE e.id = vectors.item)
    AND NOT EXISTS (SELECT 1 FROM facts f WHERE f.id = vectors.item)
RETURNING 1;

-- name: graph_unfinished
SELECT 1 FROM store WHERE name = 'restoring_graph';

-- name: mark_graph
INSERT INTO store (name, value) VALUES ('restoring_graph', x'01');

-- name: unmark_graph
DELETE FROM store WHERE name = 'restoring_graph';

-- name: graph_holds
SELECT (SELECT count(*) FROM episodes), (SELECT count(*) FROM entities), (SELECT count(*) FROM assertions),
       (SELECT count(*) FROM facts);

-- name: clear_marks
DELETE FROM watermarks;

-- name: clear_fences
DELETE FROM fences;

-- name: export_models
SELECT id, dimension, active FROM models WHERE id > :id ORDER BY id LIMIT 500;

-- name: export_fences
SELECT stream, fence FROM fences WHERE stream > :stream ORDER BY stream LIMIT 500;

-- name: export_watermarks
SELECT stream, stage, seq FROM watermarks WHERE (stream, stage) > (:stream, :stage) ORDER BY stream, stage LIMIT 500;

-- name: export_entities
SELECT
-- include: entity_columns
FROM entities n WHERE n.id > :id ORDER BY n.id LIMIT 200;

-- name: export_episodes
SELECT
-- include: episode_columns
, e.n FROM episodes e WHERE e.n > :n ORDER BY e.n LIMIT 200;

-- name: export_assertions
SELECT
-- include: assertion_columns
FROM assertions a WHERE a.id > :id ORDER BY a.id LIMIT 200;

-- name: export_facts
SELECT
-- include: fact_columns
, f.n FROM facts f WHERE f.n > :n ORDER BY f.n LIMIT 200;

-- name: export_vectors
SELECT v.item, v.model, m.id, v.kind, v.v
FROM (
    SELECT DISTINCT x.item, x.model FROM vectors x
    WHERE (x.item, x.model) > (:item, :model)
      AND (EXISTS (SELECT 1 FROM episodes e WHERE e.id = x.item) OR EXISTS (SELECT 1 FROM facts f WHERE f.id = x.item))
    ORDER BY x.item, x.model LIMIT 100
) i CROSS JOIN vectors v ON v.item = i.item AND v.model = i.model CROSS JOIN models m ON m.model = v.model
ORDER BY v.item, v.model, v.window;

-- name: scopes_by_key
SELECT s.key, s.app, s.user, s.session, s.agent FROM json_each(:scopes) i CROSS JOIN scopes s ON s.key = i.value;

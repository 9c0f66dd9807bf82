-- name: create_session
INSERT INTO sessions (app, user, id, stream, private_to, metadata, state, created_at, updated_at, expires_at)
VALUES (:app, :user, :id, :stream, :private_to, :metadata, '{}', :now, :now, :expires_at)
ON CONFLICT (app, user, id) DO NOTHING;

-- name: get_session
SELECT s.id, s.private_to, s.metadata, s.state, s.created_at, s.updated_at, s.expires_at,
       (SELECT count(*) FROM events e WHERE e.stream = s.stream AND e.session_id = s.id)
FROM sessions s
WHERE s.app = :app AND s.user = :user AND s.id = :id;

-- name: list_sessions
SELECT s.id, s.private_to, s.metadata, s.state, s.created_at, s.updated_at, s.expires_at,
       (SELECT count(*) FROM events e WHERE e.stream = s.stream AND e.session_id = s.id)
FROM sessions s
WHERE s.app = :app AND s.user = :user AND s.id > :after AND substr(s.id, 1, 1) != '@'
ORDER BY s.id
LIMIT :limit;

-- name: delete_session
DELETE FROM sessions WHERE app = :app AND user = :user AND id = :id RETURNING id;

-- name: set_state
UPDATE sessions SET state = :state, updated_at = :now
WHERE app = :app AND user = :user AND id = :id;

-- name: expired_sessions
SELECT s.app, s.user, s.id
FROM sessions s
WHERE s.expires_at <= :now
  AND NOT EXISTS (
      SELECT 1 FROM events e JOIN streams t ON t.stream = e.stream
      WHERE e.stream = s.stream AND e.session_id = s.id AND e.seq > t.done_seq
  )
ORDER BY s.expires_at
LIMIT :limit;

-- name: session_head
SELECT private_to, expires_at FROM sessions WHERE app = :app AND user = :user AND id = :id;

-- name: touch_session
UPDATE sessions SET updated_at = :now WHERE app = :app AND user = :user AND id = :id;

-- name: open_stream
INSERT INTO streams (stream, app, user) VALUES (:stream, :app, :user)
ON CONFLICT (stream) DO NOTHING;

-- name: last_seq
SELECT last_seq FROM streams WHERE stream = :stream;

-- name: set_last_seq
UPDATE streams SET last_seq = :seq WHERE stream = :stream;

-- name: event_digest
SELECT seq, digest, recorded_at, occurred_at FROM events WHERE episode_id = :episode_id;

-- name: is_erased
SELECT 1 FROM erased WHERE stream = :stream AND mac = :mac;

-- name: erasure_key
SELECT value FROM store WHERE name = 'erasure_key';

-- name: add_event
INSERT INTO events (stream, seq, episode_id, session_id, id, type, role, parts, author, agent, private_to,
                    source_class, origin, metadata, occurred_at, stamped, recorded_at, digest, bytes)
VALUES (:stream, :seq, :episode_id, :session_id, :id, :type, :role, :parts, :author, :agent, :private_to,
        :source_class, :origin, :metadata, :occurred_at, :stamped, :recorded_at, :digest, :bytes);

-- name: read_stream
SELECT seq, session_id, id, type, role, parts, author, agent, private_to, source_class, origin, metadata,
       occurred_at, stamped, recorded_at
FROM events
WHERE stream = :stream AND seq > :after_seq AND NOT erased
ORDER BY seq
LIMIT :limit;

-- name: read_stream_newest
SELECT seq, session_id, id, type, role, parts, author, agent, private_to, source_class, origin, metadata,
       occurred_at, stamped, recorded_at
FROM events
WHERE stream = :stream AND seq > :after_seq AND NOT erased
ORDER BY seq DESC
LIMIT :limit;

-- name: read_session
SELECT seq, session_id, id, type, role, parts, author, agent, private_to, source_class, origin, metadata,
       occurred_at, stamped, recorded_at
FROM events
WHERE stream = :stream AND session_id = :session_id AND seq > :after_seq
ORDER BY seq
LIMIT :limit;

-- name: read_session_newest
SELECT seq, session_id, id, type, role, parts, author, agent, private_to, source_class, origin, metadata,
       occurred_at, stamped, recorded_at
FROM events
WHERE stream = :stream AND session_id = :session_id AND seq > :after_seq
ORDER BY seq DESC
LIMIT :limit;

-- name: read_ids
SELECT seq, session_id, id, type, role, parts, author, agent, private_to, source_class, origin, metadata,
       occurred_at, stamped, recorded_at
FROM events
WHERE stream = :stream AND episode_id IN (SELECT value FROM json_each(:episode_ids))
ORDER BY seq;

-- name: read_batch
SELECT seq, session_id, id, type, role, parts, author, agent, private_to, source_class, origin, metadata,
       occurred_at, stamped, recorded_at
FROM events
WHERE stream = :stream AND seq BETWEEN :first AND :last AND NOT erased
ORDER BY seq;

-- name: batch_sizes
SELECT seq, bytes FROM events WHERE stream = :stream AND seq > :after_seq ORDER BY seq LIMIT :limit;

-- name: take_stream
UPDATE streams
SET owner = :owner, lease_until = :now + :lease, fence = fence + 1, claimed_at = :now
WHERE stream = (
    SELECT stream FROM streams
    WHERE NOT parked AND lease_until <= :now AND not_before <= :now AND (:stream IS NULL OR stream = :stream) AND

-- name: taken_stream
    ORDER BY claimed_at
    LIMIT 1
)
RETURNING stream, app, user, fence, attempts, batch_first, batch_last, done_seq, stage, lease_until;

-- name: claim
-- include: take_stream
    last_seq > done_seq
-- include: taken_stream

-- name: claim_erasure
-- include: take_stream
    stream IN (SELECT stream FROM receipts WHERE closed_at IS NULL)
-- include: taken_stream

-- name: freeze_batch
UPDATE streams SET batch_first = :first, batch_last = :last, stage = 'episodes' WHERE stream = :stream;

-- name: renew
UPDATE streams SET lease_until = :now + :lease
WHERE stream = :stream AND owner = :owner AND fence = :fence
RETURNING lease_until;

-- name: holds
SELECT 1 FROM streams WHERE stream = :stream AND owner = :owner AND fence = :fence;

-- name: next_stage
UPDATE streams SET stage = 'facts', attempts = 0, bookmark = coalesce(:bookmark, bookmark)
WHERE stream = :stream AND owner = :owner AND fence = :fence
RETURNING stream;

-- name: finish_batch
UPDATE streams
SET done_seq = batch_last, stage = 'episodes', owner = NULL, lease_until = 0, attempts = 0,
    not_before = 0, reason = NULL, bookmark = coalesce(:bookmark, bookmark)
WHERE stream = :stream AND owner = :owner AND fence = :fence
RETURNING stream;

-- name: release
UPDATE streams
SET owner = NULL, lease_until = 0, attempts = attempts + 1, not_before = :not_before,
    reason = :reason, parked = :park
WHERE stream = :stream AND owner = :owner AND fence = :fence
RETURNING stream;

-- name: resume
UPDATE streams
SET parked = 0, attempts = 0, not_before = 0, reason = NULL,
    done_seq = CASE WHEN :skip AND parked THEN batch_last ELSE done_seq END,
    stage = CASE WHEN :skip AND parked THEN 'episodes' ELSE stage END
WHERE stream = :stream
RETURNING stream;

-- name: get_stream
SELECT stream, app, user, last_seq, done_seq, fence, owner, lease_until, attempts, not_before, parked, reason, bookmark
FROM streams WHERE stream = :stream;

-- name: list_streams
SELECT stream, app, user, last_seq, done_seq, fence, owner, lease_until, attempts, not_before, parked, reason, bookmark
FROM streams
WHERE last_seq > done_seq OR NOT :pending
ORDER BY stream
LIMIT :limit;

-- name: save_extraction
INSERT INTO extractions (stream, seq, body) VALUES (:stream, :seq, :body)
ON CONFLICT (stream, seq) DO NOTHING;

-- name: load_extractions
SELECT body FROM extractions WHERE stream = :stream AND seq BETWEEN :first AND :last ORDER BY seq;

-- name: present_episodes
SELECT episode_id FROM events
WHERE stream = :stream AND episode_id IN (SELECT value FROM json_each(:episode_ids))
ORDER BY seq;

-- name: open_receipt
INSERT INTO receipts (id, stream, episode_ids, events, opened_at)
VALUES (:id, :stream, :episode_ids, :events, :now)
ON CONFLICT (id) DO NOTHING;

-- name: fence_off
UPDATE streams SET fence = fence + 1, owner = :owner, lease_until = :now + :lease
WHERE stream = :stream
RETURNING fence;

-- name: open_receipts
SELECT id, episode_ids FROM receipts WHERE stream = :stream AND closed_at IS NULL ORDER BY id;

-- name: get_receipt
SELECT episode_ids FROM receipts WHERE id = :id AND stream = :stream AND closed_at IS NULL;

-- name: erase_extractions
DELETE FROM extractions
WHERE stream = :stream AND seq IN (
    SELECT seq FROM events WHERE stream = :stream
    AND episode_id IN (SELECT value FROM json_each(:episode_ids))
);

-- name: erase_events
UPDATE events
SET episode_id = NULL, session_id = NULL, id = NULL, type = NULL, role = NULL, parts = NULL, author = NULL,
    agent = NULL, private_to = NULL, source_class = NULL, origin = NULL, metadata = NULL,
    occurred_at = NULL, stamped = NULL, digest = NULL, bytes = 0, erased = 1
WHERE stream = :stream AND episode_id IN (SELECT value FROM json_each(:episode_ids));

-- name: remember_erased
INSERT INTO erased (stream, mac) VALUES (:stream, :mac) ON CONFLICT DO NOTHING;

-- name: close_receipt
UPDATE receipts SET episode_ids = NULL, closed_at = :now WHERE id = :id;

-- name: free_stream
UPDATE streams SET owner = NULL, lease_until = 0 WHERE stream = :stream AND owner = :owner;

-- name: set_bookmark
UPDATE streams SET bookmark = :bookmark WHERE stream = :stream;

-- name: log_unfinished
SELECT 1 FROM store WHERE name = 'restoring_log';

-- name: mark_log
INSERT INTO store (name, value) VALUES ('restoring_log', x'01');

-- name: unmark_log
DELETE FROM store WHERE name = 'restoring_log';

-- name: log_holds
SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM events), (SELECT count(*) FROM streams);

-- name: set_erasure_key
UPDATE store SET value = :key WHERE name = 'erasure_key';

-- name: export_sessions
SELECT s.id, s.private_to, s.metadata, s.state, s.created_at, s.updated_at, s.expires_at, 0, s.app, s.user
FROM sessions s
WHERE (s.app, s.user, s.id) > (:app, :user, :id)
ORDER BY s.app, s.user, s.id
LIMIT 200;

-- name: export_cursors
SELECT stream, app, user, last_seq, done_seq, fence, attempts, not_before, parked, reason, batch_first, batch_last, stage
FROM streams
WHERE stream > :stream
ORDER BY stream
LIMIT 500;

-- name: export_events
SELECT e.seq, e.session_id, e.id, e.type, e.role, e.parts, e.author, e.agent, e.private_to, e.source_class, e.origin,
       e.metadata, e.occurred_at, e.stamped, e.recorded_at, t.app, t.user, e.stream
FROM events e CROSS JOIN streams t ON t.stream = e.stream
WHERE (e.stream, e.seq) > (:stream, :seq) AND NOT e.erased
ORDER BY e.stream, e.seq
LIMIT 200;

-- name: export_erased_events
SELECT e.seq, e.recorded_at, t.app, t.user, e.stream
FROM events e CROSS JOIN streams t ON t.stream = e.stream
WHERE (e.stream, e.seq) > (:stream, :seq) AND e.erased
ORDER BY e.stream, e.seq
LIMIT 500;

-- name: export_extractions
SELECT x.seq, x.body, t.app, t.user, x.stream
FROM extractions x CROSS JOIN streams t ON t.stream = x.stream
WHERE (x.stream, x.seq) > (:stream, :seq)
ORDER BY x.stream, x.seq
LIMIT 200;

-- name: export_erasures
SELECT r.id, r.episode_ids, r.events, r.opened_at, r.closed_at, t.app, t.user
FROM receipts r CROSS JOIN streams t ON t.stream = r.stream
WHERE r.id > :id
ORDER BY r.id
LIMIT 200;

-- name: export_erased_ids
SELECT x.mac, t.app, t.user, x.stream
FROM erased x CROSS JOIN streams t ON t.stream = x.stream
WHERE (x.stream, x.mac) > (:stream, :mac)
ORDER BY x.stream, x.mac
LIMIT 500;

-- name: restore_session
INSERT INTO sessions (app, user, id, stream, private_to, metadata, state, created_at, updated_at, expires_at)
VALUES (:app, :user, :id, :stream, :private_to, :metadata, :state, :created_at, :updated_at, :expires_at);

-- name: restore_cursor
INSERT INTO streams (stream, app, user, last_seq, done_seq, fence, attempts, not_before, parked, reason,
                     batch_first, batch_last, stage)
VALUES (:stream, :app, :user, :last_seq, :done_seq, :fence, :attempts, :not_before, :parked, :reason,
        :batch_first, :batch_last, :stage);

-- name: restore_erased_event
INSERT INTO events (stream, seq, recorded_at, erased) VALUES (:stream, :seq, :recorded_at, 1);

-- name: restore_erasure
INSERT INTO receipts (id, stream, episode_ids, events, opened_at, closed_at)
VALUES (:id, :stream, :episode_ids, :events, :opened_at, :closed_at);

-- Recall keeps what it has loaded of a scope while the scope's version stands. Whoever takes away
-- a memory, or restates one, raises it: also in a scope that the change does not name.

CREATE TRIGGER episodes_gone_version AFTER DELETE ON episodes BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = old.scope;
END;
CREATE TRIGGER facts_gone_version AFTER DELETE ON facts BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = old.scope;
END;
CREATE TRIGGER assertions_added_version AFTER INSERT ON assertions BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = new.scope;
END;
CREATE TRIGGER assertions_moved_version AFTER UPDATE ON assertions BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = new.scope;
END;
CREATE TRIGGER assertions_gone_version AFTER DELETE ON assertions BEGIN
    UPDATE scopes SET version = version + 1 WHERE key = old.scope;
END;

-- What was read in an episode, and which facts it is behind, from the indexes alone.
DROP INDEX assertions_episode;
CREATE INDEX assertions_episode
    ON assertions (episode_id, subject_id, object_id, slot, polarity, quarantined);
DROP INDEX support_episode;
CREATE INDEX support_episode ON support (episode_id, assertion_id);

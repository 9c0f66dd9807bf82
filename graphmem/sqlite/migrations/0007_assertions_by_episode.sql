-- The assertions of an episode were written together and lie together by number: an index that
-- holds what they say, too, is split on every other episode, and that was half of what a batch wrote.
DROP INDEX assertions_episode;
CREATE INDEX assertions_episode ON assertions (episode_id);

// Finds an episode's place in its session, and the times of sessions.
CREATE INDEX memory_episode_chain IF NOT EXISTS FOR (n:MemoryEpisode) ON (n.scope, n.session_id, n.seq)

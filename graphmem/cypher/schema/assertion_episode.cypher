// What an episode states.
CREATE INDEX memory_assertion_episode IF NOT EXISTS FOR (n:MemoryAssertion) ON (n.episode_id)

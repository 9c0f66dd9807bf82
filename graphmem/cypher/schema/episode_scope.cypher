// Lists the episodes of a scope by id.
CREATE INDEX memory_episode_scope IF NOT EXISTS FOR (n:MemoryEpisode) ON (n.scope, n.id)

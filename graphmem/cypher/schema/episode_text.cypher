// Full text finds, graphmem ranks. Only our own terms are indexed, each with its scope's mark.
CREATE FULLTEXT INDEX memory_episode_text IF NOT EXISTS FOR (n:MemoryEpisode) ON EACH [n.tokens]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace', `fulltext.eventually_consistent`: false}}

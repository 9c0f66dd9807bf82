// Full text finds, graphmem ranks. Only our own terms are indexed; the scope is a term of the match.
CREATE FULLTEXT INDEX memory_episode_text IF NOT EXISTS FOR (n:MemoryEpisode) ON EACH [n.scope, n.terms]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace', `fulltext.eventually_consistent`: false}}

// From 2026.06: the index knows the scope and the clocks, so a search goes on until enough pass.
CREATE VECTOR INDEX memory_episode_search___slot__ IF NOT EXISTS FOR (n:MemoryChunk) ON n.embedding___slot__
WITH [n.scope, n.occurred_at, n.recorded_at]
OPTIONS {indexConfig: {`vector.dimensions`: __dimension__, `vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}

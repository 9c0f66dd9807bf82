// From 2026.06: the index knows the scope and the clocks, so a search goes on until enough pass.
CREATE VECTOR INDEX memory_fact_search___slot__ IF NOT EXISTS FOR (n:MemoryFact) ON n.embedding___slot__
WITH [n.scope, n.valid_from, n.valid_to, n.recorded_at, n.retired_at]
OPTIONS {indexConfig: {`vector.dimensions`: __dimension__, `vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}

// Before 2026.06 an index knows no filter: see decision 0026 for how a scope is searched.
CREATE VECTOR INDEX memory_fact_vector___slot__ IF NOT EXISTS FOR (n:MemoryFact) ON n.embedding___slot__
OPTIONS {indexConfig: {`vector.dimensions`: __dimension__, `vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}

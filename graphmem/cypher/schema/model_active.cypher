// Which model is in use is asked by each recall.
CREATE INDEX memory_model_active IF NOT EXISTS FOR (n:MemoryModel) ON (n.active)

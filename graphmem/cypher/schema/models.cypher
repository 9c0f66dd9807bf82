// Embedding models, the active one first.
MATCH (m:MemoryModel) RETURN collect([m.id, m.dimension, m.slot, m.active]) AS rows

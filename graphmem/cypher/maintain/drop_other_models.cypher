MATCH (m:MemoryModel) WHERE m.id <> $id DETACH DELETE m

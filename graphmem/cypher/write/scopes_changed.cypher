MATCH (s:MemoryScope) WHERE s.key IN $keys SET s.version = s.version + 1

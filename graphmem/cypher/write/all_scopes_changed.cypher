MATCH (s:MemoryScope) SET s.version = s.version + 1

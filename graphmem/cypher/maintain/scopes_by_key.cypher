// What scope a key stands for (memory_scope_key).
MATCH (s:MemoryScope) WHERE s.key IN $keys
RETURN collect([s.key, s.app, s.user, s.session, s.agent]) AS rows

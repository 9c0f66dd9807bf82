MATCH (s:MemoryScope) WHERE s.key IN $scopes RETURN collect([s.key, s.app, s.user, s.session, s.agent]) AS rows

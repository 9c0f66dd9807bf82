// How often these scopes were written to, in all.
MATCH (s:MemoryScope) WHERE s.key IN $scopes RETURN coalesce(sum(s.version), 0) AS version

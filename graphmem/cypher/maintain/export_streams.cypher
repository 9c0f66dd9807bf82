// Fences and watermarks, a page of streams by name.
MATCH (s:MemoryStream) WHERE s.stream > $cursor
WITH s ORDER BY s.stream LIMIT 500
RETURN collect([s.stream, s.fence, s.episodes, s.facts]) AS rows

// Items without a vector in this slot, by id; a fact once, by its newest text.
CALL () {
    MATCH (e:MemoryEpisode) WHERE e.embedding___slot__ IS NULL
    RETURN e.id AS id, 'episode' AS kind, e.text AS text, e.author AS author,
           e.occurred_at.epochSeconds * 1000000 + e.occurred_at.microsecond AS at
    ORDER BY id LIMIT $limit
  UNION ALL
    MATCH (f:MemoryFact) WHERE f.embedding___slot__ IS NULL
    WITH f.id AS id, max(f.text) AS text
    RETURN id, 'fact' AS kind, text, null AS author, null AS at
    ORDER BY id LIMIT $limit
}
WITH * ORDER BY id LIMIT $limit
RETURN collect([id, kind, text, author, at]) AS rows

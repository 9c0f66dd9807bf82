// These fact versions. params: rows of id, scope, recorded_at (memory_fact_version).
UNWIND $rows AS row
MATCH (f:MemoryFact) WHERE f.scope = row.scope AND f.id = row.id AND f.recorded_at = row.recorded_at
RETURN collect(
// include: fragment/fact_row
) AS rows

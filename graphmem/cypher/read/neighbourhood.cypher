// Facts that touch entities, newest first, and both their ends. Hubs are read by their index: see the fragment.
CALL () {
    UNWIND $entity_ids AS who
// include: fragment/facts_of_entity
    WITH DISTINCT f
    ORDER BY f.recorded_at DESC, f.id DESC LIMIT $limit
    RETURN collect(f) AS found
}
CALL (found) {
    UNWIND found AS f
    RETURN collect(
// include: fragment/fact_row
    ) AS facts
}
CALL (found) {
    UNWIND found AS f
    UNWIND [f.subject_id, f.object_id] AS end
    WITH DISTINCT end WHERE end IS NOT NULL
    MATCH (n:MemoryEntity) WHERE n.id = end AND n.scope IN $scopes
    WITH n ORDER BY n.id
    RETURN collect(
// include: fragment/entity_row
    ) AS entities
}
RETURN facts, entities

// params: rows of id, recorded_at.
// returns: the scopes, the episodes and the facts that lost a version.
UNWIND $rows AS row
MATCH (f:MemoryFact) WHERE f.id = row.id AND f.recorded_at = row.recorded_at
OPTIONAL MATCH (f)-[:FROM]->(e:MemoryEpisode)
WITH f, f.scope AS scope, f.id AS id, f.subject_id AS subject, f.predicate AS predicate, f.object_id AS object, collect(e.id) AS episodes
DETACH DELETE f
WITH scope, id, subject, predicate, object, episodes
RETURN collect(DISTINCT scope) AS scopes, collect(episodes) AS episodes, collect([scope, id, subject, predicate, object]) AS facts

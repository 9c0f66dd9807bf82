// Of the assertions of a page: what is not drawn around them as it should be.
// returns: last, and [id, scope]: said.
WITH page, page[size(page) - 1].id AS last
CALL (page) {
UNWIND page AS a
WITH a,
  COLLECT { MATCH (e:MemoryEpisode) WHERE e.id = a.episode_id RETURN e.id } AS stated,
  COLLECT { MATCH (a)-[:STATED_IN]->(e) RETURN e.id } AS stated_in,
  COLLECT { UNWIND coalesce(a.names, []) AS name RETURN name ORDER BY name } AS names,
  COLLECT { MATCH (a)-[:SPEAKS_OF]->(m) WHERE m.scope = a.scope RETURN m.name ORDER BY m.name } AS spoken,
  COUNT { (a)-[:SPEAKS_OF]->() } AS all
RETURN collect(CASE WHEN stated <> stated_in OR names <> spoken OR all <> size(names) THEN [a.id, a.scope] END) AS said
}
RETURN last, said

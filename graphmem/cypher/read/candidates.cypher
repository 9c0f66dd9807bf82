// All arms of one question in one statement and one record: a record more costs what a row does.
// params: scopes, as_of, known_at, alive (facts that end after it pass), last (episodes up to it), match, padded, most,
//   k1, b, rank_offset, seeds (so many are widened), vector, exact (look at every vector), few (so do it below so many items);
//   of each kind ("episode_text", "fact_text"): text and vector, what an arm keeps, handed, what full text hands over, and beam or over, what a vector index does;
//   and those of fragment/episode_filter and fact_filter.
// returns: version of the scopes, read first; model: the active one; few_episodes, few_facts: whether all vectors of the kind were looked at; near_episodes, near_facts: how many the vector arm found; episodes [candidate, slot, spans, similarity]; windows [episode, similarity];
//   facts [candidate, seq, session, author, occurred, similarity]. Similarity is (1 + cosine) / 2.
// Where a vector index knows scopes and clocks, fragment/*_near_filtered take the place of *_near_index.
// Neighbours may be of a later time than is asked for: who asks drops them.
// indexes: memory_episode_text, memory_fact_text, the vector indexes of the slot; NEXT is walked.
CALL () {
    MATCH (s:MemoryScope) WHERE s.key IN $scopes
    RETURN coalesce(sum(s.version), 0) AS version
}
CALL () {
    OPTIONAL MATCH (m:MemoryModel {active: true})
    RETURN m.id AS model
}
CALL () {
    MATCH (e:MemoryEpisode) WHERE e.scope IN $scopes AND e.id IS NOT NULL
    WITH e LIMIT $few
    RETURN $exact OR count(e) < $few AS few_episodes
}
CALL () {
    MATCH (f:MemoryFact) WHERE f.scope IN $scopes AND f.retired_at IS NOT NULL
    WITH f LIMIT $few
    RETURN $exact OR count(f) < $few AS few_facts
}
CALL (few_episodes) {
    WITH few_episodes AS exact
    CALL (exact) {
// include: fragment/episode_text
      UNION ALL
// include: fragment/episode_near_exact
      UNION ALL
// include: fragment/episode_near_index
    }
    WITH e, max(near) AS near, max(s) AS s, sum(worth) AS worth ORDER BY worth DESC, e.id
    RETURN collect([e, s]) AS found, sum(near) AS near_episodes
}
CALL (found) {
    UNWIND found[..$seeds] AS seed
    WITH seed[0] AS e
    MATCH (e)-[:NEXT*0..__reach__]-(near:MemoryEpisode)
    WITH DISTINCT near AS e WHERE
// include: fragment/episode_filter
    RETURN collect([e, null]) AS beside
}
CALL (found, beside) {
    UNWIND found + beside AS row
    WITH row[0] AS e, max(row[1]) AS s
    RETURN collect([e, CASE WHEN s IS NULL OR e.windows > 1 THEN vector.similarity.cosine(e.embedding___slot__, $vector) ELSE s END]) AS all_episodes
}
CALL (all_episodes) {
    UNWIND all_episodes AS row
    WITH row[0] AS e WHERE e.windows > 1
    MATCH (w:MemoryWindow)-[:WINDOW_OF]->(e) WHERE w.embedding___slot__ IS NOT NULL
    RETURN collect([e.id, vector.similarity.cosine(w.embedding___slot__, $vector)]) AS windows
}
CALL (few_facts) {
    WITH few_facts AS exact
    CALL (exact) {
// include: fragment/fact_text
      UNION ALL
// include: fragment/fact_near_exact
      UNION ALL
// include: fragment/fact_near_index
    }
    WITH f, max(near) AS near, max(s) AS s
    RETURN sum(near) AS near_facts, collect([f.candidate, f.seq, f.session_id, f.author, f.occurred,
        CASE WHEN s IS NULL THEN vector.similarity.cosine(f.embedding___slot__, $vector) ELSE s END]) AS facts
}
RETURN version, model, few_episodes, few_facts, windows, facts, near_episodes, near_facts,
       [row IN all_episodes | [row[0].candidate, row[0].slot, row[0].spans, row[1]]] AS episodes

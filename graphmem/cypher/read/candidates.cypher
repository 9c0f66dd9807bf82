// All arms of one question in one statement and one record: a record more costs what a row does.
// params: scopes, as_of, known_at, alive (facts that end after it pass), last (episodes up to it), match, padded, most, handed_over,
//   k1, b, text_limit, vector, vector_limit, exact (look at every vector), few (so do it below so many items) and beam, or over, and those of fragment/episode_filter and fact_filter.
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
    WITH e, max(near) AS near
    RETURN collect(e) AS found, sum(near) AS near_episodes
}
CALL (found) {
    UNWIND found AS e
    MATCH (e)-[:NEXT*0..__reach__]-(near:MemoryEpisode)
    WITH DISTINCT near AS e WHERE
// include: fragment/episode_filter
    RETURN collect(e) AS episodes
}
CALL (episodes) {
    UNWIND episodes AS e
    WITH e WHERE e.windows > 1
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
    WITH f, max(near) AS near
    RETURN sum(near) AS near_facts, collect([f.candidate, f.seq, f.session_id, f.author, f.occurred,
                    vector.similarity.cosine(f.embedding___slot__, $vector)]) AS facts
}
RETURN version, model, few_episodes, few_facts, windows, facts, near_episodes, near_facts,
       [e IN episodes | [e.candidate, e.slot, e.spans, vector.similarity.cosine(e.embedding___slot__, $vector)]] AS episodes

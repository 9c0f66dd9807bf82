// As for episodes.
WITH * WHERE $vector IS NOT NULL AND $f_facts AND NOT exact
MATCH (f:MemoryFact)
SEARCH f IN (VECTOR INDEX memory_fact_search___slot__ FOR $vector
  WHERE f.scope IN $scopes AND f.recorded_at <= $known_at AND f.retired_at > $known_at
    AND f.valid_from <= $as_of AND f.valid_to > $alive
  LIMIT $fact_beam) SCORE AS s
WITH f, s WHERE
// include: fragment/fact_live
AND
// include: fragment/fact_filter
RETURN f, 1 AS near, s ORDER BY s DESC, f.id LIMIT $fact_vector

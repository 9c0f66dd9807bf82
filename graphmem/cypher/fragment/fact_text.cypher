// As for episodes.
WITH * WHERE $match IS NOT NULL AND $f_facts
CALL db.index.fulltext.queryNodes('memory_fact_text', $match, {limit: $most}) YIELD node AS f
WITH f WHERE
// include: fragment/fact_live
AND
// include: fragment/fact_filter
WITH f AS x LIMIT $handed_over
// include: fragment/bm25
RETURN x AS f, 0 AS near

// As for episodes.
WITH * WHERE $match IS NOT NULL AND $f_facts
CALL db.index.fulltext.queryNodes('memory_fact_text', $match, {limit: $most}) YIELD node AS f
WITH f WHERE
// include: fragment/fact_live
AND
// include: fragment/fact_filter
WITH f AS x LIMIT $fact_handed
// include: fragment/bm25
UNWIND best[..$fact_text] AS f
RETURN f, 0 AS near, null AS s

// As for episodes.
WITH * WHERE $vector IS NOT NULL AND $f_facts AND NOT exact
CALL db.index.vector.queryNodes('memory_fact_vector___slot__', $fact_over, $vector) YIELD node AS f, score AS s
WITH f, s WHERE
// include: fragment/fact_live
AND
// include: fragment/fact_filter
RETURN f, 1 AS near, s ORDER BY s DESC, f.id LIMIT $fact_vector

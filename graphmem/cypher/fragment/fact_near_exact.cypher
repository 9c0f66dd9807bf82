// As for episodes; a fact has one vector.
UNWIND CASE WHEN $vector IS NOT NULL AND $f_facts AND exact THEN [1] ELSE [] END AS looking
MATCH (f:MemoryFact) WHERE
// include: fragment/fact_live
AND
// include: fragment/fact_filter
WITH f WHERE f.embedding___slot__ IS NOT NULL
RETURN f, 1 AS near, vector.similarity.cosine(f.embedding___slot__, $vector) AS s ORDER BY s DESC, f.id LIMIT $fact_vector

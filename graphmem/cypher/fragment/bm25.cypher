// Ranks rows x as best, a list, by BM25 over these rows alone, as retrieval/bm25.py does:
// idf and length are theirs, so that nobody else's memories move the cut. Equal ones: the earlier, then by id.
WITH x, '  ' + replace(x.terms, ' ', '  ') + '  ' AS padded
WITH x, [term IN $padded | CASE WHEN padded CONTAINS term THEN size(split(padded, term)) - 1 ELSE 0 END] AS counts, toFloat(x.words) AS length
WITH collect([x, counts, length]) AS rows, avg(length) AS mean
WITH rows, CASE WHEN mean < 1 THEN 1.0 ELSE mean END AS mean,
     [i IN range(0, size($padded) - 1) | size([row IN rows WHERE row[1][i] > 0])] AS holding
WITH rows, mean, [held IN holding | log(1 + (size(rows) - held + 0.5) / (held + 0.5))] AS idf
UNWIND rows AS row
WITH row[0] AS x, reduce(s = 0.0, i IN range(0, size($padded) - 1) | s + idf[i] * row[1][i] * ($k1 + 1)
     / (row[1][i] + $k1 * (1 - $b + $b * row[2] / mean))) AS score
WITH x ORDER BY round(score, 9) DESC, x.recorded_at, x.id
WITH collect(x) AS best

// What another tool keeps here: labels that are not ours, and how many nodes bear them. Nothing of it is read.
MATCH (n) WHERE NOT n:Memory AND none(l IN labels(n) WHERE l STARTS WITH 'Memory')
UNWIND labels(n) AS label
WITH label, count(*) AS n ORDER BY label
RETURN collect([label, n]) AS rows

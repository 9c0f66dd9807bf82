// Locks the stream, before its fence is read, and raises it; says whether to go on.
// params: stream, fence, stage (null: no watermark), seq. returns: lost, done.
MERGE (s:MemoryStream {stream: $stream})
ON CREATE SET s.name = 'stream'
SET s.writer = $fence
WITH s, coalesce(s.fence, $fence) AS held, CASE $stage WHEN 'episodes' THEN s.episodes WHEN 'facts' THEN s.facts END AS mark
WITH s, held > $fence AS lost, $stage IS NOT NULL AND coalesce(mark, -1) >= $seq AS done
FOREACH (_ IN CASE WHEN lost THEN [] ELSE [1] END | SET s.fence = $fence)
FOREACH (_ IN CASE WHEN lost OR done OR $stage IS NULL OR $stage <> 'episodes' THEN [] ELSE [1] END | SET s.episodes = $seq)
FOREACH (_ IN CASE WHEN lost OR done OR $stage IS NULL OR $stage <> 'facts' THEN [] ELSE [1] END | SET s.facts = $seq)
WITH lost, done
CALL () {
    OPTIONAL MATCH (m:MemoryModel {active: true})
    RETURN collect([m.id, m.dimension, m.slot])[0] AS model
}
RETURN lost, done, model

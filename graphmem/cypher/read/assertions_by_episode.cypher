MATCH (a:MemoryAssertion) WHERE a.episode_id IN $episode_ids AND a.scope IN $scopes
RETURN collect(
// include: fragment/assertion_row
) AS rows

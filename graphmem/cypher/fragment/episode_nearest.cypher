// The nearest of rows e, s, and what the rank of each is worth, as retrieval/seeds.py has it.
WITH e, s ORDER BY s DESC, e.id LIMIT $episode_vector
WITH collect([e, s]) AS best
UNWIND range(1, size(best)) AS rank
RETURN best[rank - 1][0] AS e, 1 AS near, best[rank - 1][1] AS s, 1.0 / ($rank_offset + rank) AS worth

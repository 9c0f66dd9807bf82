// An entity as a row; the columns in the order of graph/rows.py.
[n.id, n.scope, n.key, n.name, n.kind, n.aliases, n.descriptors, n.summary, n.importance,
 n.created_at.epochSeconds * 1000000 + n.created_at.microsecond, n.updated_at.epochSeconds * 1000000 + n.updated_at.microsecond, n.same_as]

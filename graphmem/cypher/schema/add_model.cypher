// The first model is the active one; another takes the slot that is free.
MERGE (m:MemoryModel {id: $id})
ON CREATE SET m.dimension = $dimension, m.slot = $slot, m.active = $active, m.name = $id
RETURN m.dimension AS dimension, m.slot AS slot, m.active AS active

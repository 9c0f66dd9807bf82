MATCH (m:MemoryModel) SET m.active = (m.id = $id)

-- Who an entity was found to be: merged entities stay, as a trail.
ALTER TABLE entities ADD COLUMN same_as TEXT;
CREATE INDEX entities_same_as ON entities (same_as) WHERE same_as IS NOT NULL;

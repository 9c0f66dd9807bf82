// An index that is still being filled finds less.
CALL db.awaitIndexes(300)

// Takes away an index of ours that cannot be used, to make it anew. params: name.
DROP INDEX $name IF EXISTS

-- What a reader of a graph elsewhere must have seen to see what the stream has become: decision 0027.

ALTER TABLE streams ADD COLUMN bookmark TEXT;

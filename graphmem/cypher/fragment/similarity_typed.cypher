// What vector.similarity.cosine gives, where vectors are values of their own ($vector is one): half the time of it.
// Its first argument takes the place of the property here.
(1.0 - vector_distance(vector(item.embedding, $dimension, FLOAT32), $vector, COSINE) / 2)

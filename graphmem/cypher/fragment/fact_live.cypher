f.scope IN $scopes AND NOT f.status IN ['quarantined', 'supposed']
AND f.recorded_at <= $known_at AND f.retired_at > $known_at
AND f.valid_from <= $as_of AND f.valid_to > $alive

e.scope IN $scopes AND e.occurred_at <= $as_of AND e.recorded_at <= $known_at

MATCH (s:MemoryStream {stream: $stream}) RETURN s.episodes AS episodes, s.facts AS facts

// Whose memories are here?
// Take one for the other queries: paste its last column into the editor.
// params: none. returns: app, user, session, agent and the command that chooses them; in no order.
MATCH (s:MemoryScope)
RETURN s.app AS app, s.user AS user, s.session AS session, s.agent AS agent,
       ":param scope => '" + s.key + "'" AS paste
LIMIT 100

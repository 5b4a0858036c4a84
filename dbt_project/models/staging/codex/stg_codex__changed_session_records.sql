{{ changed_records('stg_codex__session_records', unit_of('codex', 'session_records')) }}

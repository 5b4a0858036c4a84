{{ changed_records('stg_codex__events', unit_of('codex', 'events')) }}

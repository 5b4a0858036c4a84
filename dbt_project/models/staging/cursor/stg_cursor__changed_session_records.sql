{{ changed_records('stg_cursor__session_records', unit_of('cursor', 'session_records')) }}

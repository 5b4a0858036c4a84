{{ changed_records('stg_claude_code__session_records', unit_of('claude_code', 'session_records')) }}

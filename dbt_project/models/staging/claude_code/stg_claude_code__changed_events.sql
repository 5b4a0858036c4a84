{{ changed_records('stg_claude_code__events', unit_of('claude_code', 'events')) }}

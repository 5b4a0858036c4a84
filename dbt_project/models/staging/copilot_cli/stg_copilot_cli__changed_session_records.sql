{{ changed_records('stg_copilot_cli__session_records', unit_of('copilot_cli', 'session_records')) }}

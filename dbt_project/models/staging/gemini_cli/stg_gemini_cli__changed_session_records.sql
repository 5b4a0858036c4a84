{{ changed_records('stg_gemini_cli__session_records', unit_of('gemini_cli', 'session_records')) }}

{{ changed_records('stg_gemini_cli__events', unit_of('gemini_cli', 'events')) }}

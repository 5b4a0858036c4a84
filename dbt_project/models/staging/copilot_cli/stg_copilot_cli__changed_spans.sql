{{ changed_records('stg_copilot_cli__spans', unit_of('copilot_cli', 'spans')) }}

{{ changed_records('stg_agent_edits') }}

{{ changed_records('stg_agent_event_edits') }}

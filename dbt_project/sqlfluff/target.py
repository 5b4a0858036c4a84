"""dbt's `target`, as far as sqlfluff's Jinja templater needs it."""

database = "agent_analytics"
schema = "main"

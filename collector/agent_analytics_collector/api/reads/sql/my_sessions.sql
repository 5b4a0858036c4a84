select
    started_at,
    ended_at,
    agent,
    session_id,
    project_id,
    git_branch,
    machine,
    main_model,
    outcome,
    prompts,
    requests,
    tool_calls,
    edits_accepted,
    edits_rejected,
    lines_added,
    lines_removed,
    commits,
    total_tokens,
    active_seconds,
    cost_usd
from fct_agent_sessions
where
    true
    -- filter since: started_date >= cast(:since as date)
    -- filter until: started_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter model: main_model = :model
    -- filter developer: developer_id = :developer
    -- filter project: project_id = :project
order by started_at desc, session_key asc

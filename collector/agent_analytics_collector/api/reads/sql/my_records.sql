select
    'requests' as kind,
    count(*) as records
from fct_agent_requests
where
    true
    -- filter developer: developer_id = :developer
union all
select
    'sessions' as kind,
    count(*) as records
from fct_agent_sessions
where
    true
    -- filter developer: developer_id = :developer
union all
select
    'tool calls' as kind,
    count(*) as records
from fct_tool_calls
where
    true
    -- filter developer: developer_id = :developer
union all
select
    'commits' as kind,
    count(*) as records
from fct_git_commits
where
    true
    -- filter developer: developer_id = :developer
union all
select
    'days that vendors report' as kind,
    count(*) as records
from fct_vendor_spend
where
    true
    -- filter developer: developer_id = :developer
union all
select
    'days that Copilot reports' as kind,
    count(*) as records
from fct_copilot_daily
where
    true
    -- filter developer: developer_id = :developer
union all
select
    'limit windows' as kind,
    count(*) as records
from fct_limit_windows
where
    true
    -- filter developer: developer_id = :developer
order by kind

select
    developer_id,
    string_agg(distinct agent, ', ' order by agent) as agents,
    count(distinct started_date) as days,
    count(*) as sessions,
    cast(sum(prompts) as bigint) as prompts,
    cast(sum(tool_calls) as bigint) as tool_calls,
    cast(sum(commits) as bigint) as commits,
    cast(sum(active_seconds) / 3600 as double) as active_hours,
    sum(cost_usd) as cost_usd
from fct_agent_sessions
where
    true
    -- filter since: started_date >= cast(:since as date)
    -- filter until: started_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter model: main_model = :model
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by developer_id
order by developer_id nulls last

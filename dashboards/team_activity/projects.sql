select
    project_id,
    case when count(developer_id) > 0 then count(distinct developer_id) end as developers,
    count(*) as sessions,
    cast(sum(prompts) as bigint) as prompts,
    cast(sum(commits) as bigint) as commits,
    cast(sum(active_seconds) / 3600 as double) as active_hours,
    sum(cost_usd) as cost_usd,
    max(started_date) as last_day
    -- people: count(distinct developer_id) as people
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
group by project_id
order by project_id nulls last

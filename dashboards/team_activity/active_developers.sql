select
    cast(date_trunc('week', usage_date) as date) as week,
    agent,
    case when count(developer_id) > 0 then count(distinct developer_id) end as developers
    -- people: count(distinct developer_id) as people
from fct_daily_agent_usage
where
    true
    -- filter since: usage_date >= cast(:since as date)
    -- filter until: usage_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter model: model = :model
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by week, agent
order by week, agent

select
    usage_date as day,
    agent,
    sum(cost_usd) as cost_usd
    -- people: count(distinct developer_id) as people
from fct_agent_costs
where
    true
    -- filter since: usage_date >= cast(:since as date)
    -- filter until: usage_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter model: model = :model
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by day, agent
order by day, agent

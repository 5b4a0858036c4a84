select
    agent,
    model,
    cast(sum(unpriced_requests) as bigint) as unpriced_requests,
    cast(sum(requests) as bigint) as requests,
    max(case when unpriced_requests > 0 then usage_date end) as last_day
    -- people: count(distinct case when unpriced_requests > 0 then developer_id end) as people
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
group by agent, model
having sum(unpriced_requests) > 0
order by unpriced_requests desc, agent asc, model asc

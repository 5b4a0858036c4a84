select
    cast(date_trunc('month', usage_date) as date) as month,
    yield_class,
    sum(cost_usd) as cost_usd
    -- people: count(distinct developer_id) as people
from fct_outcome_costs
where
    true
    -- filter since: usage_date >= cast(:since as date)
    -- filter until: usage_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
    -- filter repository: repository = :repository
group by month, yield_class
order by month, yield_class

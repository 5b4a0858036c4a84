select
    month,
    plan,
    agent,
    case when count(developer_id) > 0 then count(distinct developer_id) end as developers,
    cast(sum(seats) as bigint) as seats,
    sum(plan_usd) as plan_usd,
    case when count(included_usd) = count(*) then sum(included_usd) end as included_usd,
    cast(sum(requests) as bigint) as requests,
    sum(covered_list_usd) as covered_list_usd,
    sum(covered_list_usd) / nullif(sum(plan_usd), 0) as list_to_plan_ratio
    -- people: count(distinct developer_id) as people
from fct_plan_months
where
    true
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
group by month, plan, agent
order by month desc, plan asc, agent asc

select
    cause,
    sum(cause_cost_usd) as cause_cost_usd,
    sum(avoidable_usd) as avoidable_usd
    -- people: count(distinct developer_id) as people
from fct_cost_causes
where
    true
    -- filter since: requested_date >= cast(:since as date)
    -- filter until: requested_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by cause
order by avoidable_usd desc nulls last, cause asc

select
    agent,
    tool_name,
    count(*) as calls,
    count(case when not success then 1 end) as failures,
    count(case when not success then 1 end) / nullif(count(success), 0) as failure_rate,
    cast(median(duration_ms) / 1000 as double) as median_seconds
    -- people: count(distinct developer_id) as people
from fct_tool_calls
where
    true
    -- filter since: called_date >= cast(:since as date)
    -- filter until: called_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter model: model = :model
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by agent, tool_name
order by agent asc, calls desc, tool_name asc

select
    repository,
    task_size,
    developer_id,
    metric,
    agent,
    sessions,
    value,
    value_low,
    value_high,
    is_enough
from fct_agent_comparison
where
    comparison = 'cell'
    -- filter agent: agent = :agent
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter repository: repository = :repository
order by
    is_enough desc,
    sessions desc,
    repository asc nulls last,
    task_size asc,
    developer_id asc nulls last,
    metric asc,
    agent asc

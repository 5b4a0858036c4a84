select distinct
    agent,
    model,
    developer_id
from fct_daily_agent_usage
where
    developer_id is not null
    -- filter since: usage_date >= cast(:since as date)
    -- filter until: usage_date <= cast(:until as date)
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)

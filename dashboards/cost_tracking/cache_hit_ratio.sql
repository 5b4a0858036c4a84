select
    usage_date as day,
    agent,
    sum(cache_read_tokens) / nullif(
        sum(
            coalesce(input_tokens, 0)
            + cache_read_tokens
            + coalesce(cache_write_5m_tokens, 0)
            + coalesce(cache_write_1h_tokens, 0)
        ),
        0
    ) as cache_hit_ratio
    -- people: count(distinct developer_id) as people
from fct_agent_costs
where
    cache_read_tokens is not null
    -- filter since: usage_date >= cast(:since as date)
    -- filter until: usage_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter model: model = :model
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by day, agent
order by day, agent

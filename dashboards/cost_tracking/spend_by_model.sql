select
    agent,
    model,
    cast(sum(requests) as bigint) as requests,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,
    cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens,
    sum(cost_usd) as cost_usd,
    sum(cache_savings_usd) as cache_savings_usd
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
group by agent, model
order by cost_usd desc nulls last, agent asc, model asc

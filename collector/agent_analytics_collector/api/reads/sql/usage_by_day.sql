with

-- Days of the session's time zone, each from the hour at which one begins.
counted as (

    select
        *,
        cast(
            cast(quarter_hour_at as timestamp) - to_hours(getvariable('rollover_hour')) as date
        ) as day
    from fct_usage_15min

)

select
    day,
    agent,
    model,
    cast(sum(requests) as bigint) as requests,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,
    cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens,
    cast(sum(reasoning_tokens) as bigint) as reasoning_tokens,
    sum(cost_usd) as cost_usd
    -- people: count(distinct developer_id) as people
from counted
where
    true
    -- filter since: day >= cast(:since as date)
    -- filter until: day <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter model: model = :model
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by day, agent, model
order by day asc, agent asc, model asc nulls last

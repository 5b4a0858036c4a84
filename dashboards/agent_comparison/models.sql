with

measured as (

    select
        agent,
        model,
        count(*) as requests,
        count(case when is_error then 1 end) / count(*) as error_rate,
        -- Both at once take half the time of two aggregates.
        quantile_cont(duration_ms, [0.5, 0.9]) as durations_ms,
        avg(output_tokens) as output_tokens_per_request,
        cast(avg(cost_usd) as decimal(18, 9)) as cost_per_request_usd
        -- people: count(distinct developer_id) as people
    from fct_agent_requests
    where
        true
        -- filter since: requested_date >= cast(:since as date)
        -- filter until: requested_date <= cast(:until as date)
        -- filter agent: agent = :agent
        -- filter model: model = :model
        -- filter developer: developer_id = :developer
        -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
        -- filter project: project_id = :project
    group by agent, model

)

select
    agent,
    model,
    requests,
    error_rate,
    durations_ms[1] / 1000 as median_seconds,
    durations_ms[2] / 1000 as p90_seconds,
    output_tokens_per_request,
    cost_per_request_usd
    -- people: people
from measured
order by agent asc, requests desc, model asc

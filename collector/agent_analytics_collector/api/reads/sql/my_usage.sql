select
    min(usage_date) as first_day,
    max(usage_date) as last_day,
    count(distinct usage_date) as days,
    cast(sum(prompts) as bigint) as prompts,
    cast(sum(requests) as bigint) as requests,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens,
    cast(sum(tool_calls) as bigint) as tool_calls,
    sum(cost_usd) as cost_usd,
    cast(sum(unpriced_requests) as bigint) as unpriced_requests
from fct_daily_agent_usage
where
    true
    -- filter since: usage_date >= cast(:since as date)
    -- filter until: usage_date <= cast(:until as date)
    -- filter developer: developer_id = :developer

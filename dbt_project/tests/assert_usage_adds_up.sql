-- Requests, tokens, prompts and edits are the same by day, by quarter of an hour and by session.
with

requests as (

    select
        count(*) as requests,
        sum(case when session_key is not null then 1 else 0 end) as session_requests,
        coalesce(sum(total_tokens), 0) as tokens,
        coalesce(sum(case when session_key is not null then total_tokens end), 0) as session_tokens
    from {{ ref('fct_agent_requests') }}

),

remainders as (

    select coalesce(sum(total_tokens), 0) as tokens
    from {{ ref('fct_metric_remainders') }}

),

vendors as (

    select
        coalesce(sum(requests), 0) as requests,
        coalesce(sum(total_tokens), 0) as tokens
    from {{ ref('fct_vendor_spend') }}

),

costs as (

    select
        coalesce(sum(requests), 0) as requests,
        coalesce(sum(input_tokens), 0)
        + coalesce(sum(cache_read_tokens), 0)
        + coalesce(sum(cache_write_5m_tokens), 0)
        + coalesce(sum(cache_write_1h_tokens), 0)
        + coalesce(sum(output_tokens), 0) as tokens
    from {{ ref('fct_agent_costs') }}

),

quarters as (

    select
        coalesce(sum(requests), 0) as requests,
        coalesce(sum(input_tokens), 0)
        + coalesce(sum(cache_read_tokens), 0)
        + coalesce(sum(cache_write_5m_tokens), 0)
        + coalesce(sum(cache_write_1h_tokens), 0)
        + coalesce(sum(output_tokens), 0) as tokens
    from {{ ref('fct_usage_15min') }}

),

days as (

    select
        coalesce(sum(requests), 0) as requests,
        coalesce(sum(tool_calls), 0) as tool_calls,
        coalesce(sum(input_tokens), 0)
        + coalesce(sum(cache_read_tokens), 0)
        + coalesce(sum(cache_write_5m_tokens), 0)
        + coalesce(sum(cache_write_1h_tokens), 0)
        + coalesce(sum(output_tokens), 0) as tokens
    from {{ ref('fct_daily_agent_usage') }}

),

sessions as (

    select
        coalesce(sum(requests), 0) as requests,
        coalesce(sum(total_tokens), 0) as tokens
    from {{ ref('fct_agent_sessions') }}

),

tool_calls as (

    select count(*) as tool_calls from {{ ref('fct_tool_calls') }}

),

problems as (

    select
        requests.requests,
        costs.requests as costs_requests,
        quarters.requests as quarters_requests,
        days.requests as days_requests,
        sessions.requests as sessions_requests
    from requests
    cross join remainders
    cross join vendors
    cross join costs
    cross join quarters
    cross join days
    cross join sessions
    cross join tool_calls
    where
        costs.requests <> requests.requests + vendors.requests
        or quarters.requests <> requests.requests + vendors.requests
        or days.requests <> requests.requests + vendors.requests
        or sessions.requests <> requests.session_requests
        or costs.tokens <> requests.tokens + remainders.tokens + vendors.tokens
        or quarters.tokens <> costs.tokens
        or days.tokens <> requests.tokens + vendors.tokens
        or sessions.tokens <> requests.session_tokens + remainders.tokens
        or days.tool_calls <> tool_calls.tool_calls

)

select * from problems

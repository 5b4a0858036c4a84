with

events as (

    select * from {{ ref('stg_claude_code__changed_events') }}
    where event_name = 'api_request'

),

keyed as (

    select
        *,
        cast(cost_usd_micros as decimal(20, 0)) * cast(0.000001 as decimal(7, 6)) as micros_usd,
        {{ record_id('request_id', ['input_tokens', 'output_tokens']) }} as request_key
    from events

),

-- The same request twice (sent again, replayed, seen by a forked session): the most complete
-- record counts, then the earliest, then the record itself decides; never the order of arrival.
ranked as (

    select
        *,
        min(created_at) over (partition by request_key) as first_created_at,
        {{ best_first('request_key', ['output_tokens', 'cost_usd', 'cost_usd_micros']) }}
            as best_first
    from keyed

),

requests as (

    select
        'claude_code:' || request_key as request_key,
        request_id,
        session_id,
        prompt_id,
        developer_id,
        {{ normalized_repository('repository_url') }} as repository,
        coalesce(head_name, git_branch) as git_branch,
        nullif(machine, '') as machine,
        model as model_reported,
        case when speed = 'fast' then 'fast' else 'standard' end as service_tier,
        query_source,
        agent_name as subagent,
        effort,
        agent_version,
        -- OAuth logins carry these two, API keys never (2.1.330, documented). How a login is paid
        -- (plan, credits, console) no record says.
        case
            when organization_id is not null or account_uuid is not null then 'unknown'
            when user_id is not null then 'api'
            else 'unknown'
        end as billing_mode,
        input_tokens,
        cache_read_tokens,
        {{ cache_writes() }},
        output_tokens,
        -- Thinking is inside output and no event tells how much of it (2.1.330).
        cast(null as bigint) as reasoning_tokens,
        -- The micros are rounded for each request (2.1.330), and 15,002 cache reads of
        -- claude-opus-5-5 cost 3000.4 of them: so the cost that they are rounded from counts, and
        -- the micros where it is another or none.
        coalesce(
            case when abs(cost_usd - micros_usd) <= 0.000001 then cost_usd end,
            micros_usd,
            cost_usd
        ) as reported_cost_usd,
        duration_ms,
        ttft_ms,
        agent_id is not null
        or agent_name is not null
        or coalesce(query_source like 'agent:%', false) as is_subagent,
        occurred_at as requested_at,
        first_created_at as created_at
    from ranked
    where best_first = 1

)

select * from requests

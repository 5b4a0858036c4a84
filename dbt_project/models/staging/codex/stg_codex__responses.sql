with

events as (

    select
        *,
        event_name = 'sse_event' as is_answer,
        {{ hashed([
            'session_id', 'event_name', 'occurred_at', 'input_token_count', 'output_token_count',
            'cached_token_count', 'status_code', 'attempt', 'prompt_length',
        ]) }} as event_key
    from {{ ref('stg_codex__changed_events') }}
    where
        event_name = 'user_prompt'
        or (
            event_name = 'sse_event'
            and event_kind = 'response.completed'
            and coalesce(input_token_count, output_token_count) is not null
        )
        -- An attempt without a status got no answer at all.
        or (event_name = 'api_request' and coalesce(status_code, 0) not between 200 and 299)

),

ranked as (

    select
        *,
        min(created_at) over (partition by event_key) as first_created_at,
        {{ best_first('event_key') }} as best_first
    from events

),

in_turns as (

    select
        *,
        sum(case when event_name = 'user_prompt' then 1 else 0 end) over (
            partition by session_id
            order by occurred_at, event_key
            rows between unbounded preceding and current row
        ) as turn
    from ranked
    where best_first = 1

),

steps as (

    select * from in_turns
    where event_name <> 'user_prompt'

),

-- Each attempt is an event of its own (0.169.0); those before an answer are its retries.
tried as (

    select * from {{ requests_of_attempts('steps') }} as tried
    where last_first = 1

),

responses as (

    select
        'codex:' || event_key as request_key,
        cast(null as varchar) as request_id,
        session_id,
        cast(null as varchar) as prompt_id,
        developer_id,
        model as model_reported,
        cast(null as varchar) as model_requested,
        cast(null as varchar) as query_source,
        cast(null as varchar) as subagent,
        effort,
        agent_version,
        -- By the program; no recording has it (0.169.0).
        case
            when lower(replace(auth_mode, '_', '')) = 'apikey' then 'api'
            when lower(auth_mode) like 'chatgpt%' then 'subscription'
            else 'unknown'
        end as billing_mode,
        case when is_answer then {{ hashed([
            'session_id', 'input_token_count', 'coalesce(cached_token_count, 0)',
            'output_token_count',
        ]) }} end as match_key,
        {{ uncached('input_token_count', ['cached_token_count', 'cache_write_token_count']) }}
            as input_tokens,
        cached_token_count as cache_read_tokens,
        cache_write_token_count as cache_write_5m_tokens,
        case when is_answer then cast(0 as bigint) end as cache_write_1h_tokens,
        output_token_count as output_tokens,
        reasoning_token_count as reasoning_tokens,
        case when not is_answer then duration_ms end as duration_ms,
        ttft_ms,
        case when not is_answer then status_code end as status_code,
        attempts as attempt,
        false as is_subagent,
        not is_answer as is_error,
        occurred_at as requested_at,
        first_created_at as created_at
    from tried

)

select * from responses

with

events as (

    select
        *,
        event_name = 'api_response' as is_answer,
        {{ hashed([
            'session_id', 'event_name', 'occurred_at', 'model', 'role', 'input_token_count',
            'output_token_count', 'status_code', 'duration_ms', 'prompt_length',
        ]) }} as event_key
    from {{ ref('stg_gemini_cli__changed_events') }}
    where event_name in ('api_response', 'api_error', 'user_prompt')

),

ranked as (

    select
        *,
        min(created_at) over (partition by event_key) as first_created_at,
        {{ best_first('event_key') }} as best_first
    from events

),

-- With `-p` all of a session has one prompt id (0.61.0). The router and the agent ask by turns; a
-- failure that names no role is the agent's.
in_turns as (

    select
        *,
        coalesce(prompt_id, '') || '|' || coalesce(nullif(role, ''), 'main') || '|' || cast(
            sum(case when event_name = 'user_prompt' then 1 else 0 end) over (
                partition by session_id
                order by occurred_at, event_key
                rows between unbounded preceding and current row
            ) as varchar
        ) as turn
    from ranked
    where best_first = 1

),

steps as (

    select * from in_turns
    where event_name <> 'user_prompt'

),

-- Each failed attempt is an api_error of its own (0.61.0); those before an answer are its retries.
tried as (

    select * from {{ requests_of_attempts('steps') }} as tried
    where last_first = 1

),

responses as (

    select
        'gemini_cli:' || event_key as request_key,
        cast(null as varchar) as request_id,
        session_id,
        prompt_id,
        developer_id,
        model as model_reported,
        cast(null as varchar) as model_requested,
        role as query_source,
        cast(null as varchar) as subagent,
        cast(null as varchar) as effort,
        cast(null as varchar) as agent_version,
        case
            when auth_type in ('gemini-api-key', 'vertex-ai') then 'api'
            when auth_type in ('oauth-personal', 'login-with-google') then 'subscription'
            else 'unknown'
        end as billing_mode,
        -- What the agent asks for itself is in no session file.
        case when is_answer and coalesce(role not like 'utility%', true) then {{ hashed([
            'session_id', 'model', 'input_token_count', 'coalesce(cached_token_count, 0)',
            'output_token_count', 'coalesce(thoughts_token_count, 0)',
        ]) }} end as match_key,
        -- The prompts of tools stand beside the input, thoughts beside the output.
        {{ uncached('input_token_count', ['cached_token_count']) }} + coalesce(tool_token_count, 0)
            as input_tokens,
        cached_token_count as cache_read_tokens,
        case when is_answer then cast(0 as bigint) end as cache_write_5m_tokens,
        case when is_answer then cast(0 as bigint) end as cache_write_1h_tokens,
        output_token_count + coalesce(thoughts_token_count, 0) as output_tokens,
        thoughts_token_count as reasoning_tokens,
        duration_ms,
        cast(null as bigint) as ttft_ms,
        case when not is_answer then status_code end as status_code,
        attempts as attempt,
        coalesce(role like 'subagent%', false) as is_subagent,
        not is_answer as is_error,
        occurred_at as requested_at,
        first_created_at as created_at
    from tried

)

select * from responses

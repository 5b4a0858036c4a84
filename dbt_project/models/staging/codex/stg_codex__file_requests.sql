{% set shared = [
    'record_key', 'session_id', 'turn_id', 'request_name', 'is_copied', 'developer_id',
    'repository', 'git_branch', 'agent_version', 'model', 'effort', 'is_sidechain',
    'input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens',
    'reasoning_tokens', 'occurred_at', 'created_at',
] | join(',\n        ') %}

with

records as (

    select
        *,
        -- A fork and a sub-agent begin with a copy of another thread's records: each says of which
        -- thread it is (0.169.0).
        coalesce(nullif(thread_id, ''), session_id) as booked_session_id
    from {{ ref('stg_codex__changed_session_records') }}
    where kind = 'request' and coalesce(input_tokens, output_tokens) is not null

),

placed as (

    select
        *,
        dense_rank() over (
            partition by booked_session_id, request_id
            order by turn_id, input_tokens, output_tokens
        ) as place
    from records

),

-- A local model server may give one id to several answers, or none.
responses as (

    select
        *,
        session_id <> booked_session_id as is_copied,
        case
            when request_id <> '' and place > 1 then request_id || '#' || cast(place as varchar)
            when request_id <> '' then request_id
            else {{ hashed(['turn_id', 'occurred_at', 'input_tokens', 'output_tokens']) }}
        end as request_name
    from placed

),

token_counts as (

    select * from {{ ref('stg_codex__token_counts') }}

),

told_turns as (

    select distinct turn_id
    from responses
    where turn_id <> ''

),

told_sessions as (

    select
        session_id,
        min(occurred_at) as first_at
    from responses
    group by session_id

),

-- Versions that do not tell of the response tell of what it added to the session's sums; those that
-- do tell both.
untold as (

    select token_counts.*
    from token_counts
    left join told_turns on token_counts.turn_id = told_turns.turn_id
    left join told_sessions on token_counts.session_id = told_sessions.session_id
    where
        told_turns.turn_id is null
        and (
            coalesce(token_counts.turn_id, '') <> ''
            or told_sessions.session_id is null
            or token_counts.occurred_at < told_sessions.first_at
        )

),

unioned as (

    select
        {{ shared }},
        booked_session_id,
        request_id,
        service_tier
    from responses
    union all
    select
        {{ shared }},
        first_value(session_id) over (
            partition by request_name
            order by is_copied asc, occurred_at asc, session_id asc
        ) as booked_session_id,
        null as request_id,
        null as service_tier
    from untold

),

ranked as (

    select
        *,
        min(created_at) over (partition by booked_session_id, request_name) as first_created_at,
        row_number() over (
            partition by booked_session_id, request_name
            order by
                output_tokens desc nulls last,
                is_copied asc,
                occurred_at asc,
                {{ named_developer_first() }},
                record_key asc
        ) as best_first
    from unioned

),

requests as (

    select
        'codex:' || booked_session_id || ':' || request_name as request_key,
        request_id,
        booked_session_id as session_id,
        nullif(turn_id, '') as prompt_id,
        developer_id,
        repository,
        git_branch,
        model as model_reported,
        case
            when service_tier in ('fast', 'batch', 'priority', 'flex') then service_tier
            else 'standard'
        end as service_tier,
        cast(null as varchar) as query_source,
        cast(null as varchar) as subagent,
        effort,
        agent_version,
        'unknown' as billing_mode,
        {{ hashed([
            'booked_session_id', 'input_tokens', 'coalesce(cache_read_tokens, 0)', 'output_tokens',
        ]) }} as match_key,
        {{ uncached('input_tokens', ['cache_read_tokens', 'cache_write_tokens']) }}
            as input_tokens,
        cache_read_tokens,
        cache_write_tokens as cache_write_5m_tokens,
        cast(0 as bigint) as cache_write_1h_tokens,
        output_tokens,
        reasoning_tokens,
        cast(null as bigint) as duration_ms,
        cast(null as bigint) as ttft_ms,
        -- A copy in the file of a sub-agent is no request of its own.
        coalesce(is_sidechain, false) and not is_copied as is_subagent,
        occurred_at as requested_at,
        first_created_at as created_at
    from ranked
    where best_first = 1

)

select * from requests

{% set shared = [
    'request_key', 'request_id', 'session_id', 'prompt_id', 'developer_id', 'repository',
    'git_branch', 'machine', 'model_reported', 'service_tier', 'query_source', 'subagent',
    'effort', 'agent_version', 'billing_mode', 'duration_ms', 'is_subagent', 'requested_at',
    'created_at',
] | join(',\n        ') %}
{% set prompt_tokens = hashed([
    'session_id', 'input_tokens', 'coalesce(cache_read_tokens, 0)',
    'coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)',
]) %}

with

claude_code_requests as (

    select * from {{ ref('stg_claude_code__api_requests') }}

),

claude_code_errors as (

    select * from {{ ref('stg_claude_code__api_errors') }}

),

claude_code_file_requests as (

    select * from {{ ref('stg_claude_code__file_requests') }}

),

-- An event without a request id is the answer of its session's file to a prompt of the same tokens
-- that was written at the same time. Of a stream that broke, the two tell another output (2.1.330).
nameless as (

    select
        *,
        {{ prompt_tokens }} as match_key
    from claude_code_requests
    where coalesce(request_id, '') = '' and session_id is not null

),

unnamed as (

    select
        *,
        {{ prompt_tokens }} as match_key
    from claude_code_file_requests
    where
        session_id in (select nameless.session_id from nameless)
        and request_key not in (select named.request_key from claude_code_requests as named)

),

-- What the event says counts; the file tells what it does not.
claude_code_answered as (

    select
        coalesce(files.request_key, events.request_key) as request_key,
        coalesce(nullif(events.request_id, ''), files.request_id) as request_id,
        coalesce(events.session_id, files.session_id) as session_id,
        events.prompt_id,
        {% for column in ['developer_id', 'repository', 'git_branch'] %}
        coalesce(events.{{ column }}, files.{{ column }}) as {{ column }},
        {% endfor %}
        events.machine,
        coalesce(events.model_reported, files.model_reported) as model_reported,
        files.model_requested,
        coalesce(events.service_tier, files.service_tier) as service_tier,
        events.query_source,
        events.subagent,
        events.effort,
        coalesce(events.agent_version, files.agent_version) as agent_version,
        coalesce(events.billing_mode, 'unknown') as billing_mode,
        {{ seen_in('events.request_key', 'files.request_key') }} as seen_in,
        {% for column in [
            'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
            'output_tokens', 'reasoning_tokens',
        ] %}
        coalesce(events.{{ column }}, files.{{ column }}) as {{ column }},
        {% endfor %}
        events.reported_cost_usd,
        events.duration_ms,
        events.ttft_ms,
        coalesce(events.is_subagent, files.is_subagent) as is_subagent,
        coalesce(events.requested_at, files.requested_at) as requested_at,
        case
            when files.created_at < events.created_at or events.created_at is null
                then files.created_at
            else events.created_at
        end as created_at
    from claude_code_requests as events
    left join
        {{ pairs_in_time(
            'nameless', 'request_key', 'requested_at', 'unnamed', 'request_key', 'requested_at', 30
        ) }} as pairs
        on events.request_key = pairs.event_key
    full outer join claude_code_file_requests as files
        on coalesce(pairs.file_key, events.request_key) = files.request_key

),

unioned as (

    select
        'claude_code' as agent,
        {{ shared }},
        model_requested,
        seen_in,
        input_tokens,
        cache_read_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        output_tokens,
        -- Two sources may differ: a part is no more than its whole.
        case when reasoning_tokens <= output_tokens then reasoning_tokens end as reasoning_tokens,
        reported_cost_usd,
        ttft_ms,
        cast(null as bigint) as status_code,
        cast(null as bigint) as attempt,
        false as is_error
    from claude_code_answered
    union all
    select
        'claude_code' as agent,
        {{ shared }},
        null as model_requested,
        'event' as seen_in,
        null as input_tokens,
        null as cache_read_tokens,
        null as cache_write_5m_tokens,
        null as cache_write_1h_tokens,
        null as output_tokens,
        null as reasoning_tokens,
        null as reported_cost_usd,
        null as ttft_ms,
        status_code,
        attempt,
        true as is_error
    from claude_code_errors
    where request_key not in (select answered.request_key from claude_code_answered as answered)

)

select * from unioned

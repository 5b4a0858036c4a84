{% set shared = [
    'request_key', 'request_id', 'session_id', 'prompt_id', 'developer_id', 'repository',
    'git_branch', 'machine', 'model_reported', 'service_tier', 'query_source', 'subagent',
    'effort', 'agent_version', 'billing_mode', 'duration_ms', 'is_subagent', 'requested_at',
    'created_at',
] | join(',\n        ') %}

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

-- Where events have no request ids nothing joins the two: such a session's events alone count.
nameless as (

    select distinct session_id
    from claude_code_requests
    where coalesce(request_id, '') = '' and session_id is not null

),

-- What the event says counts; the file tells what it does not.
claude_code_answered as (

    select
        {% for column in ['request_key', 'request_id', 'session_id'] %}
        coalesce(events.{{ column }}, files.{{ column }}) as {{ column }},
        {% endfor %}
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
    full outer join claude_code_file_requests as files on events.request_key = files.request_key
    left join nameless on files.session_id = nameless.session_id
    where events.request_key is not null or nameless.session_id is null

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

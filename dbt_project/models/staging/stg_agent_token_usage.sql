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

unioned as (

    select
        'claude_code' as agent,
        {{ shared }},
        input_tokens,
        cache_read_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        output_tokens,
        reasoning_tokens,
        reported_cost_usd,
        ttft_ms,
        cast(null as bigint) as status_code,
        cast(null as bigint) as attempt,
        false as is_error
    from claude_code_requests
    union all
    select
        'claude_code' as agent,
        {{ shared }},
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
    where request_key not in (select answered.request_key from claude_code_requests as answered)

)

select * from unioned

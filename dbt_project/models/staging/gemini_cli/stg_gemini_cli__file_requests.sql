with

records as (

    select
        *,
        max(occurred_at) over (partition by session_id) as session_ended_at
    from {{ ref('stg_gemini_cli__changed_session_records') }}
    where kind = 'request' and request_id <> ''

),

-- A message is told again whole each time that it grows, and again by who resumes it.
booked as (

    select
        *,
        {{ first_session('request_id') }} as booked_session_id
    from records

),

ranked as (

    select
        *,
        min(created_at) over (partition by request_id) as first_created_at,
        row_number() over (
            partition by request_id
            order by
                coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0) desc,
                input_tokens desc nulls last,
                session_id = booked_session_id desc,
                occurred_at asc,
                {{ named_developer_first() }},
                record_key asc
        ) as best_first
    from booked

),

requests as (

    select
        'gemini_cli:' || request_id as request_key,
        request_id,
        booked_session_id as session_id,
        nullif(prompt_id, '') as prompt_id,
        developer_id,
        repository,
        git_branch,
        model as model_reported,
        cast(null as varchar) as service_tier,
        cast(null as varchar) as query_source,
        cast(null as varchar) as subagent,
        cast(null as varchar) as effort,
        agent_version,
        'unknown' as billing_mode,
        {{ hashed([
            'booked_session_id', 'model', 'input_tokens', 'coalesce(cache_read_tokens, 0)',
            'output_tokens', 'coalesce(reasoning_tokens, 0)',
        ]) }} as match_key,
        {{ uncached('input_tokens', ['cache_read_tokens']) }} + coalesce(tool_tokens, 0)
            as input_tokens,
        cache_read_tokens,
        cast(0 as bigint) as cache_write_5m_tokens,
        cast(0 as bigint) as cache_write_1h_tokens,
        output_tokens + coalesce(reasoning_tokens, 0) as output_tokens,
        reasoning_tokens,
        cast(null as bigint) as duration_ms,
        cast(null as bigint) as ttft_ms,
        coalesce(is_sidechain, false) as is_subagent,
        occurred_at as requested_at,
        first_created_at as created_at
    from ranked
    where best_first = 1

)

select * from requests

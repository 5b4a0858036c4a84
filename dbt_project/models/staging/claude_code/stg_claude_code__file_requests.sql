with

-- An answer is written line by line, one for each block of its content, each with the whole usage
-- (2.1.330). What the agent writes itself, such as a failure, names no model.
records as (

    select
        *,
        {{ answer_id() }} as answer_id,
        max(occurred_at) over (partition by session_id) as session_ended_at
    from {{ ref('stg_claude_code__changed_session_records') }}
    where
        kind = 'request'
        and (request_id <> '' or message_id <> '' or input_tokens + output_tokens > 0)
        and coalesce(model, '') <> '<synthetic>'
        and not coalesce(is_api_error, false)

),

events as (

    select * from {{ ref('stg_claude_code__api_requests') }}

),

booked as (

    select
        *,
        {{ cache_writes() }},
        {{ first_session('answer_id') }} as first_session_id,
        max(nullif(request_id, '')) over (partition by answer_id) as any_request_id,
        min(created_at) over (partition by answer_id) as first_created_at
    from records

),

-- The most complete line counts, then the last.
ranked as (

    select
        *,
        row_number() over (
            partition by answer_id
            order by
                output_tokens desc nulls last,
                case when is_sidechain then 1 else 0 end asc,
                case when session_id = first_session_id then 0 else 1 end asc,
                occurred_at desc,
                {{ named_developer_first() }},
                record_key asc
        ) as best_first
    from booked

),

requests as (

    select
        'claude_code:' || ranked.answer_id as request_key,
        case when ranked.any_request_id is not null then ranked.answer_id end as request_id,
        coalesce(events.session_id, ranked.first_session_id) as session_id,
        ranked.developer_id,
        ranked.repository,
        ranked.project_path,
        ranked.git_branch,
        ranked.model as model_reported,
        ranked.requested_model as model_requested,
        case when ranked.speed = 'fast' then 'fast' else 'standard' end as service_tier,
        ranked.agent_version,
        ranked.input_tokens,
        ranked.cache_read_tokens,
        ranked.cache_write_5m_tokens,
        ranked.cache_write_1h_tokens,
        ranked.output_tokens,
        ranked.thinking_tokens as reasoning_tokens,
        coalesce(ranked.is_sidechain, false) or ranked.agent_id is not null as is_subagent,
        ranked.occurred_at as requested_at,
        ranked.first_created_at as created_at
    from ranked
    left join events on 'claude_code:' || ranked.answer_id = events.request_key
    where ranked.best_first = 1

)

select * from requests

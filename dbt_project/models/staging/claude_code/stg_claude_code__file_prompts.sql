with

-- What a subagent is asked is no prompt.
records as (

    select
        *,
        coalesce(nullif(prompt_id, ''), message_uuid) as turn_id,
        coalesce(is_meta, false)
        or coalesce(is_compact_summary, false)
        or coalesce(prompt_source = 'system', false) as is_synthetic,
        max(occurred_at) over (partition by session_id) as session_ended_at
    from {{ ref('stg_claude_code__changed_session_records') }}
    where
        kind = 'prompt'
        and coalesce(nullif(prompt_id, ''), message_uuid) <> ''
        and not coalesce(is_sidechain, false)

),

events as (

    select
        turn_id,
        min(session_id) as session_id
    from {{ ref('stg_claude_code__event_prompts') }}
    group by turn_id

),

booked as (

    select
        *,
        {{ first_session('turn_id') }} as first_session_id
    from records

),

-- What a command prints and what is put beside a prompt has the prompt's id (2.1.330).
ranked as (

    select
        *,
        row_number() over (
            partition by turn_id
            order by
                is_synthetic asc,
                case when session_id = first_session_id then 0 else 1 end asc,
                occurred_at asc,
                {{ named_developer_first() }},
                record_key asc
        ) as best_first
    from booked

),

prompts as (

    select
        'claude_code:' || coalesce(nullif(ranked.message_uuid, ''), ranked.turn_id) as prompt_key,
        ranked.turn_id,
        coalesce(events.session_id, ranked.first_session_id) as session_id,
        nullif(ranked.prompt_id, '') as prompt_id,
        ranked.developer_id,
        ranked.repository,
        ranked.project_path,
        ranked.git_branch,
        ranked.agent_version,
        ranked.prompt_source,
        ranked.prompt_length,
        ranked.is_synthetic,
        ranked.occurred_at as prompted_at
    from ranked
    left join events on ranked.turn_id = events.turn_id
    where ranked.best_first = 1

)

select * from prompts

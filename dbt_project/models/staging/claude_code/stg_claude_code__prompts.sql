with

claude_code_events as (

    select * from {{ ref('stg_claude_code__event_prompts') }}

),

claude_code_files as (

    select * from {{ ref('stg_claude_code__file_prompts') }}

),

-- Where one of the two has no prompt ids nothing joins them: such a session's events alone count.
prompted_sessions as (

    select
        session_id,
        max(case when coalesce(prompt_id, '') = '' then 1 else 0 end) as nameless
    from claude_code_events
    where session_id is not null
    group by session_id

),

-- What the event says counts; but who prompted it does not know, and the file may (2.1.330).
claude_code_prompts as (

    select
        'claude_code' as agent,
        {% for column in [
            'prompt_key', 'session_id', 'prompt_id', 'developer_id', 'repository', 'prompt_length',
        ] %}
        coalesce(events.{{ column }}, files.{{ column }}) as {{ column }},
        {% endfor %}
        {{ seen_in('events.prompt_key', 'files.prompt_key') }} as seen_in,
        coalesce(
            case when files.prompt_source <> '' then files.is_synthetic end,
            events.is_synthetic,
            files.is_synthetic
        ) as is_synthetic,
        coalesce(events.prompted_at, files.prompted_at) as prompted_at
    from claude_code_events as events
    full outer join claude_code_files as files on events.turn_id = files.turn_id
    left join prompted_sessions on files.session_id = prompted_sessions.session_id
    where
        events.prompt_key is not null
        or prompted_sessions.session_id is null
        or (files.prompt_id is not null and prompted_sessions.nameless = 0)

)

select * from claude_code_prompts

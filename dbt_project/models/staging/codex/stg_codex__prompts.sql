with

records as (

    select
        *,
        coalesce(
            nullif(message_uuid, ''),
            {{ hashed(["coalesce(nullif(prompt_id, ''), session_id)", 'prompt_length']) }}
        ) as prompt_name,
        max(case when message_uuid <> '' then 1 else 0 end) over (
            partition by session_id, prompt_id
        ) as turn_has_ids
    from {{ ref('stg_codex__changed_session_records') }}
    where kind = 'prompt'

),

subagents as (

    select distinct session_id
    from {{ ref('stg_codex__changed_session_records') }}
    where is_sidechain

),

-- Some versions tell of a prompt twice, with an id and without. A fork repeats what was before it.
ranked as (

    select
        *,
        row_number() over (
            partition by prompt_name
            order by
                coalesce(forked_from, '') = '' desc,
                occurred_at asc,
                session_id asc,
                {{ named_developer_first() }},
                record_key asc
        ) as best_first
    from records
    where message_uuid <> '' or turn_has_ids = 0

),

files as (

    select
        'codex:' || prompt_name as prompt_key,
        session_id,
        nullif(prompt_id, '') as prompt_id,
        developer_id,
        repository,
        prompt_length,
        -- What a sub-agent is asked, and what Codex puts before the first prompt.
        coalesce(is_sidechain, false)
        or coalesce(prompt_source in ('user_instructions', 'environment_context'), false)
            as is_synthetic,
        case
            when not coalesce(
                prompt_source in ('user_instructions', 'environment_context'), false
            ) then session_id
        end as match_key,
        occurred_at as prompted_at
    from ranked
    where best_first = 1

),

keyed as (

    select
        *,
        {{ hashed(['session_id', 'occurred_at', 'prompt_length']) }} as event_key
    from {{ ref('stg_codex__changed_events') }}
    where event_name = 'user_prompt'

),

ranked_events as (

    select
        *,
        {{ best_first('event_key') }} as best_first
    from keyed

),

events as (

    select
        'codex:' || ranked_events.event_key as prompt_key,
        ranked_events.session_id,
        cast(null as varchar) as prompt_id,
        ranked_events.developer_id,
        ranked_events.prompt_length,
        subagents.session_id is not null as is_synthetic,
        ranked_events.session_id as match_key,
        ranked_events.occurred_at as prompted_at
    from ranked_events
    left join subagents on ranked_events.session_id = subagents.session_id
    where ranked_events.best_first = 1

),

joined as (

    {{ prompts_of_both(
        'codex', 'events', 'files',
        pairs_in_time(
            'events', 'prompt_key', 'prompted_at', 'files', 'prompt_key', 'prompted_at', 5
        ),
    ) }}

)

select * from joined

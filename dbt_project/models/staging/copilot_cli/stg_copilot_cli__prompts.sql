-- A prompt is an interaction: what a person asks while the agent works belongs to it.
with

records as (

    select
        *,
        session_id || ':' || coalesce(nullif(prompt_id, ''), message_uuid) as prompt_name,
        coalesce(is_sidechain, false)
        or coalesce(is_autopilot_continuation, false)
        or coalesce(prompt_source not in ('', 'user'), false) as is_synthetic
    from {{ ref('stg_copilot_cli__changed_session_records') }}
    where kind = 'prompt' and coalesce(nullif(prompt_id, ''), message_uuid) <> ''

),

ranked as (

    select
        *,
        row_number() over (
            partition by prompt_name
            order by
                is_synthetic asc,
                occurred_at asc,
                {{ named_developer_first() }},
                record_key asc
        ) as best_first
    from records

),

files as (

    select
        'copilot_cli:' || prompt_name as prompt_key,
        session_id,
        nullif(prompt_id, '') as prompt_id,
        developer_id,
        repository,
        prompt_length,
        is_synthetic,
        occurred_at as prompted_at
    from ranked
    where best_first = 1

),

-- The first request of an interaction a person began; what follows the agent asks itself.
spans as (

    select
        'copilot_cli:' || coalesce(session_id, '') || ':' || interaction_id as prompt_key,
        session_id,
        interaction_id as prompt_id,
        {{ named_developer() }} as developer_id,
        cast(null as bigint) as prompt_length,
        false as is_synthetic,
        min(occurred_at) as prompted_at
    from {{ ref('stg_copilot_cli__changed_spans') }}
    where operation = 'chat' and initiator = 'user' and interaction_id <> ''
    group by session_id, interaction_id

),

pairs as (

    select
        prompt_key as event_key,
        prompt_key as file_key
    from spans

),

joined as (

    {{ prompts_of_both('copilot_cli', 'spans', 'files', 'pairs', 'span') }}

)

select * from joined

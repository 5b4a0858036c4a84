with

records as (

    select
        *,
        coalesce(nullif(prompt_id, ''), {{ hashed(['session_id', 'occurred_at']) }}) as prompt_name
    from {{ ref('stg_gemini_cli__changed_session_records') }}
    where kind = 'prompt'

),

-- What stands in the history alone the agent put there (0.61.0); what a sub-agent is asked is no
-- prompt either.
ranked as (

    select
        *,
        min(case when prompt_source = 'history' then 1 else 0 end) over (partition by prompt_name)
        = 1
        or coalesce(is_sidechain, false) as is_synthetic,
        row_number() over (
            partition by prompt_name
            order by
                case when prompt_source = 'history' then 1 else 0 end asc,
                occurred_at asc,
                session_id asc,
                {{ named_developer_first() }},
                record_key asc
        ) as best_first
    from records

),

files as (

    select
        'gemini_cli:' || prompt_name as prompt_key,
        session_id,
        nullif(prompt_id, '') as prompt_id,
        developer_id,
        repository,
        prompt_length,
        is_synthetic,
        case when not is_synthetic then session_id end as match_key,
        occurred_at as prompted_at
    from ranked
    where best_first = 1

),

keyed as (

    select
        *,
        {{ hashed(['session_id', 'occurred_at', 'prompt_length']) }} as event_key
    from {{ ref('stg_gemini_cli__changed_events') }}
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
        'gemini_cli:' || event_key as prompt_key,
        session_id,
        prompt_id,
        developer_id,
        prompt_length,
        false as is_synthetic,
        session_id as match_key,
        occurred_at as prompted_at
    from ranked_events
    where best_first = 1

),

joined as (

    {{ prompts_of_both(
        'gemini_cli', 'events', 'files',
        pairs_in_time(
            'events', 'prompt_key', 'prompted_at', 'files', 'prompt_key', 'prompted_at', 5
        ),
    ) }}

)

select * from joined

-- A generation is what follows one prompt.
with

records as (

    select
        *,
        session_id || ':' || coalesce(nullif(prompt_id, ''), cast(occurred_at as varchar))
            as prompt_name
    from {{ ref('stg_cursor__changed_session_records') }}
    where kind = 'prompt'

),

ranked as (

    select
        *,
        row_number() over (
            partition by prompt_name
            order by occurred_at asc, {{ named_developer_first() }}, record_key asc
        ) as best_first
    from records

),

prompts as (

    select
        'cursor' as agent,
        'cursor:' || prompt_name as prompt_key,
        session_id,
        nullif(prompt_id, '') as prompt_id,
        developer_id,
        repository,
        prompt_length,
        'hook' as seen_in,
        false as is_synthetic,
        occurred_at as prompted_at
    from ranked
    where best_first = 1

)

select * from prompts

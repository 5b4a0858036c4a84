with

records as (

    select * from {{ ref('stg_copilot_cli__session_records') }}

),

began as (

    select
        session_id,
        min(occurred_at) as started_at
    from records
    group by session_id

),

-- Told of each model whenever a session is left, and of the whole session each time.
totals as (

    select
        records.session_id,
        {{ named_developer().replace('developer_id', 'records.developer_id') }} as developer_id,
        records.model as model_reported,
        {% for class in [
            'input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens',
        ] %}
        max(coalesce(records.total_{{ class }}, 0)) as {{ class }},
        {% endfor %}
        min(began.started_at) as started_at,
        max(records.occurred_at) as measured_at
    from records
    inner join began on records.session_id = began.session_id
    where records.kind = 'session' and records.event = 'session.shutdown' and records.model <> ''
    group by records.session_id, records.model

),

disjoint as (

    select
        * replace (
            {{ uncached('input_tokens', ['cache_read_tokens', 'cache_write_tokens']) }}
                as input_tokens
        )
    from totals

)

select * from disjoint

{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

{% set classes = ['input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens'] %}
{% set smaller = [] %}
{% for class in classes %}
{%- do smaller.append('compared.' ~ class ~ ' < compared.previous_' ~ class) -%}
{% endfor %}

with

records as (

    select * from {{ ref('stg_copilot_cli__changed_session_records') }}

),

began as (

    select
        session_id,
        min(occurred_at) as started_at
    from records
    group by session_id

),

-- Told of each model whenever a session is left.
told as (

    select
        session_id,
        model,
        {{ named_developer() }} as developer_id,
        {% for class in classes %}
        max(coalesce(total_{{ class }}, 0)) as {{ class }},
        {% endfor %}
        occurred_at
    from records
    where kind = 'session' and event = 'session.shutdown' and model <> ''
    group by session_id, model, occurred_at

),

-- Some versions tell of the whole session each time, others of what was since it was entered: sums
-- of which one is smaller than before began anew.
compared as (

    select
        {% for class in classes %}
        lag({{ class }}, 1, 0) over in_order as previous_{{ class }},
        {% endfor %}
        *
    from told
    window in_order as (partition by session_id, model order by occurred_at)

),

totals as (

    select
        compared.session_id,
        {{ named_developer().replace('developer_id', 'compared.developer_id') }} as developer_id,
        compared.model as model_reported,
        {% for class in classes %}
        cast(sum(
            case
                when {{ smaller | join(' or ') }} then compared.{{ class }}
                else compared.{{ class }} - compared.previous_{{ class }}
            end
        ) as bigint) as {{ class }},
        {% endfor %}
        min(began.started_at) as started_at,
        max(compared.occurred_at) as measured_at
    from compared
    inner join began on compared.session_id = began.session_id
    group by compared.session_id, compared.model

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

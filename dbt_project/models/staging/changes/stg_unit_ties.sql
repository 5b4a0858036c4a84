-- What ties records to others: the copies in the files of forks and resumed sessions, events that
-- name no session. One row per unit and tie, as a number.
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

with

{% for agent, kind, ties, sessions, moment in typed_records() %}
{{ agent }}_{{ kind }} as (

    select
        *,
        {{ unit_of(agent, kind) }} as unit
    from {{ ref('stg_' ~ agent ~ '__' ~ kind) }}
    {% if is_incremental() %}
    where batch_id > (select coalesce(max(seen.batch_id), 0) from {{ this }} as seen)
    {% endif %}

),

{% endfor %}
told as (

    {% for agent, kind, ties, sessions, moment in typed_records() %}
    {% for name, tie in ties.items() %}
    select
        unit,
        '{{ agent }} {{ name }}:' || nullif({{ tie }}, '') as tie,
        batch_id
    from {{ agent }}_{{ kind }}
    union all
    {% endfor %}
    -- Another session that is named is a unit, too, even if there is no record of it.
    {% for session in sessions %}
    {% for unit in ['unit', session] %}
    select
        {{ unit }} as unit,
        'session:' || {{ session }} as tie,
        batch_id
    from {{ agent }}_{{ kind }}
    where {{ session }} <> ''
    union all
    {% endfor %}
    {% endfor %}
    select
        unit,
        'session:' || unit as tie,
        batch_id
    from {{ agent }}_{{ kind }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

hashed as (

    select distinct
        unit,
        {{ short_hash('tie') }} as tie,
        batch_id
    from told
    where tie is not null

)

select * from hashed

-- What this run makes anew: units with records that are new, and what hangs together with them.
-- Until every model has made them (`settle_changes`) they stay, so a run that failed loses nothing.
{{ config(materialized='incremental', incremental_strategy='unmade', on_schema_change='fail') }}

{% set inputs = [
    'stg_settings', 'stg_developer_identities', 'stg_model_aliases', 'stg_model_prices',
    'stg_price_epochs',
] %}

with recursive

ties as (

    select * from {{ ref('stg_unit_ties') }}

),

links as (

    select
        unit,
        linked_unit
    from {{ ref('stg_unit_links') }}
    where unit is not null
    union
    select
        linked_unit as unit,
        unit as linked_unit
    from {{ ref('stg_unit_links') }}
    where unit is not null

),

inputs as (

    select
        ''
        {% for input in inputs %}
        || '|' || {{ fingerprint(ref(input)) }}
        {% endfor %}
            as inputs

),

{% if is_incremental() %}
-- The row without a unit says how far the last run had read.
read_before as (

    select
        max(batch_id) as batch_id,
        max_by(inputs, found_at) as inputs,
        max(found_at) as found_at
    from {{ this }}
    where unit is null

),

{% endif %}
begun as (

    {% if is_incremental() %}
    select ties.unit
    from ties
    inner join read_before on ties.batch_id > read_before.batch_id
    union
    -- Prices, names and settings are in every session.
    select ties.unit
    from ties
    cross join inputs
    inner join read_before on inputs.inputs <> read_before.inputs
    {% for agent, kind, ties, sessions, moment in typed_records() %}
    union
    -- What was not over yet is looked at again: metrics count once a session has been quiet.
    select {{ unit_of(agent, kind) }} as unit
    from {{ ref('stg_' ~ agent ~ '__' ~ kind) }}
    where
        {{ moment }}
        >= (select {{ add_seconds('read_before.found_at', '-600') }} from read_before)
    {% endfor %}
    {% else %}
    {% for agent, kind, ties, sessions, moment in typed_records() %}
    -- depends_on: {{ ref('stg_' ~ agent ~ '__' ~ kind) }}
    {% endfor %}
    select distinct unit from ties
    {% endif %}

),

reached as (

    select unit from begun
    union
    select links.linked_unit as unit
    from reached
    inner join links on reached.unit = links.unit

),

found as (

    select
        unit,
        cast(null as bigint) as batch_id,
        cast(null as varchar) as inputs
    from reached
    union all
    select
        cast(null as varchar) as unit,
        coalesce((select max(ties.batch_id) from ties), 0) as batch_id,
        inputs
    from inputs

)

select
    *,
    {{ now_utc() }} as found_at,
    false as is_made
from found

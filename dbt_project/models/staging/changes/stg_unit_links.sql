-- Units that share a tie, each with one of the others.
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

with

ties as (

    select * from {{ ref('stg_unit_ties') }}

),

touched as (

    select distinct tie from ties
    {% if is_incremental() %}
    where batch_id > (select coalesce(max(seen.batch_id), 0) from {{ this }} as seen)
    {% endif %}

),

of_touched as (

    select
        unit,
        tie
    from ties
    {% if is_incremental() %}
    where tie in (select touched.tie from touched)
    {% endif %}

),

shared as (

    select
        tie,
        min(unit) as first_unit
    from of_touched
    group by tie
    having min(unit) <> max(unit)

),

links as (

    select distinct
        of_touched.unit,
        shared.first_unit as linked_unit
    from of_touched
    inner join shared on of_touched.tie = shared.tie
    where of_touched.unit <> shared.first_unit

),

-- The row without units says how far the ties were read.
read_so_far as (

    select
        unit,
        linked_unit,
        cast(null as bigint) as batch_id
    from links
    union all
    select
        cast(null as varchar) as unit,
        cast(null as varchar) as linked_unit,
        max(batch_id) as batch_id
    from ties

)

select * from read_so_far

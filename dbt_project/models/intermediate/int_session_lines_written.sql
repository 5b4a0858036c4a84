-- Sessions whose edits are known line by line, with the lines that they wrote and did not take out.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

lines as (

    select * from {{ ref('int_session_lines') }}
    where {{ changed() }}

),

kept_lines as (

    select
        session_key,
        sum(added) - sum(removed) as kept
    from lines
    group by session_key, file_path, line_hash

),

written as (

    select
        session_key,
        {{ sum_bigint('case when kept > 0 then kept else 0 end') }} as lines_written
    from kept_lines
    group by session_key

)

select * from written

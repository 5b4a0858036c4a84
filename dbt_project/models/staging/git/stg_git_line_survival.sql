-- A table: a commit's lists are read again only when it is measured again.
{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='commit_hash',
    on_schema_change='fail'
) }}

with

measured as (

    select
        lower(commit_hash) as commit_hash,
        cast(age_days as bigint) as age_days,
        cast(lines_alive as bigint) as lines_alive,
        cast(lines_at_start as bigint) as lines_at_start,
        alive_line_hashes,
        in_default_branch,
        measured_at,
        coalesce(batch_id, 0) as batch_id,
        row_number() over (
            partition by lower(commit_hash), age_days order by measured_at desc, created_at desc
        ) as newest_first
    from {{ source('raw', 'raw_git_line_survival') }}
    where {{ told_since(source('raw', 'raw_git_line_survival')) }}

),

newest as (

    select * exclude (newest_first) from measured
    where newest_first = 1

)

select * from newest

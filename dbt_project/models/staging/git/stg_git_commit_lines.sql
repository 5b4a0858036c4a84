-- A table: five models read it.
{{ config(materialized='table') }}

with

files as (

    select * from {{ ref('stg_git_commit_files') }}
    where not is_excluded

),

lines as (

    select
        commit_hash,
        path,
        old_path,
        line_hash,
        added,
        removed
    from {{ counted_lines('files', ['commit_hash', 'path', 'old_path']) }}

)

select * from lines

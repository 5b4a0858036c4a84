{{ config(
    materialized='incremental', incremental_strategy='by_delivery', on_schema_change='fail'
) }}

with

files as (

    select * from {{ ref('stg_git_commit_files') }}
    where
        not is_excluded
        {% if is_by_session_run() %}
        and {{ is_delivered_since(this) }}
        {% endif %}

),

lines as (

    select
        commit_hash,
        path,
        old_path,
        line_hash,
        added,
        removed,
        batch_id
    from {{ counted_lines('files', ['commit_hash', 'path', 'old_path', 'batch_id']) }}

)

select * from lines

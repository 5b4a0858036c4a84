-- A table: it is merged from every delivery of a commit, and again when another one comes.
{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='commit_hash',
    on_schema_change='fail'
) }}

with

files as (

    select
        *,
        lower(commit_hash) as lower_hash,
        -- Told by several clones or twice, the fullest and then the newest telling counts.
        row_number() over (
            partition by lower(commit_hash), path
            order by
                case when added_line_hashes is null then 1 else 0 end,
                created_at desc nulls last
        ) as best_first
    from {{ source('raw', 'raw_git_commit_files') }}
    where {{ told_since(source('raw', 'raw_git_commit_files')) }}

),

merged as (

    select
        lower_hash as commit_hash,
        path,
        old_path,
        cast(lines_added as bigint) as lines_added,
        cast(lines_deleted as bigint) as lines_deleted,
        cast(effective_lines_added as bigint) as effective_lines_added,
        added_line_hashes,
        removed_line_hashes,
        coalesce(is_binary, false) as is_binary,
        coalesce(is_excluded, false) as is_excluded,
        coalesce(batch_id, 0) as batch_id
    from files
    where best_first = 1

)

select * from merged

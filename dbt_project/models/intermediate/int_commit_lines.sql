-- The lines that commits add, file by file, and when the file was committed before. What a commit
-- takes out and puts back in a file, as a formatter does, it does not add.
-- depends_on: {{ ref('int_line_weights') }}
{{ config(materialized='incremental', incremental_strategy='by_commit', on_schema_change='fail') }}

{% set changed = ref('int_changed_commits') %}
{% set beside = ref('int_commits_beside') %}

with

told_files as (

    select * from {{ ref('int_commit_files_made') }}
    where {{ of_commits(beside) }}

),

lines as (

    select * from {{ ref('stg_git_commit_lines') }}
    where
        added <> removed
        and {{ of_commits(beside, 'commit_hash') }}

),

files as (

    select
        *,
        lag(committed_at) over (
            partition by repository, path
            order by committed_at, commit_key
        ) as committed_before_at
    from told_files

),

changed_lines as (

    select
        files.commit_key,
        files.repository,
        files.path,
        lines.old_path,
        lines.line_hash,
        lines.added - lines.removed as added,
        files.committed_at,
        files.written_at,
        files.committed_before_at,
        -- When a commit before this one took the line out, under whatever name the file had then.
        max(case when lines.removed > lines.added then files.committed_at end) over (
            partition by
                files.repository,
                case
                    when lines.removed > lines.added then coalesce(lines.old_path, lines.path)
                    else lines.path
                end,
                lines.line_hash
            order by files.committed_at, files.commit_key
        ) as removed_at
    from lines
    inner join files on lines.commit_hash = files.commit_hash and lines.path = files.path

),

added_lines as (

    select * from changed_lines
    where
        added > 0
        and {{ of_commits(changed) }}

)

select * from added_lines

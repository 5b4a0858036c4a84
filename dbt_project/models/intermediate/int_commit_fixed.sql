-- Which commit a fix followed: within 30 days a commit whose subject speaks of a fix took out or
-- replaced lines that the other had added. Kept by the commit that fixes (`commit_key`).
{{ config(materialized='incremental', incremental_strategy='by_commit', on_schema_change='fail') }}

{% set changed = ref('int_changed_commits') %}
{% set beside = ref('int_commits_beside') %}

with

files as (

    select * from {{ ref('int_commit_files_made') }}
    where {{ of_commits(beside) }}

),

lines as (

    select * from {{ ref('stg_git_commit_lines') }}
    where {{ of_commits(beside, 'commit_hash') }}

),

taken_out as (

    select
        files.commit_key,
        files.repository,
        coalesce(lines.old_path, lines.path) as path,
        lines.line_hash,
        files.committed_at
    from lines
    inner join files on lines.commit_hash = files.commit_hash and lines.path = files.path
    where
        files.is_fix
        and lines.removed > 0
        and {{ of_commits(changed, 'files.commit_key') }}

),

fixed as (

    select distinct
        taken_out.commit_key,
        files.commit_key as fixed_commit_key,
        taken_out.committed_at as fixed_at
    from taken_out
    inner join lines
        on
            taken_out.line_hash = lines.line_hash
            and taken_out.path = lines.path
            and lines.added > 0
    inner join files
        on
            lines.commit_hash = files.commit_hash
            and lines.path = files.path
            and taken_out.repository = files.repository
            and taken_out.commit_key <> files.commit_key
            and files.committed_at < taken_out.committed_at
            and {{ add_seconds('files.committed_at', 30 * 86400) }} >= taken_out.committed_at

)

select * from fixed

-- Lines that a commit takes out, and how many of them had been written in the 21 days before it.
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

removed as (

    select
        files.commit_key,
        files.repository,
        coalesce(lines.old_path, lines.path) as path,
        lines.line_hash,
        lines.removed,
        files.committed_at
    from lines
    inner join files on lines.commit_hash = files.commit_hash and lines.path = files.path
    where
        lines.removed > 0
        and {{ of_commits(changed, 'files.commit_key') }}

),

recent as (

    select
        removed.commit_key,
        removed.path,
        removed.line_hash,
        sum(lines.added) as added
    from removed
    inner join lines
        on
            removed.line_hash = lines.line_hash
            and removed.path = lines.path
            and lines.added > 0
    inner join files
        on
            lines.commit_hash = files.commit_hash
            and lines.path = files.path
            and removed.repository = files.repository
            and files.committed_at < removed.committed_at
            and {{ add_seconds('files.committed_at', 21 * 86400) }} >= removed.committed_at
    group by removed.commit_key, removed.path, removed.line_hash

),

summed as (

    select
        removed.commit_key,
        {{ sum_bigint('removed.removed') }} as changed_lines,
        {{ sum_bigint(
            'case when recent.added < removed.removed then recent.added '
            ~ 'when recent.added is not null then removed.removed else 0 end'
        ) }} as reworked_lines
    from removed
    left join recent
        on
            removed.commit_key = recent.commit_key
            and removed.path = recent.path
            and removed.line_hash = recent.line_hash
    group by removed.commit_key

)

select * from summed

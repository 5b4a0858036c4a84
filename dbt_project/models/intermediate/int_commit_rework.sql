-- Lines that a commit takes out, and how many of them had been written in the 21 days before it.
with

commits as (

    select * from {{ ref('int_commits_in_history') }}
    where not coalesce(is_merge, false)

),

lines as (

    select * from {{ ref('stg_git_commit_lines') }}

),

removed as (

    select
        commits.commit_key,
        commits.repository,
        coalesce(lines.old_path, lines.path) as path,
        lines.line_hash,
        lines.removed,
        commits.committed_at
    from lines
    inner join commits on lines.commit_hash = commits.commit_hash
    where lines.removed > 0

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
    inner join commits
        on
            lines.commit_hash = commits.commit_hash
            and removed.repository = commits.repository
            and commits.committed_at < removed.committed_at
            and {{ add_seconds('commits.committed_at', 21 * 86400) }} >= removed.committed_at
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

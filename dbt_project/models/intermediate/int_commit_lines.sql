-- The lines that commits add, file by file, and when the file was committed before. What a commit
-- takes out and puts back in a file, as a formatter does, it does not add.
{{ config(materialized='table') }}

with

commits as (

    select * from {{ ref('int_commits_in_history') }}
    where not coalesce(is_merge, false)

),

lines as (

    select * from {{ ref('stg_git_commit_lines') }}
    where added <> removed

),

weights as (

    select * from {{ ref('int_line_weights') }}

),

files as (

    select
        commits.commit_key,
        files.path,
        lag(commits.committed_at) over (
            partition by commits.repository, files.path
            order by commits.committed_at, commits.commit_key
        ) as committed_before_at
    from {{ ref('stg_git_commit_files') }} as files
    inner join commits on files.commit_hash = commits.commit_hash

),

changed_lines as (

    select
        commits.commit_key,
        lines.path,
        lines.old_path,
        lines.line_hash,
        lines.added - lines.removed as added,
        -- When a commit before this one took the line out, under whatever name the file had then.
        max(case when lines.removed > lines.added then commits.committed_at end) over (
            partition by
                commits.repository,
                case
                    when lines.removed > lines.added then coalesce(lines.old_path, lines.path)
                    else lines.path
                end,
                lines.line_hash
            order by commits.committed_at, commits.commit_key
        ) as removed_at
    from lines
    inner join commits on lines.commit_hash = commits.commit_hash

),

joined as (

    select
        commits.commit_key,
        commits.repository,
        lines.path,
        lines.old_path,
        lines.line_hash,
        lines.added,
        weights.weight,
        commits.committed_at,
        -- A rebase leaves the author's time as it was.
        case
            when commits.authored_at < commits.committed_at then commits.authored_at
            else commits.committed_at
        end as written_at,
        files.committed_before_at,
        lines.removed_at
    from changed_lines as lines
    inner join commits on lines.commit_key = commits.commit_key
    inner join weights on lines.line_hash = weights.line_hash
    inner join files on commits.commit_key = files.commit_key and lines.path = files.path
    where lines.added > 0

)

select * from joined

-- Commits that a fix followed: within 30 days a commit whose subject speaks of a fix took out or
-- replaced lines that they had added.
with

commits as (

    select
        *,
        {{ first_group(
            first_line('commit_message'),
            '(?:^|[^a-z])(fix|fixes|fixed|fixing|bugfix|hotfix|bug)(?:[^a-z]|$)'
        ) }} as fix_word
    from {{ ref('int_commits_in_history') }}
    where not coalesce(is_merge, false)

),

lines as (

    select * from {{ ref('stg_git_commit_lines') }}

),

taken_out as (

    select
        commits.repository,
        coalesce(lines.old_path, lines.path) as path,
        lines.line_hash,
        commits.commit_key,
        commits.committed_at
    from commits
    inner join lines on commits.commit_hash = lines.commit_hash
    where commits.fix_word is not null and lines.removed > 0

),

fixed as (

    select
        commits.commit_key,
        min(taken_out.committed_at) as fixed_at
    from taken_out
    inner join lines
        on
            taken_out.line_hash = lines.line_hash
            and taken_out.path = lines.path
            and lines.added > 0
    inner join commits
        on
            lines.commit_hash = commits.commit_hash
            and taken_out.repository = commits.repository
            and taken_out.commit_key <> commits.commit_key
            and commits.committed_at < taken_out.committed_at
            and {{ add_seconds('commits.committed_at', 30 * 86400) }} >= taken_out.committed_at
    group by commits.commit_key

)

select * from fixed

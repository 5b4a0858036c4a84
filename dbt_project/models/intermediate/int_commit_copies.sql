-- Commits whose work counts with another one: the same patch of the same author and moment (an
-- amend or a rebase that no hook saw, a cherry-pick), and those outside of the default branch all
-- of whose lines came into it with others (a squash).
{{ config(materialized='table') }}

with

commits as (

    select
        commits.*,
        branches.in_default_branch
    from {{ ref('int_commits_in_history') }} as commits
    inner join {{ ref('int_commit_branches') }} as branches
        on commits.commit_key = branches.commit_key
    where not coalesce(commits.is_merge, false)

),

lines as (

    select * from {{ ref('stg_git_commit_lines') }}
    where added > 0

),

ranked as (

    select
        commit_key,
        row_number() over (
            partition by repository, patch_id, author_email, authored_at
            order by
                case when in_default_branch then 0 when in_default_branch is null then 1 else 2 end
                asc,
                committed_at desc,
                commit_key desc
        ) as best_first
    from commits
    where patch_id is not null and authored_at is not null

),

landed_lines as (

    select
        commits.repository,
        lines.path,
        lines.line_hash,
        max(commits.committed_at) as last_landed_at
    from commits
    inner join lines on commits.commit_hash = lines.commit_hash
    where commits.in_default_branch
    group by commits.repository, lines.path, lines.line_hash

),

contained as (

    select commits.commit_key
    from commits
    inner join lines on commits.commit_hash = lines.commit_hash
    left join landed_lines
        on
            commits.repository = landed_lines.repository
            and lines.path = landed_lines.path
            and lines.line_hash = landed_lines.line_hash
            and commits.committed_at <= landed_lines.last_landed_at
    where not coalesce(commits.in_default_branch, false)
    group by commits.commit_key
    having count(*) = count(landed_lines.line_hash)

),

copies as (

    select commit_key from ranked
    where best_first > 1
    union
    select commit_key from contained

)

select * from copies

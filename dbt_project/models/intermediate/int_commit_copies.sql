-- Commits whose work counts with another one: the same patch of the same moment (an
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
            partition by repository, patch_id, authored_at
            order by
                case when in_default_branch then 0 when in_default_branch is null then 1 else 2 end
                asc,
                committed_at desc,
                commit_key desc
        ) as best_first
    from commits
    where patch_id is not null and authored_at is not null

),

-- Few lines are outside of the default branch: only theirs are looked for in it.
other_lines as (

    select
        commits.commit_key,
        commits.repository,
        commits.committed_at,
        lines.path,
        lines.line_hash
    from commits
    inner join lines on commits.commit_hash = lines.commit_hash
    where not coalesce(commits.in_default_branch, false)

),

landed_lines as (

    select
        commits.repository,
        lines.path,
        lines.line_hash,
        max(commits.committed_at) as last_landed_at
    from commits
    inner join lines on commits.commit_hash = lines.commit_hash
    where
        commits.in_default_branch
        and lines.line_hash in (select other_lines.line_hash from other_lines)
    group by commits.repository, lines.path, lines.line_hash

),

contained as (

    select other_lines.commit_key
    from other_lines
    left join landed_lines
        on
            other_lines.repository = landed_lines.repository
            and other_lines.path = landed_lines.path
            and other_lines.line_hash = landed_lines.line_hash
            and other_lines.committed_at <= landed_lines.last_landed_at
    group by other_lines.commit_key
    having count(*) = count(landed_lines.line_hash)

),

copies as (

    select commit_key from ranked
    where best_first > 1
    union
    select commit_key from contained

)

select * from copies

-- What became of a commit: whether it is in the default branch, whether it was undone, whether its
-- work counts with another commit.
with

commits as (

    select * from {{ ref('int_commits_in_history') }}

),

branches as (

    select * from {{ ref('int_commit_branches') }}

),

reverts as (

    select * from {{ ref('int_commit_reverts') }}

),

copies as (

    select * from {{ ref('int_commit_copies') }}

),

outcomes as (

    select
        commits.commit_key,
        commits.committed_at,
        branches.in_default_branch,
        reverts.commit_key is not null as is_reverted,
        copies.commit_key is not null as is_copy
    from commits
    inner join branches on commits.commit_key = branches.commit_key
    left join reverts on commits.commit_key = reverts.commit_key
    left join copies on commits.commit_key = copies.commit_key

)

select * from outcomes

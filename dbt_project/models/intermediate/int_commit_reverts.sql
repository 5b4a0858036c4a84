-- Commits that were undone: named by a later `This reverts commit <sha>` (git's own words), or
-- whose lines a commit of the next 30 days takes out and puts back exactly. What happens outside of
-- the default branch undoes nothing in it.
{{ config(materialized='table') }}

with

commits as (

    select
        commits.*,
        branches.in_default_branch,
        {{ first_group('commits.commit_message', 'this reverts commit ([0-9a-f]{40,64})') }}
            as named_hash
    from {{ ref('int_commits_in_history') }} as commits
    inner join {{ ref('int_commit_branches') }} as branches
        on commits.commit_key = branches.commit_key

),

changes as (

    select * from {{ ref('stg_git_commit_digests') }}

),

named as (

    select
        reverting.commit_key as reverted_by,
        reverted.commit_key,
        reverting.committed_at as reverted_at
    from commits as reverting
    inner join commits as reverted
        on
            reverting.named_hash = reverted.commit_hash
            and {{ may_be_same_repository('reverting', 'reverted') }}
            and (reverting.in_default_branch or coalesce(not reverted.in_default_branch, true))

),

undone as (

    select
        reverting.commit_key as reverted_by,
        reverted.commit_key,
        reverting.committed_at as reverted_at
    from commits as reverted
    inner join changes as of_reverted on reverted.commit_hash = of_reverted.commit_hash
    inner join changes as of_reverting
        on
            of_reverted.added_digest = of_reverting.removed_digest
            and of_reverted.removed_digest = of_reverting.added_digest
    inner join commits as reverting
        on
            of_reverting.commit_hash = reverting.commit_hash
            and coalesce(reverting.named_hash = reverted.commit_hash, true)
            and (reverting.in_default_branch or coalesce(not reverted.in_default_branch, true))
            and {{ may_be_same_repository('reverting', 'reverted') }}
            and reverting.committed_at > reverted.committed_at
            and reverting.committed_at
            <= {{ add_seconds('reverted.committed_at', 30 * 86400) }}

),

unioned as (

    select * from named
    union
    select * from undone

),

-- A revert that was itself reverted brings the commit back.
standing as (

    select unioned.*
    from unioned
    left join unioned as again on unioned.reverted_by = again.commit_key
    where again.commit_key is null

),

by_commit as (

    select
        commit_key,
        min(reverted_at) as reverted_at
    from standing
    group by commit_key

)

select * from by_commit

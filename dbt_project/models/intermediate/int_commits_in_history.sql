-- A table: five models read it.
{{ config(materialized='table') }}

with

commits as (

    select * from {{ ref('stg_git_commits') }}

),

rewrites as (

    select * from {{ ref('stg_git_rewrites') }}

),

identities as (

    select * from {{ ref('stg_developer_identities') }}

),

settings as (

    select * from {{ ref('stg_settings') }}

),

became_old as (

    select
        old_hash as commit_hash,
        max(rewritten_at) as became_old_at
    from rewrites
    group by old_hash

),

became_new as (

    select
        new_hash as commit_hash,
        max(rewritten_at) as became_new_at
    from rewrites
    group by new_hash

),

-- An amend that was itself undone brings the old commit back: what happened last counts.
replaced as (

    select became_old.commit_hash
    from became_old
    left join became_new on became_old.commit_hash = became_new.commit_hash
    where
        became_new.became_new_at is null
        or became_new.became_new_at <= became_old.became_old_at

),

-- A commit that was amended, rebased or squashed away is no commit any more.
in_history as (

    select
        commits.commit_key,
        commits.commit_hash,
        commits.repository,
        coalesce(commits.project_id, settings.project_id, commits.repository) as project_id,
        coalesce(
            by_developer.developer_id,
            by_email.developer_id,
            commits.developer_id,
            commits.author_email
        ) as developer_id,
        commits.branch,
        commits.patch_id,
        lower(commits.author_email) as author_email,
        lower(commits.author_name) as author_name,
        lower(commits.commit_message) as commit_message,
        lower(commits.trailers) as trailers,
        commits.files_changed,
        commits.lines_added,
        commits.lines_deleted,
        commits.is_merge,
        commits.committed_at,
        commits.authored_at,
        {{ usage_date('commits.committed_at') }} as committed_date,
        settings.correlation_window_s
    from commits
    cross join settings
    left join replaced on commits.commit_hash = replaced.commit_hash
    left join identities as by_developer on lower(commits.developer_id) = by_developer.identity
    left join identities as by_email on lower(commits.author_email) = by_email.identity
    where replaced.commit_hash is null

)

select * from in_history

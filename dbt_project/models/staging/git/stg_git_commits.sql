with

commits as (

    select
        * exclude (repository),
        {{ normalized_repository('repository') }} as repository,
        coalesce(recorded_by = 'hook', false) as is_from_hook
    from {{ source('raw', 'raw_git_commits') }}

),

-- Hook and back-fill record the same commit, and a clone may have another origin or none: a SHA is
-- unique in the world. What git knows is equal in all; where one of them knows more (the branch at
-- the time, who sent it), the hook was there when it happened.
merged as (

    select
        lower(commit_hash) as commit_hash,
        coalesce(min(case when repository like 'https://%' then repository end), min(repository))
            as repository,
        max(commit_message) as commit_message,
        max(author_name) as author_name,
        max(author_email) as author_email,
        coalesce(max(case when is_from_hook then branch end), max(branch)) as branch,
        coalesce(max(case when is_from_hook then developer_id end), max(developer_id))
            as developer_id,
        coalesce(max(case when is_from_hook then project_id end), max(project_id)) as project_id,
        max(patch_id) as patch_id,
        max(cast(trailers as varchar)) as trailers,
        cast(max(files_changed) as bigint) as files_changed,
        cast(max(lines_added) as bigint) as lines_added,
        cast(max(lines_deleted) as bigint) as lines_deleted,
        max(case when is_merge then 1 when not is_merge then 0 end) = 1 as is_merge,
        max(commit_timestamp) as committed_at,
        max(authored_at) as authored_at
    from commits
    group by lower(commit_hash)

),

keyed as (

    select
        commit_hash as commit_key,
        *
    from merged

)

select * from keyed

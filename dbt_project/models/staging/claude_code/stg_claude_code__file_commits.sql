with

records as (

    select * from {{ ref('stg_claude_code__changed_session_records') }}
    where kind = 'commit' and tool_use_id <> '' and git_commit_id <> ''

),

commits as (

    select
        'claude_code:' || tool_use_id as tool_call_key,
        tool_use_id,
        lower(git_commit_id) as git_commit_id,
        max(git_commit_branch) as git_branch
    from records
    group by tool_use_id, lower(git_commit_id)

)

select * from commits

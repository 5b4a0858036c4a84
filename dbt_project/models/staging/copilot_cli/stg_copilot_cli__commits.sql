with

-- No span has what a command printed (1.0.102).
reported as (

    select distinct
        'copilot_cli:' || session_id || ':' || tool_use_id as tool_call_key,
        lower(git_commit_id) as git_commit_id
    from {{ ref('stg_copilot_cli__changed_session_records') }}
    where kind = 'commit' and tool_use_id <> '' and length(git_commit_id) >= 7

)

select * from reported

with

-- Read from what the command printed; a later command of the same call may have failed.
reported as (

    select
        'codex:' || call_id as tool_call_key,
        lower(git_commit_id) as git_commit_id
    from {{ ref('stg_codex__changed_events') }}
    where event_name = 'tool_result' and call_id <> '' and length(git_commit_id) >= 7
    union
    select
        'codex:' || tool_use_id as tool_call_key,
        lower(git_commit_id) as git_commit_id
    from {{ ref('stg_codex__changed_session_records') }}
    where kind = 'commit' and tool_use_id <> '' and length(git_commit_id) >= 7

)

select * from reported

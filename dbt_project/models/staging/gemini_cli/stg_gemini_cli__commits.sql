with

-- No event has what a command printed (0.61.0).
reported as (

    select distinct
        'gemini_cli:' || session_id || ':' || tool_use_id as tool_call_key,
        lower(git_commit_id) as git_commit_id
    from {{ ref('stg_gemini_cli__changed_session_records') }}
    where kind = 'commit' and tool_use_id <> '' and length(git_commit_id) >= 7

)

select * from reported

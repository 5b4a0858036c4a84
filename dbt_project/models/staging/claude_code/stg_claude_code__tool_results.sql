with

events as (

    select
        *,
        {{ record_id('tool_use_id') }} as tool_call_key
    from {{ ref('stg_claude_code__changed_events') }}
    where event_name = 'tool_result'

),

ranked as (

    select
        *,
        {{ best_first('tool_call_key') }} as best_first
    from events

),

results as (

    select
        'claude_code:' || tool_call_key as tool_call_key,
        tool_use_id,
        session_id,
        prompt_id,
        request_id,
        developer_id,
        {{ normalized_repository('repository_url') }} as repository,
        tool_name,
        command,
        file_path,
        error_type,
        -- 2.1.330 sends the full SHA of a commit twice, 2.1.197 the short one in its parameters.
        lower(coalesce(head_revision, git_commit_id)) as git_commit_id,
        coalesce(head_name, git_branch) as git_branch,
        duration_ms,
        lines_added,
        lines_removed,
        exit_code,
        success,
        occurred_at as finished_at
    from ranked
    where best_first = 1

)

select * from results

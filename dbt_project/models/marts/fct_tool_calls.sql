{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

tool_calls as (

    select * from {{ ref('int_tool_calls') }}
    where {{ changed() }}

),

final as (

    select
        tool_call_key,
        agent,
        session_key,
        session_id,
        prompt_id,
        developer_id,
        project_id,
        git_branch,
        machine,
        model,
        tool_name,
        command,
        file_path,
        decision,
        decision_source,
        error_type,
        git_commit_id,
        seen_in,
        commits_reported,
        duration_ms,
        lines_added,
        lines_removed,
        exit_code,
        success,
        is_edit,
        called_at,
        called_date
    from tool_calls

)

select * from final

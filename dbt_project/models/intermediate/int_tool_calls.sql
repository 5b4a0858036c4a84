-- A table: five models read it.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

-- Of Claude Code, Codex, Gemini CLI, Copilot CLI and Cursor.
{% set edit_tools = [
    'Edit', 'Write', 'MultiEdit', 'NotebookEdit', 'apply_patch', 'write_file', 'replace', 'create',
    'edit', 'str_replace_editor', 'StrReplace', 'EditNotebook',
] %}

with

calls as (

    select * from {{ ref('stg_agent_tool_calls') }}
    where {{ changed() }}

),

reported_commits as (

    select
        tool_call_key,
        count(*) as commits_reported,
        case when count(*) = 1 then min(git_commit_id) end as git_commit_id
    from {{ ref('stg_agent_reported_commits') }}
    group by tool_call_key

),

requests as (

    select * from {{ ref('int_agent_requests') }}

),

metrics as (

    select * from {{ ref('int_session_metrics') }}

),

joined as (

    select
        calls.tool_call_key,
        calls.tool_use_id,
        calls.agent,
        sessions.session_key,
        calls.session_id,
        calls.prompt_id,
        {{ identified_developer('calls') }} as developer_id,
        coalesce(calls.repository, sessions.repository) as repository,
        {{ project_of('calls') }} as project_id,
        coalesce(calls.git_branch, sessions.git_branch) as git_branch,
        sessions.machine,
        requests.model,
        calls.tool_name,
        calls.command,
        calls.file_path,
        calls.decision,
        calls.decision_source,
        calls.error_type,
        reported_commits.git_commit_id,
        calls.seen_in,
        cast(coalesce(reported_commits.commits_reported, 0) as bigint) as commits_reported,
        calls.duration_ms,
        calls.lines_added,
        calls.lines_removed,
        calls.exit_code,
        calls.success,
        coalesce(
            calls.tool_name in (
                {% for tool in edit_tools %}
                '{{ tool }}'{{ ',' if not loop.last }}
                {% endfor %}
            )
            -- A patch may be given to Codex's shell too.
            or (calls.agent = 'codex' and coalesce(calls.lines_added, calls.lines_removed) >= 0),
            false
        ) as is_edit,
        calls.is_session_from_file or coalesce(metrics.tells_lines, false) as metrics_tell_lines,
        coalesce(metrics.tells_edits, false) as metrics_tell_edits,
        calls.called_at,
        {{ usage_date('calls.called_at') }} as called_date
    from calls
    {{ with_context('calls') }}
    left join requests on calls.request_key = requests.request_key
    left join reported_commits on calls.tool_call_key = reported_commits.tool_call_key
    left join metrics on sessions.session_key = metrics.session_key

),

-- Session files of Claude Code 2.1.197 tell of no decision, those of 2.1.330 do, and nothing of
-- Copilot CLI's does: an edit that was made was accepted. Edits and lines count here only where the
-- session's metrics do not count them.
counted as (

    select
        *,
        case
            when not is_edit or metrics_tell_edits then 0
            when decision = 'accept' then 1
            when decision is null and success and seen_in not like 'event%' then 1
            else 0
        end as edits_accepted,
        case when is_edit and decision = 'reject' and not metrics_tell_edits then 1 else 0 end
            as edits_rejected,
        case when is_edit and success and not metrics_tell_lines then lines_added end
            as counted_lines_added,
        case when is_edit and success and not metrics_tell_lines then lines_removed end
            as counted_lines_removed
    from joined

)

select * from counted

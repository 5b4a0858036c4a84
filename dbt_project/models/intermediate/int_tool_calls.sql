-- A table: five models read it.
{{ config(materialized='table') }}

with

decisions as (

    select * from {{ ref('stg_claude_code__tool_decisions') }}

),

results as (

    select * from {{ ref('stg_claude_code__tool_results') }}

),

requests as (

    select * from {{ ref('int_agent_requests') }}

),

sessions as (

    select * from {{ ref('stg_agent_sessions') }}

),

identities as (

    select * from {{ ref('stg_developer_identities') }}

),

settings as (

    select * from {{ ref('stg_settings') }}

),

-- A rejected call has a decision and no result; older versions may lack the decision.
calls as (

    select
        'claude_code' as agent,
        coalesce(decisions.tool_call_key, results.tool_call_key) as tool_call_key,
        coalesce(decisions.tool_use_id, results.tool_use_id) as tool_use_id,
        coalesce(decisions.session_id, results.session_id) as session_id,
        coalesce(decisions.prompt_id, results.prompt_id) as prompt_id,
        coalesce(decisions.request_id, results.request_id) as request_id,
        coalesce(decisions.developer_id, results.developer_id) as developer_id,
        coalesce(decisions.repository, results.repository) as repository,
        coalesce(decisions.tool_name, results.tool_name) as tool_name,
        decisions.decision,
        decisions.decision_source,
        results.command,
        results.file_path,
        results.error_type,
        results.git_commit_id,
        results.git_branch,
        results.duration_ms,
        results.lines_added,
        results.lines_removed,
        results.exit_code,
        results.success,
        coalesce(decisions.decided_at, results.finished_at) as called_at
    from decisions
    full outer join results on decisions.tool_call_key = results.tool_call_key

),

joined as (

    select
        calls.tool_call_key,
        calls.tool_use_id,
        calls.agent,
        sessions.session_key,
        calls.session_id,
        calls.prompt_id,
        calls.request_id,
        coalesce(identities.developer_id, {{ developer_of('calls') }}) as developer_id,
        coalesce(calls.repository, sessions.repository) as repository,
        coalesce(settings.project_id, calls.repository, sessions.repository) as project_id,
        coalesce(calls.git_branch, sessions.git_branch) as git_branch,
        requests.model,
        calls.tool_name,
        calls.command,
        calls.file_path,
        calls.decision,
        calls.decision_source,
        calls.error_type,
        calls.git_commit_id,
        calls.duration_ms,
        calls.lines_added,
        calls.lines_removed,
        calls.exit_code,
        calls.success,
        calls.tool_name in ('Edit', 'Write', 'MultiEdit', 'NotebookEdit') as is_edit,
        calls.called_at,
        {{ usage_date('calls.called_at') }} as called_date
    from calls
    cross join settings
    left join requests
        on calls.agent || ':' || calls.request_id = requests.request_key
    left join sessions
        on calls.agent = sessions.agent and calls.session_id = sessions.session_id
    left join identities on lower({{ developer_of('calls') }}) = identities.identity

),

counted as (

    select
        *,
        case when is_edit and decision = 'accept' then 1 else 0 end as edits_accepted,
        case when is_edit and decision = 'reject' then 1 else 0 end as edits_rejected
    from joined

)

select * from counted

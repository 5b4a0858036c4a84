{% set known_to_both = [
    'tool_call_key', 'tool_use_id', 'session_id', 'prompt_id', 'request_key', 'developer_id',
    'repository', 'git_branch', 'tool_name', 'command', 'file_path', 'decision', 'decision_source',
    'duration_ms', 'lines_added', 'lines_removed', 'exit_code',
] %}

with

claude_code_decisions as (

    select * from {{ ref('stg_claude_code__tool_decisions') }}

),

claude_code_results as (

    select * from {{ ref('stg_claude_code__tool_results') }}

),

claude_code_files as (

    select * from {{ ref('stg_claude_code__file_tool_calls') }}

),

-- A rejected call has a decision and no result; older versions may lack the decision.
claude_code_events as (

    select
        {% for column in [
            'tool_call_key', 'tool_use_id', 'session_id', 'prompt_id', 'developer_id',
            'repository', 'tool_name',
        ] %}
        coalesce(decisions.{{ column }}, results.{{ column }}) as {{ column }},
        {% endfor %}
        'claude_code:' || coalesce(decisions.request_id, results.request_id) as request_key,
        decisions.decision,
        decisions.decision_source,
        results.command,
        results.file_path,
        results.error_type,
        results.git_branch,
        results.duration_ms,
        results.lines_added,
        results.lines_removed,
        results.exit_code,
        results.success,
        coalesce(decisions.decided_at, results.finished_at) as called_at
    from claude_code_decisions as decisions
    full outer join claude_code_results as results
        on decisions.tool_call_key = results.tool_call_key

),

-- Where events have no tool use ids nothing joins the two: such a session's events alone count.
nameless as (

    select distinct session_id
    from claude_code_events
    where coalesce(tool_use_id, '') = '' and session_id is not null

),

-- What the events say counts; the file tells what they do not.
claude_code_calls as (

    select
        'claude_code' as agent,
        {% for column in known_to_both %}
        coalesce(events.{{ column }}, files.{{ column }}) as {{ column }},
        {% endfor %}
        events.error_type,
        {{ seen_in('events.tool_call_key', 'files.tool_call_key') }} as seen_in,
        case
            when coalesce(events.decision, files.decision, '') <> 'reject'
                then coalesce(events.success, files.success)
        end as success,
        -- Telemetry without session ids has none on its metrics either.
        events.tool_call_key is not null and events.session_id is null as is_session_from_file,
        coalesce(events.called_at, files.called_at) as called_at
    from claude_code_events as events
    full outer join claude_code_files as files on events.tool_call_key = files.tool_call_key
    left join nameless on files.session_id = nameless.session_id
    where events.tool_call_key is not null or nameless.session_id is null

)

select * from claude_code_calls

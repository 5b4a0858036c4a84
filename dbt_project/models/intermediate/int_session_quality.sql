-- What the rates of quality are made of, session by session.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

-- Of Claude Code, Codex, Gemini CLI, Copilot CLI and Cursor; a call whose command is known is one
-- of them whatever the tool is called.
{% set shells = [
    'Bash', 'PowerShell', 'exec_command', 'shell', 'shell_command', 'local_shell',
    'run_shell_command', 'bash', 'powershell', 'Shell',
] %}
-- Longer pauses are nobody's work.
{% set pause_s = 600 %}

with

sessions as (

    select * from {{ ref('int_sessions_with_costs') }}
    where {{ changed() }}

),

tool_calls as (

    select
        session_key,
        file_path,
        decision,
        success,
        is_edit,
        not is_edit and (
            command is not null or coalesce(
                tool_name in (
                    {% for shell in shells %}
                    '{{ shell }}'{{ ',' if not loop.last }}
                    {% endfor %}
                ), false
            )
        ) as is_shell,
        -- Rules, modes and hooks decide without a person.
        decision_source is not null and decision_source not like 'user%' as is_automatic,
        called_at
    from {{ ref('int_tool_calls') }}
    where session_key is not null and {{ changed() }}

),

requests as (

    select * from {{ ref('int_agent_requests') }}
    where session_key is not null and {{ changed() }}

),

moments as (

    select
        session_key,
        null as file_path,
        1 as prompts,
        0 as edits,
        0 as failed_edits,
        0 as shell_calls,
        prompted_at as happened_at
    from {{ ref('int_prompts') }}
    where session_key is not null and {{ changed() }}
    union all
    select
        session_key,
        file_path,
        0 as prompts,
        case when is_edit then 1 else 0 end as edits,
        case when is_edit and (not success or decision = 'reject') then 1 else 0 end
            as failed_edits,
        case when is_shell then 1 else 0 end as shell_calls,
        called_at as happened_at
    from tool_calls
    union all
    select
        session_key,
        null as file_path,
        0 as prompts,
        0 as edits,
        0 as failed_edits,
        0 as shell_calls,
        requested_at as happened_at
    from requests

),

{% set in_order %}
partition by session_key order by happened_at, prompts desc, edits desc, shell_calls
{% endset %}

in_order as (

    select
        *,
        sum(prompts) over ({{ in_order }} rows unbounded preceding) as turn,
        sum(shell_calls) over ({{ in_order }} rows unbounded preceding) as shell_calls_so_far,
        cast(
            {{ seconds_between('lag(happened_at) over (' ~ in_order ~ ')', 'happened_at') }}
            as decimal(18, 3)
        ) as pause_s
    from moments

),

times as (

    select
        session_key,
        sum(case when pause_s > {{ pause_s }} then {{ pause_s }} else coalesce(pause_s, 0) end)
            as working_seconds
    from in_order
    group by session_key

),

edited_files as (

    select
        session_key,
        turn,
        file_path,
        max(failed_edits) as failed_edits,
        -- A command ran between two edits of the file.
        max(shell_calls_so_far) - min(shell_calls_so_far) as runs_between
    from in_order
    where edits = 1
    group by session_key, turn, file_path

),

edit_turns as (

    select
        session_key,
        turn,
        max(case when failed_edits > 0 or runs_between > 0 then 1 else 0 end) as redone
    from edited_files
    group by session_key, turn

),

turns as (

    select
        session_key,
        count(*) as edit_turns,
        sum(1 - redone) as one_shot_turns
    from edit_turns
    group by session_key

),

calls as (

    select
        session_key,
        count(success) as tool_runs,
        count(case when is_edit and decision = 'accept' and not is_automatic then 1 end)
            as edits_accepted,
        count(case when is_edit and decision = 'reject' and not is_automatic then 1 end)
            as edits_rejected,
        count(case when is_edit and decision = 'accept' and is_automatic then 1 end)
            as edits_auto_accepted
    from tool_calls
    group by session_key

),

asked as (

    select
        session_key,
        count(case when is_subagent then 1 end) as subagent_requests,
        {{ sum_bigint('attempt') }} as attempts,
        count(case when attempt is not null then 1 end) as tried_requests,
        count(case when attempt is not null and not is_error then 1 end) as tried_answers,
        {{ sum_bigint('cache_read_tokens') }} as cache_read_tokens,
        {{ sum_bigint(
            'case when cache_read_tokens is not null then cache_read_tokens '
            ~ '+ coalesce(input_tokens, 0) + coalesce(cache_write_5m_tokens, 0) '
            ~ '+ coalesce(cache_write_1h_tokens, 0) end'
        ) }} as cacheable_tokens
    from requests
    group by session_key

),

joined as (

    select
        sessions.session_key,
        sessions.agent,
        sessions.developer_id,
        sessions.project_id,
        sessions.repository,
        sessions.worktree,
        sessions.prompts,
        sessions.requests,
        sessions.errors,
        sessions.retries,
        coalesce(asked.subagent_requests, 0) as subagent_requests,
        -- Claude Code says how often it tried of failures alone: of its answers nobody knows.
        case when asked.tried_answers > 0 then asked.attempts end as attempts,
        case when asked.tried_answers > 0 then asked.attempts - asked.tried_requests end
            as attempts_again,
        asked.cache_read_tokens,
        asked.cacheable_tokens,
        sessions.tool_calls,
        coalesce(calls.tool_runs, 0) as tool_runs,
        sessions.tool_failures,
        coalesce(turns.edit_turns, 0) as edit_turns,
        cast(coalesce(turns.one_shot_turns, 0) as bigint) as one_shot_turns,
        coalesce(calls.edits_accepted, 0) as edits_accepted,
        coalesce(calls.edits_rejected, 0) as edits_rejected,
        coalesce(calls.edits_auto_accepted, 0) as edits_auto_accepted,
        sessions.lines_added,
        sessions.lines_removed,
        times.working_seconds,
        sessions.cost_usd,
        sessions.is_partly_unpriced,
        sessions.started_at,
        sessions.started_date
    from sessions
    left join times on sessions.session_key = times.session_key
    left join turns on sessions.session_key = turns.session_key
    left join calls on sessions.session_key = calls.session_key
    left join asked on sessions.session_key = asked.session_key

)

select * from joined

-- Each answered request of a session beside the one before it in the same thread, whose prompt the
-- vendor had in its cache, and beside what failed between the two. A thread is the main
-- conversation, one kind of sub-agent, or one kind of background request (titles, summaries): each
-- has a prompt, so a cached prefix, of its own. No record tells two sub-agents of one kind apart.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

-- What agents call the main conversation: Claude Code, Gemini CLI, and Copilot CLI by who asked.
{% set main_sources = ['sdk', 'repl_main_thread', 'main', 'user', 'agent'] %}
-- Of Claude Code, Codex, Gemini CLI, Copilot CLI and Cursor.
{% set shells = [
    'Bash', 'bash', 'exec_command', 'shell', 'local_shell', 'run_shell_command', 'Shell',
] %}
{% set of_same_prompt = 'coalesce(led.prompt_id = answered.prompt_id, true)' %}

with

requests as (

    select
        request_key,
        session_key,
        session_id,
        agent,
        developer_id,
        project_id,
        git_branch,
        prompt_id,
        model,
        input_tokens,
        cache_read_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        output_tokens,
        total_tokens,
        duration_ms,
        cost_usd,
        computed_cost_usd,
        is_subagent,
        is_error,
        requested_at,
        requested_date,
        case
            when is_subagent then 'subagent:' || coalesce(subagent, '')
            when
                query_source is null
                or query_source in (
                    {% for source in main_sources %}
                    '{{ source }}'{{ ',' if not loop.last }}
                    {% endfor %}
                )
                or query_source like 'repl_main_thread:%'
                then 'main'
            else 'background:' || query_source
        end as thread,
        coalesce(input_tokens, 0)
        + coalesce(cache_read_tokens, 0)
        + coalesce(cache_write_5m_tokens, 0)
        + coalesce(cache_write_1h_tokens, 0) as prompt_tokens,
        coalesce(cache_read_tokens, 0)
        + coalesce(cache_write_5m_tokens, 0)
        + coalesce(cache_write_1h_tokens, 0) as cached_tokens
    from {{ ref('int_agent_requests') }}
    where session_key is not null and {{ changed() }}

),

answers as (

    select *
    from requests
    where not is_error and total_tokens is not null

),

-- Claude Code logs a call before the answer that asks for it is over (2.1.330: 45 of 46 recorded
-- calls), so a call happens after its own request; without that request its place is not known.
calls as (

    select
        calls.session_key,
        calls.prompt_id,
        coalesce(requests.thread, 'main') as thread,
        coalesce(calls.decision = 'reject' and calls.is_edit, false) as is_rejected_edit,
        coalesce(not calls.success and coalesce(calls.decision, '') <> 'reject', false)
            as is_failed,
        coalesce(calls.success, false) as is_success,
        not calls.is_edit and calls.tool_name in (
            {% for shell in shells %}
            '{{ shell }}'{{ ',' if not loop.last }}
            {% endfor %}
        ) as is_command,
        case
            when requests.requested_at > calls.called_at then requests.requested_at
            else calls.called_at
        end as happened_at
    from {{ ref('int_tool_calls') }} as calls
    left join {{ ref('stg_agent_tool_calls') }} as told
        on calls.tool_call_key = told.tool_call_key
    left join requests on told.request_key = requests.request_key
    where
        calls.session_key is not null
        and {{ changed('calls.session_id') }}
        and (requests.request_key is not null or calls.agent <> 'claude_code')

),

events as (

    select
        session_key,
        thread,
        request_key,
        prompt_id,
        false as is_error,
        false as is_rejected_edit,
        false as is_failed,
        false as is_success,
        false as is_command,
        requested_at as happened_at,
        0 as order_at_once
    from answers
    union all
    select
        session_key,
        thread,
        null as request_key,
        prompt_id,
        true as is_error,
        false as is_rejected_edit,
        false as is_failed,
        false as is_success,
        false as is_command,
        requested_at as happened_at,
        1 as order_at_once
    from requests
    where is_error
    union all
    select
        session_key,
        thread,
        null as request_key,
        prompt_id,
        false as is_error,
        is_rejected_edit,
        is_failed,
        is_success,
        is_command,
        happened_at,
        1 as order_at_once
    from calls

),

-- What has the same number as an answer led to it.
numbered as (

    select
        *,
        count(request_key) over (
            partition by session_key, thread
            order by happened_at, order_at_once, request_key
            rows between unbounded preceding and current row
        ) - case when request_key is null then 0 else 1 end as answers_before
    from events

),

-- A failure at the end of one prompt has nothing to do with the next; a rejection often ends one.
preceded as (

    select
        answered.request_key,
        sum(case when led.is_rejected_edit then 1 else 0 end) as rejected_edits,
        sum(case when led.is_failed and {{ of_same_prompt }} then 1 else 0 end) as failed_calls,
        sum(case when led.is_failed and led.is_command then 1 else 0 end) as failed_commands,
        sum(case when led.is_success then 1 else 0 end) as successful_calls,
        sum(case when led.is_error and {{ of_same_prompt }} then 1 else 0 end) as errors
    from numbered as answered
    inner join numbered as led
        on
            answered.session_key = led.session_key
            and answered.thread = led.thread
            and answered.answers_before = led.answers_before
    where answered.request_key is not null and led.request_key is null
    group by answered.request_key

),

followed as (

    select
        *,
        lag(model) over (
            partition by session_key, thread order by requested_at, request_key
        ) as previous_model,
        lag(requested_at) over (
            partition by session_key, thread order by requested_at, request_key
        ) as previous_at,
        lag(cached_tokens) over (
            partition by session_key, thread order by requested_at, request_key
        ) as previous_cached_tokens,
        coalesce(max(cache_write_1h_tokens) over (
            partition by session_key, thread
            order by requested_at, request_key
            rows between unbounded preceding and 1 preceding
        ), 0) > 0 as has_written_for_an_hour
    from answers

),

joined as (

    select
        followed.*,
        -- From the end of one answer to the beginning of the next request.
        {{ seconds_between('followed.previous_at', 'followed.requested_at') }}
        - coalesce(followed.duration_ms, 0) / 1000.0 as pause_seconds,
        coalesce(preceded.rejected_edits, 0) > 0 as follows_rejected_edit,
        coalesce(preceded.failed_calls, 0) > 0 and preceded.successful_calls = 0
            as follows_failed_call,
        coalesce(preceded.failed_commands, 0) > 0 as follows_failed_command,
        coalesce(preceded.errors, 0) > 0 as follows_error
    from followed
    left join preceded on followed.request_key = preceded.request_key

)

select * from joined

with

keyed as (

    select
        *,
        'copilot_cli:' || coalesce(session_id, '') || ':' || coalesce(
            nullif(call_id, ''), nullif(span_id, ''), {{ hashed(['occurred_at', 'tool_name']) }}
        ) as tool_call_key
    from {{ ref('stg_copilot_cli__changed_spans') }}
    where operation = 'execute_tool'

),

ranked as (

    select
        *,
        {{ best_first('tool_call_key') }} as best_first
    from keyed

),

-- "execute_tool bash" of a command that ended with 1 is no error (1.0.102): its exit code counts.
span_calls as (

    select
        tool_call_key,
        nullif(call_id, '') as tool_use_id,
        session_id,
        interaction_id as prompt_id,
        developer_id,
        cast(null as varchar) as git_branch,
        tool_name,
        command,
        file_path,
        cast(null as varchar) as decision,
        cast(null as varchar) as decision_source,
        error_type,
        cast({{ plausible(
            "date_diff('millisecond', occurred_at, ended_at)", 1000000000000
        ) }} as bigint) as duration_ms,
        lines_added,
        lines_removed,
        exit_code,
        coalesce(status <> 'error', true) as success,
        occurred_at as called_at
    from ranked
    where best_first = 1

),

files as (

    select * from {{ file_tool_calls(
        ref('stg_copilot_cli__changed_session_records'),
        "'copilot_cli:' || session_id || ':' || tool_use_id",
    ) }}

),

pairs as (

    select
        tool_call_key as event_key,
        tool_call_key as file_key
    from span_calls

),

joined as (

    {{ tool_calls_of_both(
        'copilot_cli', 'span_calls', 'files', 'pairs',
        "'copilot_cli:' || files.session_id || ':' || files.request_id",
        'span',
    ) }}

)

select * from joined

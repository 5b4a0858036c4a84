with

events as (

    select
        *,
        {{ hashed(['session_id', 'occurred_at', 'tool_name']) }} as moment
    from {{ ref('stg_codex__changed_events') }}
    where event_name in ('tool_decision', 'tool_result')

),

keyed as (

    select
        *,
        coalesce(nullif(call_id, ''), moment) as call_name
    from events

),

ranked as (

    select
        *,
        {{ best_first('call_name, event_name') }} as best_first
    from keyed

),

-- At most one decision and one result of each call.
event_calls as (

    select
        'codex:' || call_name as tool_call_key,
        max(nullif(call_id, '')) as tool_use_id,
        min_by(session_id, (occurred_at, event_name)) as session_id,
        cast(null as varchar) as prompt_id,
        {{ named_developer() }} as developer_id,
        max(git_branch) as git_branch,
        max(tool_name) as tool_name,
        max(command) as command,
        max(file_path) as file_path,
        max(case
            when event_name <> 'tool_decision' then null
            when lower(decision) like 'approved%' then 'accept'
            when lower(decision) like 'denied%' or lower(decision) in ('abort', 'timed_out')
                then 'reject'
        end) as decision,
        lower(max(case when event_name = 'tool_decision' then decision_source end))
            as decision_source,
        cast(null as varchar) as error_type,
        max(duration_ms) as duration_ms,
        max(lines_added) as lines_added,
        max(lines_removed) as lines_removed,
        max(exit_code) as exit_code,
        bool_and(success) as success,
        min(occurred_at) as called_at
    from ranked
    where best_first = 1
    group by call_name

),

files as (

    select * from {{ file_tool_calls(
        ref('stg_codex__changed_session_records'),
        "'codex:' || tool_use_id",
    ) }}

),

pairs as (

    select
        tool_call_key as event_key,
        tool_call_key as file_key
    from event_calls

),

-- "true" of a command that ended with 1 (0.169.0): its exit code counts. The file does not tell
-- whether a patch could be applied where it could not.
joined as (

    {{ tool_calls_of_both('codex', 'event_calls', 'files', 'pairs', 'cast(null as varchar)') }}

)

select * from joined

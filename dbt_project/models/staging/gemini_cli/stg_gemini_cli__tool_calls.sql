-- The event of a call has no id (0.61.0): it is the call of its session's file by the same tool
-- that ended at the same time.
with

keyed as (

    select
        *,
        {{ hashed([
            'session_id', 'occurred_at', 'tool_name', 'duration_ms', 'decision', 'success',
        ]) }} as event_key
    from {{ ref('stg_gemini_cli__changed_events') }}
    where event_name = 'tool_call'

),

ranked as (

    select
        *,
        {{ best_first('event_key') }} as best_first
    from keyed

),

event_calls as (

    select
        'gemini_cli:' || event_key as tool_call_key,
        cast(null as varchar) as tool_use_id,
        session_id,
        prompt_id,
        developer_id,
        cast(null as varchar) as git_branch,
        tool_name,
        command,
        file_path,
        case
            when decision in ('accept', 'auto_accept', 'modify') then 'accept'
            when decision = 'reject' then 'reject'
        end as decision,
        case when decision = 'auto_accept' then 'config' end as decision_source,
        error_type,
        duration_ms,
        lines_added,
        lines_removed,
        exit_code,
        success,
        {{ hashed(['session_id', 'tool_name']) }} as match_key,
        occurred_at as called_at
    from ranked
    where best_first = 1

),

files as (

    select
        *,
        {{ hashed(['session_id', 'tool_name']) }} as match_key
    from {{ file_tool_calls(
        ref('stg_gemini_cli__changed_session_records'),
        "'gemini_cli:' || session_id || ':' || tool_use_id",
    ) }}

),

joined as (

    {{ tool_calls_of_both(
        'gemini_cli', 'event_calls', 'files',
        pairs_in_time(
            'event_calls', 'tool_call_key', 'called_at',
            'files', 'tool_call_key', 'finished_at', 30,
        ),
        "'gemini_cli:' || files.request_id",
    ) }}

)

select * from joined

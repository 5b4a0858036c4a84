with

events as (

    select * from {{ ref('stg_claude_code__changed_events') }}
    where event_name in (
        'user_prompt', 'api_request', 'assistant_response', 'tool_result', 'subagent_completed'
    )

),

keyed as (

    select
        *,
        event_name || ':'
        || {{ record_id("case when event_name = 'user_prompt' then message_uuid end") }}
            as event_key
    from events

),

-- Repetitions go first: one of a prompt would be an event just before it.
ranked as (

    select
        *,
        {{ best_first('event_key') }} as best_first
    from keyed

),

in_order as (

    select
        *,
        lag(occurred_at) over (
            partition by session_id order by occurred_at, event_sequence, event_key
        ) as previous_event_at
    from ranked
    where best_first = 1

),

-- The end of an asynchronous subagent is put in as a prompt (2.1.330). No attribute tells; a person
-- does not answer within a second of the turn's end.
steps as (

    select
        *,
        coalesce(event_name = 'subagent_completed' and is_async, false) as is_completion,
        event_name = 'user_prompt' as is_prompt,
        event_name = 'user_prompt'
        and coalesce({{ add_seconds('previous_event_at', 1) }} > occurred_at, false) as is_at_once
    from in_order

),

-- A prompt after a pause finds the agent idle, with no end of a subagent left to report.
turns as (

    select
        *,
        sum(case when is_prompt and not is_at_once then 1 else 0 end) over (
            partition by session_id
            order by occurred_at, event_sequence, event_key
            rows between unbounded preceding and current row
        ) as turn
    from steps

),

-- Ends less prompts at once. One that takes this below all before it had no end to report.
counted as (

    select
        *,
        sum(case when is_completion then 1 when is_at_once then -1 else 0 end) over (
            partition by session_id, turn
            order by occurred_at, event_sequence, event_key
            rows between unbounded preceding and current row
        ) as unreported
    from turns

),

compared as (

    select
        *,
        min(unreported) over (
            partition by session_id, turn
            order by occurred_at, event_sequence, event_key
            rows between unbounded preceding and 1 preceding
        ) as least_unreported
    from counted

),

typed as (

    select
        replace(event_key, 'user_prompt:', 'claude_code:') as prompt_key,
        session_id,
        prompt_id,
        coalesce(nullif(prompt_id, ''), nullif(message_uuid, '')) as turn_id,
        developer_id,
        {{ normalized_repository('repository_url') }} as repository,
        prompt_length,
        session_id is not null
        and is_at_once
        and unreported >= case when least_unreported < 0 then least_unreported else 0 end
            as is_synthetic,
        occurred_at as prompted_at
    from compared
    where is_prompt

)

select * from typed

with

events as (

    select
        *,
        {{ record_id('tool_use_id') }} as tool_call_key
    from {{ ref('stg_claude_code__changed_events') }}
    where event_name = 'tool_decision'

),

ranked as (

    select
        *,
        {{ best_first('tool_call_key') }} as best_first
    from events

),

decisions as (

    select
        'claude_code:' || tool_call_key as tool_call_key,
        tool_use_id,
        session_id,
        prompt_id,
        request_id,
        developer_id,
        {{ normalized_repository('repository_url') }} as repository,
        tool_name,
        case when decision in ('accept', 'reject') then decision end as decision,
        decision_source,
        occurred_at as decided_at
    from ranked
    where best_first = 1

)

select * from decisions

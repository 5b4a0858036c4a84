with

-- Sent once the agent gives up (2.1.330). `api_retries_exhausted` says the same again and is
-- left out; retries that led to an answer are in no event.
events as (

    select * from {{ ref('stg_claude_code__changed_events') }}
    where event_name = 'api_error'

),

keyed as (

    select
        *,
        {{ record_id('request_id', ['status_code']) }} as request_key
    from events

),

ranked as (

    select
        *,
        min(created_at) over (partition by request_key) as first_created_at,
        {{ best_first('request_key', ['attempt']) }} as best_first
    from keyed

),

errors as (

    select
        'claude_code:' || request_key as request_key,
        request_id,
        session_id,
        prompt_id,
        developer_id,
        {{ normalized_repository('repository_url') }} as repository,
        coalesce(head_name, git_branch) as git_branch,
        nullif(machine, '') as machine,
        model as model_reported,
        case when speed = 'fast' then 'fast' else 'standard' end as service_tier,
        query_source,
        agent_name as subagent,
        effort,
        agent_version,
        case
            when organization_id is not null or account_uuid is not null then 'unknown'
            when user_id is not null then 'api'
            else 'unknown'
        end as billing_mode,
        status_code,
        attempt,
        duration_ms,
        agent_id is not null
        or agent_name is not null
        or coalesce(query_source like 'agent:%', false) as is_subagent,
        occurred_at as requested_at,
        first_created_at as created_at
    from ranked
    where best_first = 1

)

select * from errors

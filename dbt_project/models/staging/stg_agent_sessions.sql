-- A table: five models read it, and each would scan all events again.
{{ config(materialized='table') }}

with

events as (

    select * from {{ ref('stg_claude_code__events') }}
    where session_id is not null

),

-- A cumulative series is sent again while nothing happens: what adds nothing is no activity.
metrics as (

    select * from {{ ref('stg_claude_code__metrics') }}
    where session_id is not null and increment > 0

),

activity as (

    select
        session_id,
        developer_id,
        case when developer_id not like '%.id:%' then developer_id end as named_developer_id,
        {{ normalized_repository('repository_url') }} as repository,
        coalesce(head_name, git_branch) as git_branch,
        nullif(machine, '') as machine,
        agent_version,
        case
            when event_name in ('user_prompt', 'api_request', 'api_error') then 1
            else 0
        end as work,
        occurred_at as event_at,
        occurred_at as active_at,
        occurred_at as started_at
    from events
    union all
    select
        session_id,
        developer_id,
        case when developer_id not like '%.id:%' then developer_id end as named_developer_id,
        repository,
        null as git_branch,
        machine,
        null as agent_version,
        case
            when metric_name in ('claude_code.token.usage', 'claude_code.cost.usage') then 1
            else 0
        end as work,
        null as event_at,
        measured_at as active_at,
        case when started_at < measured_at then started_at else measured_at end as started_at
    from metrics

),

sessions as (

    select
        'claude_code:' || session_id as session_key,
        session_id,
        'claude_code' as agent,
        {{ named_developer() }} as developer_id,
        case when min(named_developer_id) = max(named_developer_id) then min(named_developer_id) end
            as named_developer_id,
        -- Where a session names several, none of them is the session's.
        case when min(repository) = max(repository) then min(repository) end as repository,
        case when min(git_branch) = max(git_branch) then min(git_branch) end as git_branch,
        case when min(machine) = max(machine) then min(machine) end as machine,
        max(agent_version) as agent_version,
        -- Metrics are exported up to a minute late: they tell the time only where no event does.
        coalesce(min(event_at), min(started_at)) as started_at,
        coalesce(max(event_at), max(active_at)) as ended_at,
        max(active_at) as last_seen_at
    from activity
    group by session_id
    -- `--continue` starts under a throw-away id and goes on under the old one (2.1.330): a session
    -- in which nobody asked and nothing was asked of a model is none.
    having sum(work) > 0

)

select * from sessions

-- A table: four dimensions read it.
{{ config(materialized='table') }}

{% set columns = ['developer_id', 'agent', 'model', 'project_id'] %}

with

requests as (

    select
        {{ columns | join(',\n        ') }},
        min(requested_at) as first_at,
        max(requested_at) as last_at
    from {{ ref('int_agent_requests') }}
    group by {{ columns | join(', ') }}

),

tool_calls as (

    select
        {{ columns | join(',\n        ') }},
        min(called_at) as first_at,
        max(called_at) as last_at
    from {{ ref('int_tool_calls') }}
    group by {{ columns | join(', ') }}

),

prompts as (

    select
        developer_id,
        agent,
        cast(null as varchar) as model,
        project_id,
        min(prompted_at) as first_at,
        max(prompted_at) as last_at
    from {{ ref('int_prompts') }}
    group by developer_id, agent, project_id

),

metrics as (

    select
        {{ columns | join(',\n        ') }},
        min(measured_at) as first_at,
        max(measured_at) as last_at
    from {{ ref('int_metric_increments') }}
    group by {{ columns | join(', ') }}

),

sessions as (

    select
        developer_id,
        agent,
        cast(null as varchar) as model,
        project_id,
        started_at as first_at,
        ended_at as last_at
    from {{ ref('int_sessions_with_costs') }}

),

-- Session files may tell a model's sums alone.
remainders as (

    select
        sessions.developer_id,
        sessions.agent,
        remainders.model,
        sessions.project_id,
        remainders.booked_at as first_at,
        remainders.booked_at as last_at
    from {{ ref('int_metric_remainders') }} as remainders
    inner join {{ ref('int_sessions_with_costs') }} as sessions
        on remainders.session_key = sessions.session_key

),

vendor_spend as (

    select
        {{ columns | join(',\n        ') }},
        min(booked_at) as first_at,
        max(booked_at) as last_at
    from {{ ref('int_vendor_spend') }}
    group by {{ columns | join(', ') }}

),

copilot_users as (

    select
        developer_id,
        'github_copilot' as agent,
        cast(null as varchar) as model,
        cast(null as varchar) as project_id,
        min(day_began_at) as first_at,
        max(day_began_at) as last_at
    from {{ ref('int_copilot_days') }}
    where not is_organisation
    group by developer_id

),

commits as (

    select
        developer_id,
        agent,
        cast(null as varchar) as model,
        project_id,
        committed_at as first_at,
        committed_at as last_at
    from {{ ref('int_commits_with_agent_context') }}

),

unioned as (

    select * from requests
    union all
    select * from tool_calls
    union all
    select * from prompts
    union all
    select * from metrics
    union all
    select * from sessions
    union all
    select * from remainders
    union all
    select * from vendor_spend
    union all
    select * from copilot_users
    union all
    select * from commits

)

select * from unioned

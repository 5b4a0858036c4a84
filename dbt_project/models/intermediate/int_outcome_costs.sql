-- All spend by what became of it: that of each session, and what belongs to no session.
with

sessions as (

    select * from {{ ref('int_session_outcomes') }}

),

spend_without_session as (

    select
        agent,
        developer_id,
        project_id,
        requested_date as usage_date,
        cost_usd
    from {{ ref('int_agent_requests') }}
    where session_key is null
    union all
    select
        agent,
        developer_id,
        project_id,
        usage_date,
        cost_usd
    from {{ ref('int_vendor_spend') }}

),

of_sessions as (

    select
        session_key as outcome_key,
        session_key,
        session_id,
        agent,
        developer_id,
        project_id,
        repository,
        linkage,
        yield_class,
        commits,
        lines_written,
        lines_committed,
        cost_usd,
        started_date as usage_date
    from sessions

),

of_none as (

    select
        'none:' || agent || ':' || coalesce(developer_id, '') || ':' || coalesce(project_id, '')
        || ':' || cast(usage_date as varchar) as outcome_key,
        null as session_key,
        null as session_id,
        agent,
        developer_id,
        project_id,
        null as repository,
        'unlinked' as linkage,
        'no_session' as yield_class,
        0 as commits,
        cast(null as bigint) as lines_written,
        cast(null as bigint) as lines_committed,
        {{ usd('sum(cost_usd)') }} as cost_usd,
        usage_date
    from spend_without_session
    group by agent, developer_id, project_id, usage_date

),

unioned as (

    select * from of_sessions
    union all
    select * from of_none

)

select * from unioned

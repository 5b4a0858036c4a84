with

events as (

    select * from {{ ref('stg_codex__changed_events') }}
    where session_id is not null

),

records as (

    select
        *,
        min(case when kind = 'session' then occurred_at end) over (partition by session_id)
            as began_at
    from {{ ref('stg_codex__changed_session_records') }}

),

activity as (

    select
        session_id,
        developer_id,
        null as repository,
        null as project_path,
        git_branch,
        agent_version,
        occurred_at
    from events
    union all
    -- What a fork or a sub-agent copies was before it began.
    select
        session_id,
        developer_id,
        repository,
        project_path,
        git_branch,
        agent_version,
        occurred_at
    from records
    where occurred_at >= began_at or began_at is null

)

select * from activity

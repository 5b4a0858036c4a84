with

events as (

    select * from {{ ref('stg_gemini_cli__changed_events') }}
    where session_id is not null

),

activity as (

    select
        session_id,
        developer_id,
        null as repository,
        null as project_path,
        null as git_branch,
        null as agent_version,
        occurred_at
    from events
    union all
    select
        session_id,
        developer_id,
        repository,
        project_path,
        git_branch,
        agent_version,
        occurred_at
    from {{ ref('stg_gemini_cli__changed_session_records') }}

)

select * from activity

with

records as (

    select * from {{ ref('stg_cursor__changed_session_records') }}

),

activity as (

    select
        session_id,
        developer_id,
        repository,
        project_path,
        git_branch,
        agent_version,
        occurred_at
    from records

)

select * from activity

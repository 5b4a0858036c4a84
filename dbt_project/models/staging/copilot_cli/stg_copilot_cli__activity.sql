with

spans as (

    select * from {{ ref('stg_copilot_cli__changed_spans') }}
    where session_id is not null

),

activity as (

    {% for moment in ['occurred_at', 'ended_at'] %}
    select
        session_id,
        developer_id,
        null as repository,
        null as project_path,
        null as git_branch,
        agent_version,
        {{ moment }} as occurred_at
    from spans
    union all
    {% endfor %}
    select
        session_id,
        developer_id,
        repository,
        project_path,
        git_branch,
        agent_version,
        occurred_at
    from {{ ref('stg_copilot_cli__changed_session_records') }}

)

select * from activity

with

increments as (

    select * from {{ ref('stg_claude_code__metrics') }}

),

names as (

    select * from {{ ref('int_model_names') }}

),

sessions as (

    select * from {{ ref('stg_agent_sessions') }}

),

identities as (

    select * from {{ ref('stg_developer_identities') }}

),

settings as (

    select * from {{ ref('stg_settings') }}

),

joined as (

    select
        'claude_code' as agent,
        increments.metric_name,
        sessions.session_key,
        increments.session_id,
        coalesce(identities.developer_id, {{ developer_of('increments') }}) as developer_id,
        coalesce(settings.project_id, increments.repository, sessions.repository) as project_id,
        names.model,
        increments.type,
        increments.decision,
        increments.increment,
        increments.measured_at,
        {{ usage_date('increments.measured_at') }} as measured_date
    from increments
    cross join settings
    left join names on increments.model_reported = names.model_reported
    left join sessions
        on increments.session_id = sessions.session_id and sessions.agent = 'claude_code'
    left join identities on lower({{ developer_of('increments') }}) = identities.identity

)

select * from joined

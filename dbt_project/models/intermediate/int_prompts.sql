with

prompts as (

    select * from {{ ref('stg_claude_code__prompts') }}
    where not is_synthetic

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
        prompts.prompt_key,
        'claude_code' as agent,
        sessions.session_key,
        prompts.session_id,
        coalesce(identities.developer_id, {{ developer_of('prompts') }}) as developer_id,
        coalesce(settings.project_id, prompts.repository, sessions.repository) as project_id,
        prompts.prompted_at,
        {{ usage_date('prompts.prompted_at') }} as prompted_date
    from prompts
    cross join settings
    left join sessions
        on prompts.session_id = sessions.session_id and sessions.agent = 'claude_code'
    left join identities on lower({{ developer_of('prompts') }}) = identities.identity

)

select * from joined

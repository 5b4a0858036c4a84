with

prompts as (

    select * from {{ ref('stg_agent_prompts') }}
    where not is_synthetic

),

joined as (

    select
        prompts.prompt_key,
        prompts.agent,
        sessions.session_key,
        prompts.session_id,
        {{ identified_developer('prompts') }} as developer_id,
        {{ project_of('prompts') }} as project_id,
        prompts.prompted_at,
        {{ usage_date('prompts.prompted_at') }} as prompted_date
    from prompts
    {{ with_context('prompts') }}

)

select * from joined

with

agents as (

    select * from {{ ref('agents') }}

),

sightings as (

    select
        agent,
        min(first_at) as first_seen_at,
        max(last_at) as last_seen_at
    from {{ ref('int_sightings') }}
    where agent is not null
    group by agent

),

final as (

    select
        coalesce(agents.agent, sightings.agent) as agent,
        coalesce(agents.display_name, sightings.agent) as display_name,
        agents.vendor,
        sightings.first_seen_at,
        sightings.last_seen_at
    from agents
    full outer join sightings on agents.agent = sightings.agent

)

select * from final

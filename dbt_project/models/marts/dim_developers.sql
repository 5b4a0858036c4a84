with

sightings as (

    select
        developer_id,
        min(first_at) as first_seen_at,
        max(last_at) as last_seen_at
    from {{ ref('int_sightings') }}
    where developer_id is not null
    group by developer_id

),

identities as (

    select
        developer_id,
        count(*) as merged_identities
    from {{ ref('stg_developer_identities') }}
    group by developer_id

),

teams as (

    select * from {{ ref('stg_teams') }}

),

final as (

    select
        sightings.developer_id,
        teams.team,
        cast(coalesce(identities.merged_identities, 0) as bigint) as merged_identities,
        sightings.developer_id not like '%.id:%' as is_identified,
        sightings.first_seen_at,
        sightings.last_seen_at
    from sightings
    left join identities on sightings.developer_id = identities.developer_id
    left join teams on lower(sightings.developer_id) = teams.developer

)

select * from final

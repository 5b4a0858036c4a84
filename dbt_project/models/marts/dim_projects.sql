with

sightings as (

    select
        project_id,
        min(first_at) as first_seen_at,
        max(last_at) as last_seen_at
    from {{ ref('int_sightings') }}
    where project_id is not null
    group by project_id

),

-- The last part of a path or address; whoever sets a project's name by hand sees that.
final as (

    select
        project_id,
        {{ regex_replace('project_id', '^.*[/\\\\]') }} as project_name,
        project_id like 'https://%' as is_repository,
        first_seen_at,
        last_seen_at
    from sightings

)

select * from final

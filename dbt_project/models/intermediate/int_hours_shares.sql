-- Hours saved, split over the developer's projects by list cost.
with

hours as (

    select * from {{ ref('int_hours_saved') }}

),

used as (

    select
        month,
        lower(developer_id) as developer,
        project_id,
        sum(cost_usd) as list_usd
    from {{ ref('int_spend_paid') }}
    where cost_usd > 0
    group by month, lower(developer_id), project_id

),

teams as (

    select * from {{ ref('stg_teams') }}

),

weighed as (

    select
        hours.*,
        used.project_id,
        teams.team,
        coalesce(
            cast(used.list_usd as double)
            / cast(
                sum(used.list_usd) over (partition by hours.month, hours.developer_id) as double
            ),
            1
        ) as share
    from hours
    left join used on hours.month = used.month and lower(hours.developer_id) = used.developer
    left join teams on lower(hours.developer_id) = teams.developer

),

shares as (

    select
        month,
        developer_id,
        team,
        project_id,
        hours_source,
        hours_low * share as hours_low,
        hours_high * share as hours_high,
        days * share as days,
        coalesce(known_days, 0) * share as known_days
    from weighed

)

select * from shares

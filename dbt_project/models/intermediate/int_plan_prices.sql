with

plans as (

    select
        *,
        coalesce(valid_from, cast('1970-01-01' as date)) as starts_on,
        coalesce(valid_to, cast('9999-12-31' as date)) as ends_before
    from {{ ref('stg_plans') }}

),

bounds as (

    select
        plan,
        starts_on
    from plans
    union
    select
        plan,
        ends_before as starts_on
    from plans

),

periods as (

    select
        plan,
        starts_on,
        lead(starts_on) over (partition by plan order by starts_on) as ends_before
    from bounds

),

-- The user's price beats the catalogue's on all days on which he has one.
ranked as (

    select
        periods.plan,
        plans.agent,
        plans.monthly_usd,
        plans.included_usd,
        periods.starts_on,
        periods.ends_before,
        row_number() over (
            partition by periods.plan, periods.starts_on
            order by plans.origin desc, plans.starts_on desc
        ) as best_first
    from periods
    inner join plans
        on
            periods.plan = plans.plan
            and periods.starts_on >= plans.starts_on
            and periods.starts_on < plans.ends_before
    where periods.ends_before is not null

),

best as (

    select
        ranked.plan,
        ranked.agent,
        coalesce(agents.vendor, ranked.agent) as vendor,
        ranked.monthly_usd,
        ranked.included_usd,
        ranked.starts_on,
        {{ add_days('ranked.ends_before', -1) }} as ends_on
    from ranked
    left join {{ ref('agents') }} as agents on ranked.agent = agents.agent
    where ranked.best_first = 1

)

select * from best

-- What a plan cost in a month: of seats that are shared one each for those who used it, as long as
-- there are enough, and each split over projects by list cost. What nobody used stays without
-- project. The first bears what rounding leaves over.
with

plan_months as (

    select * from {{ ref('fct_plan_months') }}

),

used as (

    select
        plan_month_key,
        developer_id,
        project_id,
        sum(covered_list_usd) as list_usd
    from {{ ref('int_spend_paid') }}
    where covered_list_usd > 0
    group by plan_month_key, developer_id, project_id

),

totals as (

    select
        *,
        sum(list_usd) over (partition by plan_month_key, developer_id) as developer_usd,
        sum(list_usd) over (partition by plan_month_key) as plan_list_usd
    from used

),

users as (

    select
        plan_month_key,
        count(distinct coalesce(developer_id, '')) as users
    from used
    group by plan_month_key

),

seats as (

    select
        plan_months.plan_month_key,
        plan_months.developer_id,
        plan_months.seats,
        coalesce(users.users, 0) as users,
        plan_months.developer_id is null
        and coalesce(users.users, 0) < plan_months.seats as has_unused
    from plan_months
    left join users on plan_months.plan_month_key = users.plan_month_key

),

parts as (

    select
        used.plan_month_key,
        coalesce(used.developer_id, seats.developer_id) as developer_id,
        used.project_id,
        case
            when seats.has_unused
                then
                    cast(used.list_usd as double)
                    / cast(used.developer_usd as double)
                    / seats.seats
            else cast(used.list_usd as double) / cast(used.plan_list_usd as double)
        end as share
    from totals as used
    inner join seats on used.plan_month_key = seats.plan_month_key
    union all
    select
        plan_month_key,
        developer_id,
        null as project_id,
        case
            when has_unused then (seats - users) / cast(seats as double)
            else 1
        end as share
    from seats
    where has_unused or users = 0

),

-- Seats that nobody used and use of nobody known have one place.
placed as (

    select
        plan_month_key,
        developer_id,
        project_id,
        sum(share) as share
    from parts
    group by plan_month_key, developer_id, project_id

),

weighed as (

    select
        plan_months.plan_month_key,
        plan_months.month,
        plan_months.plan,
        plan_months.agent,
        plan_months.plan_usd,
        plan_months.whole_plan_usd,
        placed.developer_id,
        placed.project_id,
        placed.share,
        row_number() over (
            partition by plan_months.plan_month_key
            order by placed.share desc, placed.developer_id asc, placed.project_id asc
        ) as position
    from plan_months
    inner join placed on plan_months.plan_month_key = placed.plan_month_key

),

rounded as (

    select
        *,
        {{ usd('round(plan_usd * share, 9)') }} as plan_part_usd,
        {{ usd('round(whole_plan_usd * share, 9)') }} as whole_part_usd
    from weighed

),

split as (

    select
        plan_month_key,
        month,
        plan,
        agent,
        developer_id,
        project_id,
        {% for part, whole in {
            'plan_part_usd': 'plan_usd', 'whole_part_usd': 'whole_plan_usd',
        }.items() %}
        {{ usd(
            'case when position = 1 then ' ~ whole ~ ' - sum(' ~ part
            ~ ') over (partition by plan_month_key) + ' ~ part ~ ' else ' ~ part ~ ' end'
        ) }} as {{ whole }},
        {% endfor %}
        share
    from rounded

),

teams as (

    select * from {{ ref('stg_teams') }}

),

final as (

    select
        split.*,
        teams.team
    from split
    left join teams on lower(split.developer_id) = teams.developer

)

select * from final

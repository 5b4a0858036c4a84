with

developers as (

    select
        developer_id,
        count(distinct usage_date) as days
    from fct_daily_agent_usage
    where
        developer_id is not null
        -- filter since: usage_date >= cast(:since as date)
        -- filter until: usage_date <= cast(:until as date)
        -- filter agent: agent = :agent
        -- filter model: model = :model
        -- filter developer: developer_id = :developer
        -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
        -- filter project: project_id = :project
    group by developer_id

),

grouped as (

    select
        case
            when days = 1 then '1 day'
            when days <= 5 then '2–5 days'
            when days <= 10 then '6–10 days'
            when days <= 20 then '11–20 days'
            else 'over 20 days'
        end as days_of_use,
        min(days) as fewest_days,
        count(*) as developers
    from developers
    group by days_of_use

)

select
    days_of_use,
    developers
    -- people: developers as people
from grouped
order by fewest_days

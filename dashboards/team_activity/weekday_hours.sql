-- Of requests whose time is known: a vendor's day has none, and fct_usage_15min puts it at noon.
-- By quarter hours first, for which a time zone's hour and day are asked less often.
with

quarters as (

    select
        time_bucket(interval 15 minutes, requested_at) as quarter,
        count(*) as requests
        -- people: list(distinct developer_id) as developers
    from fct_agent_requests
    where
        true
        -- filter since: requested_date >= cast(:since as date)
        -- filter until: requested_date <= cast(:until as date)
        -- filter agent: agent = :agent
        -- filter model: model = :model
        -- filter developer: developer_id = :developer
        -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
        -- filter project: project_id = :project
    group by quarter

)

select
    hour(quarter) as hour,
    dayname(quarter) as weekday,
    cast(sum(requests) as bigint) as requests
    -- people: len(list_distinct(flatten(list(developers)))) as people
from quarters
group by hour, weekday, isodow(quarter)
order by isodow(quarter), hour

-- Of requests whose time is known: a vendor's day has none, and fct_usage_15min puts it at noon.
select
    hour(requested_at) as hour,
    dayname(requested_at) as weekday,
    count(*) as requests
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
group by hour, weekday, isodow(requested_at)
order by isodow(requested_at), hour

select
    usage_date as day,
    cast(sum(suggestions) as bigint) as suggestions,
    cast(sum(acceptances) as bigint) as acceptances
    -- people: count(distinct developer_id) as people
from fct_copilot_daily
where
    breakdown = 'total'
    and not is_organisation
    -- filter since: usage_date >= cast(:since as date)
    -- filter until: usage_date <= cast(:until as date)
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
group by day
order by day

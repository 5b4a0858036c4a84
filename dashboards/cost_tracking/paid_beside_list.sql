select
    month,
    sum(list_cost_usd) as list_cost_usd,
    sum(paid_usd) as paid_usd,
    sum(unknown_paid_list_usd) as unknown_paid_list_usd
from fct_roi_monthly
where
    true
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter team: team = :team
    -- filter project: project_id = :project
group by month
order by month

select sum(list_cost_usd) as list_cost_usd
from fct_roi_monthly
where
    true
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter team: team = :team
    -- filter project: project_id = :project

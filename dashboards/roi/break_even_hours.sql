select
    month,
    sum(break_even_hours) as break_even_hours,
    sum(hours_saved_low) as hours_saved_low,
    sum(hours_saved_high) as hours_saved_high
from fct_roi_monthly
where
    true
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter team: team = :team
    -- filter project: project_id = :project
group by month
order by month

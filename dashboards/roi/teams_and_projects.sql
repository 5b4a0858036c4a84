select
    month,
    team,
    project_id,
    developers,
    sessions,
    list_cost_usd,
    paid_usd,
    unknown_paid_list_usd,
    break_even_hours,
    hours_saved_low,
    hours_saved_high,
    hours_source,
    hours_coverage,
    roi_low,
    roi_high,
    merged_ai_lines,
    surviving_ai_lines,
    cost_per_merged_line_usd,
    cost_per_surviving_line_usd,
    loaded_cost_per_surviving_line_usd
from fct_roi_monthly
where
    true
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter team: team = :team
    -- filter project: project_id = :project
order by month desc, team asc nulls last, project_id asc nulls last

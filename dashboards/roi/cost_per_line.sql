select
    month,
    repository,
    commits,
    coverage,
    merged_ai_lines,
    cost_per_merged_ai_line_usd,
    ai_lines_alive_30d,
    linked_cost_per_surviving_line_30d_usd,
    loaded_cost_per_surviving_line_30d_usd
from fct_outcomes_monthly
where
    commits > 0
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter repository: repository = :repository
order by month desc, repository asc nulls last

select
    month,
    repository,
    commits,
    assisted_commits,
    assisted_commit_share,
    coverage,
    ai_code_share,
    landing_rate,
    revert_rate,
    fix_follow_rate,
    rework_ratio,
    survival_30d,
    ai_survival_30d,
    spend_usd,
    cost_per_commit_usd
from fct_outcomes_monthly
where
    commits > 0
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter repository: repository = :repository
order by month desc, repository asc nulls last

select
    month,
    repository,
    median_seconds_to_commit / 3600 as median_hours,
    p90_seconds_to_commit / 3600 as p90_hours
from fct_outcomes_monthly
where
    median_seconds_to_commit is not null
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter repository: repository = :repository
order by month, repository nulls last

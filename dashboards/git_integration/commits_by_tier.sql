select
    cast(date_trunc('month', committed_date) as date) as month,
    attribution_tier as tier,
    count(*) as commits
    -- people: count(distinct developer_id) as people
from fct_git_commits
where
    true
    -- filter since: committed_date >= cast(:since as date)
    -- filter until: committed_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
    -- filter repository: repository = :repository
    -- filter tier: attribution_tier = :tier
group by month, tier
order by month, tier

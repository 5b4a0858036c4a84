select
    cast(date_trunc('month', committed_date) as date) as month,
    case when attribution_tier = 'untracked' then 'untracked' else 'assisted' end as evidence,
    count(*) as commits,
    count(case when is_reverted then 1 end) as reverted_commits,
    count(case when is_reverted then 1 end) / count(*) as revert_rate
    -- people: count(distinct developer_id) as people
from fct_git_commits
where
    attribution_tier <> 'ambiguous'
    -- filter since: committed_date >= cast(:since as date)
    -- filter until: committed_date <= cast(:until as date)
    -- filter agent: (attribution_tier = 'untracked' or agent = :agent)
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
    -- filter repository: repository = :repository
    -- filter tier: (attribution_tier = 'untracked' or attribution_tier = :tier)
group by month, evidence
order by month, evidence

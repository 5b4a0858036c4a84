select
    committed_at,
    repository,
    branch,
    left(commit_hash, 10) as commit,
    developer_id,
    agent,
    attribution_tier as tier,
    attribution_confidence as confidence,
    lines_added,
    lines_deleted,
    ai_lines,
    cost_usd,
    is_reverted
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
order by committed_at desc, commit_hash asc
limit 50

select
    committed_at,
    repository,
    branch,
    commit_hash,
    agent,
    attribution_tier as tier,
    attribution_confidence as confidence,
    session_id,
    files_changed,
    lines_added,
    lines_deleted,
    ai_lines,
    survived_30d as surviving_30d_lines,
    cost_usd,
    is_reverted
from fct_git_commits
where
    true
    -- filter since: committed_date >= cast(:since as date)
    -- filter until: committed_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter developer: developer_id = :developer
    -- filter project: project_id = :project
    -- filter repository: repository = :repository
    -- filter tier: attribution_tier = :tier
order by committed_at desc, commit_key asc

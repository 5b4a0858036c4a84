with

commits as (

    select
        *,
        cast(date_trunc('month', committed_date) as date) as month,
        attribution_tier not in ('ambiguous', 'untracked') as is_covered
    from fct_git_commits
    where
        effective_lines_added is not null
        -- filter since: committed_date >= cast(:since as date)
        -- filter until: committed_date <= cast(:until as date)
        -- filter developer: developer_id = :developer
        -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
        -- filter project: project_id = :project
        -- filter repository: repository = :repository

),

assisted as (

    select
        commit_key,
        ai_lines
    from commits
    where
        is_covered
        -- filter agent: agent = :agent
        -- filter tier: attribution_tier = :tier

)

select
    commits.month,
    cast(sum(commits.effective_lines_added) as bigint) as effective_lines,
    cast(sum(assisted.ai_lines) as bigint) as ai_lines,
    sum(assisted.ai_lines) / nullif(sum(commits.effective_lines_added), 0) as ai_code_share,
    sum(case when commits.is_covered then commits.effective_lines_added else 0 end)
    / nullif(sum(commits.effective_lines_added), 0) as coverage
    -- people: count(distinct commits.developer_id) as people
from commits
left join assisted on commits.commit_key = assisted.commit_key
group by commits.month
order by commits.month

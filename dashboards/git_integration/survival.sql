with

measured as (

    select
        repository,
        date_trunc('week', committed_date) as week,
        cast(date_trunc('month', committed_date) as date) as month,
        case when attribution_tier = 'untracked' then 'untracked' else 'assisted' end as evidence,
        effective_lines_added,
        survived_30d
        -- people: developer_id
    from fct_git_commits
    where
        survived_30d is not null
        and effective_lines_added > 0
        and attribution_tier <> 'ambiguous'
        -- filter since: committed_date >= cast(:since as date)
        -- filter until: committed_date <= cast(:until as date)
        -- filter agent: (attribution_tier = 'untracked' or agent = :agent)
        -- filter developer: developer_id = :developer
        -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
        -- filter project: project_id = :project
        -- filter repository: repository = :repository
        -- filter tier: (attribution_tier = 'untracked' or attribution_tier = :tier)

),

-- Only the weeks of a repository that have both: a young repository changes faster than an old one.
comparable as (

    select
        repository,
        week
    from measured
    group by repository, week
    having count(distinct evidence) = 2

)

select
    measured.month,
    measured.evidence,
    count(*) as commits,
    cast(sum(measured.effective_lines_added) as bigint) as lines_added,
    sum(measured.survived_30d) / sum(measured.effective_lines_added) as survival_30d
    -- people: count(distinct measured.developer_id) as people
from measured
inner join comparable
    on
        measured.repository is not distinct from comparable.repository
        and measured.week = comparable.week
group by measured.month, measured.evidence
order by measured.month, measured.evidence

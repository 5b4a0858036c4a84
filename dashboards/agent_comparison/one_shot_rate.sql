select
    month,
    agent,
    cast(sum(edit_turns) as bigint) as edit_turns,
    sum(one_shot_turns) / sum(edit_turns) as one_shot_rate
    -- people: count(distinct developer_id) as people
from fct_agent_quality
where
    edit_turns > 0
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by month, agent
order by month, agent

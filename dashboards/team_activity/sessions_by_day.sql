select
    started_date as day,
    agent,
    count(*) as sessions
    -- people: count(distinct developer_id) as people
from fct_agent_sessions
where
    true
    -- filter since: started_date >= cast(:since as date)
    -- filter until: started_date <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter model: main_model = :model
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by day, agent
order by day, agent

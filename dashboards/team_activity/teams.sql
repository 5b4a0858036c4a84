select
    teams.team,
    case when count(sessions.developer_id) > 0 then count(distinct sessions.developer_id) end
        as developers,
    count(*) as sessions,
    cast(sum(sessions.prompts) as bigint) as prompts,
    cast(sum(sessions.tool_calls) as bigint) as tool_calls,
    cast(sum(sessions.edits_accepted) as bigint) as edits_accepted,
    cast(sum(sessions.commits) as bigint) as commits,
    cast(sum(sessions.active_seconds) / 3600 as double) as active_hours,
    sum(sessions.cost_usd) as cost_usd
    -- people: count(distinct sessions.developer_id) as people
from fct_agent_sessions as sessions
left join dim_developers as teams on sessions.developer_id = teams.developer_id
where
    true
    -- filter since: sessions.started_date >= cast(:since as date)
    -- filter until: sessions.started_date <= cast(:until as date)
    -- filter agent: sessions.agent = :agent
    -- filter model: sessions.main_model = :model
    -- filter developer: sessions.developer_id = :developer
    -- filter team: teams.team = :team
    -- filter project: sessions.project_id = :project
group by teams.team
order by teams.team nulls last

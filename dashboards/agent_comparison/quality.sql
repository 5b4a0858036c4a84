select
    agent,
    cast(sum(sessions) as bigint) as sessions,
    cast(sum(prompts) as bigint) as prompts,
    sum(one_shot_turns) / nullif(sum(edit_turns), 0) as one_shot_rate,
    sum(edits_accepted) / nullif(sum(edits_accepted) + sum(edits_rejected), 0) as acceptance_rate,
    sum(edits_auto_accepted)
    / nullif(sum(edits_accepted) + sum(edits_rejected) + sum(edits_auto_accepted), 0)
        as auto_accepted_share,
    sum(errors) / nullif(sum(requests), 0) as error_rate,
    sum(attempts_again) / nullif(sum(attempts), 0) as retry_rate,
    sum(tool_failures) / nullif(sum(tool_runs), 0) as tool_failure_rate,
    sum(tool_calls) / nullif(sum(prompts), 0) as tool_calls_per_prompt
    -- people: count(distinct developer_id) as people
from fct_agent_quality
where
    true
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
    -- filter agent: agent = :agent
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
    -- filter project: project_id = :project
group by agent
order by agent

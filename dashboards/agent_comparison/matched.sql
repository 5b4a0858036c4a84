select
    metric,
    agent,
    other_agent,
    sessions,
    other_sessions,
    value,
    other_value,
    difference,
    difference_low,
    difference_high,
    is_enough,
    replace(verdict, '_', ' ') as verdict
from fct_agent_comparison
where
    comparison = 'matched'
    -- filter agent: (agent = :agent or other_agent = :agent)
order by metric, agent, other_agent

select
    agent || ' − ' || other_agent as agents,
    sessions,
    other_sessions,
    difference as difference_usd,
    difference_low as difference_low_usd,
    difference_high as difference_high_usd,
    is_enough,
    replace(verdict, '_', ' ') as verdict
from fct_agent_comparison
where
    comparison = 'matched'
    and metric = 'cost_per_session_usd'
    -- filter agent: (agent = :agent or other_agent = :agent)
order by agents

select
    agent,
    developer_id,
    account,
    limit_id,
    "window",
    plan_type,
    used_percentage / 100 as used_share,
    pace,
    resets_at,
    coalesce(resets_at <= now(), false) as is_over,
    runs_out_at,
    cost_usd,
    list_usd_per_percent as list_per_percent_usd,
    estimated,
    observed_at
from fct_limit_windows
where
    true
    -- filter agent: agent = :agent
    -- filter developer: developer_id = :developer
    -- filter team: developer_id in (select developer_id from dim_developers where team = :team)
order by agent, developer_id, account, limit_id, "window"

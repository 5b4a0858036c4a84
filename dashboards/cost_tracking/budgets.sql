select
    scope,
    name,
    measure,
    status,
    budget_usd,
    month_to_date_usd,
    used_share,
    projected_usd,
    projected_low_usd,
    projected_high_usd,
    days_elapsed,
    days_in_month,
    as_of_date
from fct_budget_status
where month = (select max(latest.month) from fct_budget_status as latest)
order by used_share desc nulls last, scope asc, name asc

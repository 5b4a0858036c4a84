select
    month,
    vendor,
    source,
    invoiced_usd,
    recorded_usd,
    residual_usd,
    list_cost_usd,
    unpriced_requests
from fct_invoice_reconciliation
where
    true
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
order by month desc, vendor asc, source asc

select
    invoices.month,
    invoices.vendor,
    invoices.source,
    causes.cause,
    causes.amount_usd,
    causes.requests,
    causes.explanation
from fct_invoice_causes as causes
inner join fct_invoice_reconciliation as invoices on causes.invoice_key = invoices.invoice_key
where
    true
    -- filter since: month >= date_trunc('month', cast(:since as date))
    -- filter until: month <= cast(:until as date)
order by
    invoices.month desc,
    invoices.vendor asc,
    invoices.source asc,
    abs(causes.amount_usd) desc nulls last,
    causes.cause asc

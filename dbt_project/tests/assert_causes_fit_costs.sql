-- The causes of one request explain at most what it cost, and avoiding them all saves no more.
with

causes as (

    select
        request_key,
        sum(cause_cost_usd) as cause_cost_usd,
        sum(avoidable_usd) as avoidable_usd
    from {{ ref('fct_cost_causes') }}
    group by request_key

)

select
    requests.request_key,
    requests.cost_usd,
    causes.cause_cost_usd,
    causes.avoidable_usd
from causes
inner join {{ ref('fct_agent_requests') }} as requests
    on causes.request_key = requests.request_key
where
    causes.cause_cost_usd > requests.cost_usd
    or causes.avoidable_usd > requests.cost_usd
    or (requests.cost_usd is null and causes.cause_cost_usd is not null)

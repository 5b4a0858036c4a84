with

months as (

    select
        *,
        paid_usd is not null
        and value_low_usd is not null
        and value_high_usd is not null as is_known
    from fct_roi_monthly
    where
        true
        -- filter since: month >= date_trunc('month', cast(:since as date))
        -- filter until: month <= cast(:until as date)
        -- filter team: team = :team
        -- filter project: project_id = :project

)

select
    month,
    -- At worst who said nothing saved nothing, seats that nobody used among them, and what is
    -- billed in an unknown way is paid in full.
    sum(case when is_known then value_low_usd end)
    / nullif(sum(coalesce(paid_usd, 0) + coalesce(unknown_paid_list_usd, 0)), 0)
    - 1 as roi_low,
    -- At best the others saved as much for their money as those who said it.
    sum(case when is_known then value_high_usd end)
    / nullif(sum(case when is_known then paid_usd end), 0)
    - 1 as roi_high
from months
group by month
having count(case when is_known then 1 end) > 0
order by month

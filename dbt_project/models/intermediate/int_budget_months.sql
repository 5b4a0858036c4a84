-- What each budget comes to in each month of which there are records: the newest amount that holds.
with

budgets as (

    select * from {{ ref('stg_budgets') }}

),

months as (

    select * from {{ ref('int_months') }}
    where is_recorded or is_running

),

ranked as (

    select
        months.month,
        months.last_day,
        months.as_of_date,
        months.days_in_month,
        months.is_running,
        budgets.budget_id,
        budgets.scope,
        budgets.name,
        budgets.measure,
        budgets.monthly_usd as budget_usd,
        row_number() over (
            partition by budgets.budget_id, months.month order by budgets.since desc nulls last
        ) as newest_first
    from budgets
    inner join months on budgets.since <= months.last_day or budgets.since is null

),

newest as (

    select * from ranked
    where newest_first = 1

)

select * from newest

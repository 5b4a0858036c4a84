-- Linked, unlinked and pending cost are all spend; a commit has no more AI lines than lines.
with

outcomes as (

    select coalesce(sum(cost_usd), 0) as cost_usd
    from {{ ref('fct_outcome_costs') }}

),

spend as (

    select coalesce(sum(cost_usd), 0) as cost_usd
    from {{ ref('fct_agent_costs') }}

),

months as (

    select coalesce(sum(spend_usd), 0) as cost_usd
    from {{ ref('fct_outcomes_monthly') }}

),

wrong as (

    select
        'outcomes are not all spend' as problem,
        outcomes.cost_usd as one,
        spend.cost_usd as other
    from outcomes
    cross join spend
    where outcomes.cost_usd <> spend.cost_usd
    union all
    select
        'months are not all outcomes' as problem,
        outcomes.cost_usd as one,
        months.cost_usd as other
    from outcomes
    cross join months
    where outcomes.cost_usd <> months.cost_usd
    union all
    select
        commit_hash as problem,
        effective_lines_added as one,
        ai_lines as other
    from {{ ref('fct_git_commits') }}
    where attribution_tier <> 'note' and ai_lines > effective_lines_added

)

select * from wrong

-- Spend is the same however it is added up: no cent is lost or counted twice between requests,
-- days, quarters of an hour, sessions and commits.
with

requests as (

    select * from {{ ref('fct_agent_requests') }}

),

remainders as (

    select * from {{ ref('fct_metric_remainders') }}

),

vendors as (

    select * from {{ ref('fct_vendor_spend') }}

),

sums as (

    select
        (select coalesce(sum(cost_usd), 0) from requests) as requests_usd,
        (
            select coalesce(sum(case when session_key is not null then cost_usd end), 0)
            from requests
        ) as session_requests_usd,
        (select coalesce(sum(computed_cost_usd), 0) from requests) as computed_usd,
        (select coalesce(sum(cost_usd), 0) from remainders) as remainders_usd,
        (select coalesce(sum(cost_usd), 0) from vendors) as vendors_usd,
        (select coalesce(sum(computed_cost_usd), 0) from vendors) as vendors_computed_usd,
        (select coalesce(sum(cost_usd), 0) from {{ ref('fct_agent_costs') }}) as costs_usd,
        (select coalesce(sum(computed_cost_usd), 0) from {{ ref('fct_agent_costs') }})
            as costs_computed_usd,
        (select coalesce(sum(cost_usd), 0) from {{ ref('fct_daily_agent_usage') }}) as daily_usd,
        (select coalesce(sum(cost_usd), 0) from {{ ref('fct_usage_15min') }}) as quarters_usd,
        (select coalesce(sum(cost_usd), 0) from {{ ref('fct_agent_sessions') }}) as sessions_usd,
        (select coalesce(sum(cost_usd), 0) from {{ ref('fct_git_commits') }}) as commits_usd,
        (select coalesce(sum(cost_share_usd), 0) from {{ ref('fct_commit_sessions') }})
            as shares_usd,
        (
            select coalesce(sum(sessions.cost_usd), 0)
            from {{ ref('fct_agent_sessions') }} as sessions
            where
                sessions.session_key in (
                    select links.session_key from {{ ref('fct_commit_sessions') }} as links
                )
        ) as linked_sessions_usd

),

wrong_sums as (

    select 'fct_agent_costs is not requests, remainders and vendors' as problem from sums
    where costs_usd <> requests_usd + remainders_usd + vendors_usd
    union all
    select 'fct_agent_costs computes other than its parts' as problem from sums
    where costs_computed_usd <> computed_usd + vendors_computed_usd
    union all
    select 'fct_daily_agent_usage is not requests and vendors' as problem from sums
    where daily_usd <> requests_usd + vendors_usd
    union all
    select 'fct_usage_15min is not fct_agent_costs' as problem from sums
    where quarters_usd <> costs_usd
    union all
    select 'fct_agent_sessions is not its requests and remainders' as problem from sums
    where sessions_usd <> session_requests_usd + remainders_usd
    union all
    select 'fct_git_commits is not the shares of sessions' as problem from sums
    where commits_usd <> shares_usd
    union all
    select 'the shares of commits are not their sessions' as problem from sums
    where shares_usd <> linked_sessions_usd

),

wrong_requests as (

    select 'a negative cost: ' || request_key as problem from requests
    where cost_usd < 0 or computed_cost_usd < 0
    union all
    select 'a price without computed cost or the reverse: ' || request_key as problem from requests
    where price_version is null and computed_cost_usd is not null

),

problems as (

    select problem from wrong_sums
    union all
    select problem from wrong_requests

)

select * from problems

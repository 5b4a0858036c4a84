-- What counts against each budget on a day; plans apart, which are known ahead.
{{ config(materialized='table') }}

{% set columns = {
    'team': 'team', 'project': 'project_id', 'developer': 'developer_id', 'agent': 'agent',
} %}

with

budgets as (

    select distinct
        budget_id,
        scope,
        lower(name) as name,
        measure
    from {{ ref('stg_budgets') }}

),

-- What people call a project, a developer or an agent, beside the id.
named as (

    select
        budgets.budget_id,
        budgets.scope,
        budgets.measure,
        budgets.name as value
    from budgets
    union
    select
        budgets.budget_id,
        budgets.scope,
        budgets.measure,
        lower(projects.project_id) as value
    from budgets
    inner join {{ ref('dim_projects') }} as projects on budgets.name = lower(projects.project_name)
    where budgets.scope = 'project'
    union
    select
        budgets.budget_id,
        budgets.scope,
        budgets.measure,
        lower(identities.developer_id) as value
    from budgets
    inner join {{ ref('stg_developer_identities') }} as identities
        on budgets.name = identities.identity
    where budgets.scope = 'developer'
    union
    select
        budgets.budget_id,
        budgets.scope,
        budgets.measure,
        lower(agents.agent) as value
    from budgets
    inner join {{ ref('agents') }} as agents on budgets.name = lower(agents.display_name)
    where budgets.scope = 'agent'

),

spend as (

    select
        usage_date,
        team,
        project_id,
        developer_id,
        agent,
        cost_usd as list_usd,
        metered_usd,
        cast(null as decimal(18, 9)) as plan_usd,
        cast(null as decimal(18, 9)) as whole_plan_usd
    from {{ ref('int_spend_paid') }}
    union all
    select
        month as usage_date,
        team,
        project_id,
        developer_id,
        agent,
        null as list_usd,
        null as metered_usd,
        plan_usd,
        whole_plan_usd
    from {{ ref('int_plan_shares') }}

),

matched as (

    select
        named.budget_id,
        named.measure,
        spend.usage_date,
        spend.list_usd,
        spend.metered_usd,
        spend.plan_usd,
        spend.whole_plan_usd
    from spend
    inner join named on named.scope = 'all'
    {% for scope, column in columns.items() %}
    union all
    select
        named.budget_id,
        named.measure,
        spend.usage_date,
        spend.list_usd,
        spend.metered_usd,
        spend.plan_usd,
        spend.whole_plan_usd
    from spend
    inner join named on named.scope = '{{ scope }}' and lower(spend.{{ column }}) = named.value
    {% endfor %}

),

summed as (

    select
        budget_id,
        usage_date,
        {{ usd("sum(case when measure = 'list' then list_usd else metered_usd end)") }}
            as spent_usd,
        {{ usd("sum(case when measure = 'paid' then plan_usd end)") }} as plan_usd,
        {{ usd("sum(case when measure = 'paid' then whole_plan_usd end)") }} as whole_plan_usd
    from matched
    group by budget_id, usage_date

)

select * from summed

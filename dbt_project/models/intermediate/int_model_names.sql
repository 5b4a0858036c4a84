-- A table: a handful of rows that most models join.
{{ config(materialized='table') }}

with

reported as (

    select model_reported from {{ ref('stg_agent_token_usage') }}
    union
    select model_reported from {{ ref('stg_claude_code__metrics') }}
    union
    select model_reported from {{ ref('stg_gemini_cli__metrics') }}
    union
    select model_reported from {{ ref('stg_copilot_cli__session_totals') }}
    union
    select model_reported from {{ ref('stg_vendor_usage') }}

),

aliases as (

    select * from {{ ref('stg_model_aliases') }}

),

prices as (

    select * from {{ ref('stg_model_prices') }}
    where not is_removed

),

-- `since_the_first` are the models with a price in the first version that this project shipped.
priced as (

    select
        model,
        coalesce(
            min(case when origin = 'seed' then known_at end)
            = min(min(case when origin = 'seed' then known_at end)) over (),
            false
        ) as since_the_first
    from prices
    group by model

),

unwrapped as (

    select
        model_reported,
        lower(trim(model_reported)) as reported_name,
        {{ canonical_model('model_reported') }} as dated_name
    from reported
    where model_reported <> ''

),

names as (

    select
        *,
        {{ undated_model('dated_name') }} as undated_name
    from unwrapped

),

-- The user's aliases beat everything. A dated name counts as it is where it had a price of its
-- own (gpt-4o-2024-05-13) from the first; else the date is cut off, and a price that becomes
-- known later renames no request: from then on it is found by `dated_model`.
resolved as (

    select
        names.model_reported,
        case
            when
                coalesce(by_reported.origin, '') <> 'user'
                and coalesce(by_dated.origin, '') <> 'user'
                and coalesce(by_undated.origin, '') <> 'user'
                then names.dated_name
        end as dated_model,
        coalesce(
            case when by_reported.origin = 'user' then by_reported.model end,
            case when by_dated.origin = 'user' then by_dated.model end,
            case when by_undated.origin = 'user' then by_undated.model end,
            priced_dated.model,
            by_dated.model,
            priced_undated.model,
            by_undated.model,
            names.undated_name
        ) as model
    from names
    left join aliases as by_reported on names.reported_name = by_reported.alias
    left join aliases as by_dated on names.dated_name = by_dated.alias
    left join aliases as by_undated on names.undated_name = by_undated.alias
    left join priced as priced_dated
        on names.dated_name = priced_dated.model and priced_dated.since_the_first
    left join priced as priced_undated on names.undated_name = priced_undated.model

)

select * from resolved

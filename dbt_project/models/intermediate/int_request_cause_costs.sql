-- What the causes of a request cost, by the price row that priced the request. The parts never add
-- up to more than its cost: a lost cache first, then what a long-context tier added to the rest,
-- and what is left is that of the request as a whole.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

{% set kept_tokens = {
    'input': 'coalesce(causes.input_tokens, 0) - causes.wasted_input_tokens',
    'cache_read': 'causes.cache_read_tokens',
    'cache_write_5m': 'coalesce(causes.cache_write_5m_tokens, 0) - causes.wasted_5m_tokens',
    'cache_write_1h': 'coalesce(causes.cache_write_1h_tokens, 0) - causes.wasted_1h_tokens',
    'output': 'causes.output_tokens',
} %}
{% set base_parts = [] %}
{% for class, tokens in kept_tokens.items() %}
{% do base_parts.append(usd_for_tokens(tokens, 'base_prices.' ~ class)) %}
{% endfor %}

with

causes as (

    select * from {{ ref('int_request_causes') }}
    where {{ changed() }}

),

prices as (

    select * from {{ ref('int_request_price_rows') }}

),

-- The same model's price without the tier, as it held on the same day.
base_prices as (

    select distinct
        model,
        service_tier,
        price_version,
        origin,
        known_at,
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        valid_from,
        valid_to
    from {{ ref('int_prices_by_period') }}
    where tier_from_tokens = 0

),

priced as (

    select
        causes.*,
        prices.tier_from_tokens > 0 as is_long_context,
        {{ usd_for_tokens('causes.wasted_1h_tokens', 'prices.cache_write_1h') }}
        + {{ usd_for_tokens('causes.wasted_5m_tokens', 'prices.cache_write_5m') }}
        + {{ usd_for_tokens('causes.wasted_input_tokens', 'prices.input') }} as resent_usd,
        {{ usd_for_tokens('causes.wasted_tokens', 'prices.cache_read') }} as read_usd,
        {{ base_parts | join('\n        + ') }} as base_usd
    from causes
    left join prices on causes.request_key = prices.request_key
    left join base_prices
        on
            prices.tier_from_tokens > 0
            and prices.model = base_prices.model
            and prices.service_tier = base_prices.service_tier
            and prices.price_version = base_prices.price_version
            and prices.origin = base_prices.origin
            and prices.known_at = base_prices.known_at
            and (
                base_prices.valid_from <= {{ utc_date('causes.requested_at') }}
                or base_prices.valid_from is null
            )
            and (
                base_prices.valid_to > {{ utc_date('causes.requested_at') }}
                or base_prices.valid_to is null
            )

),

-- An agent's own figure may be less than ours: then each part is less in the same measure.
shared as (

    select
        *,
        case
            when computed_cost_usd > 0 and cost_usd < computed_cost_usd
                then cost_usd / computed_cost_usd
            else 1
        end as paid_share
    from priced

),

parts as (

    select
        *,
        case
            when cache_cause is null then 0
            else {{ usd('resent_usd * paid_share') }}
        end as lost_usd,
        case
            when cache_cause is null then 0
            else {{ usd('(resent_usd - read_usd) * paid_share') }}
        end as saved_usd,
        case
            when coalesce(is_long_context, false)
                then {{ usd('(computed_cost_usd - resent_usd - base_usd) * paid_share') }}
            else 0
        end as tier_usd
    from shared

),

-- No part is larger than the whole, and unknown where either is.
cache_parts as (

    select
        *,
        {{ usd(smaller('lost_usd', 'cost_usd')) }} as cache_usd
    from parts

),

tier_parts as (

    select
        *,
        {{ usd(smaller('saved_usd', 'cache_usd')) }} as cache_avoidable_usd,
        {{ usd(smaller('tier_usd', 'cost_usd - cache_usd')) }} as long_context_usd
    from cache_parts

),

final as (

    select
        request_key,
        session_key,
        session_id,
        agent,
        developer_id,
        project_id,
        git_branch,
        model,
        previous_model,
        pause_seconds,
        wasted_tokens,
        cache_cause,
        request_cause,
        is_avoidable,
        coalesce(is_long_context, false) as is_long_context,
        cost_usd,
        cache_usd,
        cache_avoidable_usd,
        long_context_usd,
        {{ usd('cost_usd - cache_usd - long_context_usd') }} as rest_usd,
        requested_at,
        requested_date
    from tier_parts
    where
        cache_cause is not null
        or request_cause is not null
        or coalesce(is_long_context, false)

)

select * from final

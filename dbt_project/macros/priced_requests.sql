{#-
    Requests with what they cost by the prices that count for them; `of` is a condition on
    `stg_agent_token_usage`.
-#}
{% macro priced_requests(of) -%}
with

usage_rows as (

    select * from {{ ref('stg_agent_token_usage') }}
    where not is_error and {{ of }}

),

names as (

    select * from {{ ref('int_model_names') }}

),

-- A dated model is looked up by its whole name too, in case it has a price of its own by now.
lookups as (

    select
        model_reported,
        model,
        false as is_dated
    from names
    union all
    select
        model_reported,
        dated_model as model,
        true as is_dated
    from names
    where
        dated_model <> model
        and dated_model in (select known.model from {{ ref('int_prices_by_period') }} as known)

),

epochs as (

    select * from {{ ref('stg_price_epochs') }}

),

prices as (

    select * from {{ ref('int_prices_by_period') }}

),

-- A request is seen from the moment it was first stored, or from a later recomputation.
asked as (

    select
        usage_rows.*,
        lookups.model,
        lookups.is_dated,
        coalesce(usage_rows.input_tokens, 0)
        + coalesce(usage_rows.cache_read_tokens, 0)
        + coalesce(usage_rows.cache_write_5m_tokens, 0)
        + coalesce(usage_rows.cache_write_1h_tokens, 0) as prompt_tokens,
        {{ utc_date('usage_rows.requested_at') }} as requested_on,
        case
            when epochs.priced_as_of > usage_rows.created_at then epochs.priced_as_of
            else usage_rows.created_at
        end as seen_at
    from usage_rows
    inner join lookups on usage_rows.model_reported = lookups.model_reported
    left join epochs
        on
            usage_rows.requested_at >= epochs.requested_from
            and (usage_rows.requested_at < epochs.requested_to or epochs.requested_to is null)

),

-- A tier prices the whole request, once its prompt is larger than the tier's bound. What was
-- known beats what was not yet, then the dated name the undated one and the user the seed: where
-- his version has no row for the day, the seed's counts.
matched as (

    select
        asked.*,
        prices.price_version,
        prices.input,
        prices.cache_read,
        prices.cache_write_5m,
        prices.cache_write_1h,
        prices.output,
        row_number() over (
            partition by asked.request_key
            order by
                case when prices.known_at > asked.seen_at then prices.known_at end asc nulls first,
                asked.is_dated desc,
                case when prices.origin = 'user' then 0 else 1 end asc,
                prices.tier_from_tokens desc,
                prices.valid_from desc nulls last
        ) as best_first
    from asked
    inner join prices
        on
            asked.model = prices.model
            and asked.service_tier = prices.service_tier
            and asked.seen_at >= prices.seen_from
            and (asked.seen_at < prices.seen_to or prices.seen_to is null)
            and (asked.requested_on >= prices.valid_from or prices.valid_from is null)
            and (asked.requested_on < prices.valid_to or prices.valid_to is null)
            and (asked.prompt_tokens > prices.tier_from_tokens or prices.tier_from_tokens = 0)

),

priced as (

    select
        request_key,
        session_id,
        price_version,
        {{ usd(
            usd_for_tokens('input_tokens', 'input')
            ~ '\n+ ' ~ usd_for_tokens('cache_read_tokens', 'cache_read')
            ~ '\n+ ' ~ usd_for_tokens('cache_write_5m_tokens', 'cache_write_5m')
            ~ '\n+ ' ~ usd_for_tokens('cache_write_1h_tokens', 'cache_write_1h')
            ~ '\n+ ' ~ usd_for_tokens('output_tokens', 'output')
        ) }} as computed_cost_usd,
        {{ usd(usd_for_tokens('cache_read_tokens', 'input - cache_read')) }} as cache_savings_usd
    from matched
    where best_first = 1

)

select * from priced
{%- endmacro %}

-- A table: two models read it, and each would compare with all requests again.
{{ config(materialized='table') }}

with

vendor_usage as (

    select * from {{ ref('stg_vendor_usage') }}

),

identities as (

    select * from {{ ref('stg_developer_identities') }}

),

names as (

    select * from {{ ref('int_model_names') }}

),

-- The lowest tier: how large the requests of a day were nobody knows.
prices as (

    select * from {{ ref('int_prices_by_period') }}
    where service_tier = 'standard' and tier_from_tokens = 0

),

identified as (

    select
        vendor_usage.*,
        coalesce(
            by_actor.developer_id, by_developer.developer_id, vendor_usage.developer_id
        ) as identified_developer_id,
        names.model,
        -- A day's price is the one of its end, however often the vendor reports it anew.
        {{ add_seconds('vendor_usage.day_began_at', '86400') }} as seen_at
    from vendor_usage
    left join names on vendor_usage.model_reported = names.model_reported
    left join identities as by_actor on lower(vendor_usage.actor) = by_actor.identity
    left join identities as by_developer
        on lower(vendor_usage.developer_id) = by_developer.identity

),

priced as (

    select
        identified.vendor_usage_key,
        {{ usd(
            usd_for_tokens('identified.input_tokens', 'prices.input')
            ~ '\n+ ' ~ usd_for_tokens('identified.cache_read_tokens', 'prices.cache_read')
            ~ '\n+ ' ~ usd_for_tokens('identified.cache_write_5m_tokens', 'prices.cache_write_5m')
            ~ '\n+ ' ~ usd_for_tokens('identified.cache_write_1h_tokens', 'prices.cache_write_1h')
            ~ '\n+ ' ~ usd_for_tokens('identified.output_tokens', 'prices.output')
        ) }} as computed_cost_usd,
        row_number() over (
            partition by identified.vendor_usage_key
            order by
                case
                    when prices.known_at > identified.seen_at then prices.known_at
                end asc nulls first,
                case when prices.origin = 'user' then 0 else 1 end asc,
                prices.valid_from desc nulls last
        ) as best_first
    from identified
    inner join prices
        on
            identified.model = prices.model
            and identified.seen_at >= prices.seen_from
            and (identified.seen_at < prices.seen_to or prices.seen_to is null)
            and (identified.reported_on >= prices.valid_from or prices.valid_from is null)
            and (identified.reported_on < prices.valid_to or prices.valid_to is null)
    where
        coalesce(
            identified.input_tokens,
            identified.cache_read_tokens,
            identified.cache_write_5m_tokens,
            identified.cache_write_1h_tokens,
            identified.output_tokens
        ) is not null

),

actors as (

    select distinct
        agent,
        lower(identified_developer_id) as actor_name
    from identified

),

-- Each developer of a day that our records hold, and whether the vendor knows him by that name.
claims as (

    select
        claims.agent,
        claims.reported_on,
        lower(claims.developer_id) as claimed_by,
        actors.agent is not null as is_matched
    from {{ ref('int_vendor_claims') }} as claims
    left join actors
        on claims.agent = actors.agent and lower(claims.developer_id) = actors.actor_name

),

claimed as (

    select
        identified.vendor_usage_key,
        max(
            case
                when claims.claimed_by = lower(identified.identified_developer_id) then 1
                else 0
            end
        ) = 1 as is_held,
        max(
            case
                when not claims.is_matched or identified.identified_developer_id is null then 1
                else 0
            end
        ) = 1 as may_be_held
    from identified
    inner join claims
        on identified.agent = claims.agent and identified.reported_on = claims.reported_on
    group by identified.vendor_usage_key

),

-- A request is taken from log event, span, session file, and from the vendor where nothing else
-- has any of that developer and day. Somebody whom we cannot tell from the vendor's actors may be
-- any of them, so that day's usage is not added either: too little can be mended by a name in
-- developer_identities, twice would never be seen.
joined as (

    select
        identified.vendor_usage_key,
        identified.agent,
        identified.identified_developer_id as developer_id,
        identified.model,
        identified.model_reported,
        case
            when identified.stated_cost_usd is not null and identified.agent = 'cursor'
                then 'vendor_billed'
            when identified.stated_cost_usd is not null then 'agent_reported'
            when priced.computed_cost_usd is not null then 'computed'
            else 'unpriced'
        end as cost_source,
        case
            when identified.is_activity then 'activity'
            when claimed.is_held then 'held'
            when claimed.may_be_held then 'may_be_held'
            else 'counted'
        end as standing,
        identified.requests,
        identified.input_tokens,
        identified.cache_read_tokens,
        identified.cache_write_5m_tokens,
        identified.cache_write_1h_tokens,
        identified.output_tokens,
        identified.reasoning_tokens,
        -- NULL of one class is none of it, as long as another is known.
        case
            when coalesce(
                identified.input_tokens,
                identified.cache_read_tokens,
                identified.cache_write_5m_tokens,
                identified.cache_write_1h_tokens,
                identified.output_tokens
            ) is not null then
                coalesce(identified.input_tokens, 0)
                + coalesce(identified.cache_read_tokens, 0)
                + coalesce(identified.cache_write_5m_tokens, 0)
                + coalesce(identified.cache_write_1h_tokens, 0)
                + coalesce(identified.output_tokens, 0)
        end as total_tokens,
        coalesce(identified.stated_cost_usd, priced.computed_cost_usd) as cost_usd,
        priced.computed_cost_usd,
        identified.paid_usd,
        -- Noon, for that is the same day in most time zones; earlier while the day is not over.
        case
            when identified.created_at < identified.day_began_at then identified.day_began_at
            when identified.created_at < {{ add_seconds('identified.day_began_at', '43200') }}
                then identified.created_at
            else {{ add_seconds('identified.day_began_at', '43200') }}
        end as booked_at,
        identified.reported_on,
        identified.created_at as fetched_at
    from identified
    left join priced
        on identified.vendor_usage_key = priced.vendor_usage_key and priced.best_first = 1
    left join claimed on identified.vendor_usage_key = claimed.vendor_usage_key

)

select * from joined

-- Which versions of a price count for a request, by the moment from which it is seen: of each
-- origin the newest known then; where none was known yet, the one known first.
with

prices as (

    select * from {{ ref('stg_model_prices') }}

),

versions as (

    select distinct
        model,
        service_tier,
        origin,
        is_removed,
        known_at
    from prices

),

followed as (

    select
        *,
        lead(known_at) over (
            partition by model, service_tier, origin order by known_at
        ) as replaced_at
    from versions

),

-- The versions change at these moments; the first period reaches back to the beginning.
moments as (

    select
        model,
        service_tier,
        known_at as seen_from
    from versions
    union
    select distinct
        model,
        service_tier,
        {{ utc_midnight("'1970-01-01'") }} as seen_from
    from versions

),

timed as (

    select
        *,
        lead(seen_from) over (partition by model, service_tier order by seen_from) as seen_to
    from moments

),

ranked as (

    select
        moments.model,
        moments.service_tier,
        moments.seen_from,
        moments.seen_to,
        versions.origin,
        versions.known_at,
        versions.is_removed,
        versions.known_at <= moments.seen_from as is_known,
        row_number() over (
            partition by moments.model, moments.service_tier, moments.seen_from
            order by versions.known_at asc, versions.origin desc
        ) as oldest_first
    from timed as moments
    inner join followed as versions
        on
            moments.model = versions.model
            and moments.service_tier = versions.service_tier
            and (versions.replaced_at > moments.seen_from or versions.replaced_at is null)

),

periods as (

    select
        model,
        service_tier,
        origin,
        known_at,
        seen_from,
        seen_to
    from ranked
    -- The oldest that lasts is either known or there is none that is.
    where (is_known or oldest_first = 1) and not is_removed

)

select * from periods
